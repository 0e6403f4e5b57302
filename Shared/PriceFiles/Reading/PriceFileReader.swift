import Core

/// Reads one published file in constant memory: decompression, encoding, markup, dialect. Bad data is never thrown; the
/// summary describes it.
///
/// Not thread-safe; an instance reads one file once.
package final class PriceFileReader {
  package enum Answer: Equatable, Sendable {
    case more
    /// The rest does not matter: the summary is final.
    case stop
    /// The rows handed over so far are wrong: the file is windows-1255 although its first rows were also valid UTF-8,
    /// or a code is repeated and its first row is not the one that counts. Discard the rows and read the file again
    /// with `nextPlan`.
    case restart
  }

  package static let windowCapacity = 128 << 10

  private let limits: PriceFileLimits
  private let plan: ReadingPlan
  /// After `restart`: the plan for the second pass.
  package private(set) var nextPlan = ReadingPlan()
  private var decompressor: Decompressor
  private var window: TextWindow
  private var decoder: RowDecoder

  private var encoding: TextEncoding?
  private var encodingIsDetected = false
  /// True until a byte rules out windows-1255.
  private var mayBeWindows1255 = true
  private var hasReadNonASCII = false
  private var transcoder: UTF16Transcoder?
  /// Buffer for UTF-16 before transcoding.
  private var raw: UnsafeMutableRawBufferPointer?
  private var defect: FileDefect?
  /// After fatal markup the rest is still decompressed and checked: it may show that the data is damaged, or that the
  /// file is windows-1255, and then the earlier rows are wrong.
  private var isDraining: Bool { defect?.outcome == .malformed }
  private var hasText = false
  private var badCharacters = 0

  /// - Parameters:
  ///   - zone: the table of `PriceFileName.zoneIdentifier`.
  ///   - plan: the previous pass's `nextPlan`.
  package init(limits: PriceFileLimits = PriceFileLimits(), zone: ZoneTable, plan: ReadingPlan = ReadingPlan()) {
    // Room for a row, the text after it, and the next inflate.
    let capacity = max(Self.windowCapacity, 2 * (limits.rowBytes + limits.textBytes + limits.tagBytes))
    self.limits = limits
    self.plan = plan
    encoding = plan.encoding
    decompressor = Decompressor(limits: limits)
    window = TextWindow(capacity: capacity)
    decoder = RowDecoder(limits: limits, zone: zone, windowCapacity: capacity, plan: plan.repeats)
    if encoding == .windows1255 {
      mayBeWindows1255 = false
      decoder.convertHighBytes()
    }
  }

  deinit { raw?.deallocate() }

  /// - Parameters:
  ///   - chunk: the next bytes of the file; not kept.
  ///   - handler: receives every usable price row, in order.
  ///   - records: receives every usable promotion or store of a file that holds those.
  /// - Throws: only what the handlers throw.
  package func feed(
    _ chunk: UnsafeRawBufferPointer, _ handler: (borrowing PriceRow) throws -> Void,
    records: (borrowing PromotionOrStore) throws -> Void = { _ in }
  ) throws -> Answer {
    guard defect == nil || isDraining else { return .stop }
    decompressor.take(chunk)
    return try pump(handler, records)
  }

  /// Call once, after the last chunk.
  package func finish(
    _ handler: (borrowing PriceRow) throws -> Void, records: (borrowing PromotionOrStore) throws -> Void = { _ in }
  ) throws -> Answer {
    guard defect == nil || isDraining else { return .stop }
    decompressor.endInput()
    let answer = try pump(handler, records)
    if answer == .restart { return answer }
    if defect == nil {
      do { try decompressor.finish() } catch { defect = error }
    }
    if defect == nil, !decoder.tokenizer.isRootClosed, decoder.tokenizer.damage == nil, hasText {
      defect = window.defect(.truncated, code: "truncated", "the document ends early", at: window.end)
    }
    guard plan.repeats != nil || decoder.repeats.isEmpty || defect?.outcome.rowsAreTrustworthy == false else {
      nextPlan = ReadingPlan(encoding: plan.encoding, repeats: decoder.repeats)
      return .restart
    }
    try decoder.finishUnited(records)
    return .stop
  }

  /// The summary so far; final once `feed` or `finish` has answered `stop`.
  package var summary: PriceFileSummary {
    var summary = decoder.summary
    summary.compression = decompressor.compression
    summary.encoding = hasText ? encoding ?? .utf8 : nil
    summary.kind = decoder.kind
    summary.itemReferences = decoder.promotions.itemReferences
    if decoder.promotions.hasGroups { decoder.evidence.insert(.groups) }
    decoder.shape.forEachUnknown { summary.noteUnknown($0, count: $1) }
    summary.dialect = summary.rows > 0 ? decoder.evidence.dialect : nil
    summary.distinctCodes = decoder.codes.count
    summary.strayAmpersands = decoder.fields.text.strayAmpersands
    summary.badCharacters = badCharacters + decoder.fields.text.badCharacters + (transcoder?.badCharacters ?? 0)
    summary.trailingBytes = decompressor.trailingBytes
    summary.hasMoreEntries = decompressor.hasMoreEntries
    summary.compressedBytes = decompressor.received
    summary.inflatedBytes = decompressor.produced
    summary.markupDefects = decoder.tokenizer.defects
    summary.isRootClosed = decoder.tokenizer.isRootClosed
    decoder.units.forEachUnknown { summary.noteUnknownWord("unit_of_measure: \($0)", count: $1) }
    summary.defect = defect ?? decoder.tokenizer.damage
    summary.outcome = outcome(summary)
    return summary
  }

  private func outcome(_ summary: PriceFileSummary) -> PriceFileOutcome {
    if let defect = summary.defect { return defect.outcome }
    if !hasText { return .emptyFile }
    if summary.rows > 0 { return .ok }
    return decoder.hasContainer || !summary.chainID.isEmpty ? .empty : .unknownDocument
  }

  // MARK: - Moving bytes

  private func pump(
    _ handler: (borrowing PriceRow) throws -> Void, _ records: (borrowing PromotionOrStore) throws -> Void
  ) throws -> Answer {
    while true {
      do {
        if isDraining { window.position = window.end }
        decoder.compact(&window)
        guard try refill() else { return .more }
        if !decodeText() { return .restart }
        if !isDraining { try decoder.run(&window, handler, records) }
      } catch let found as FileDefect {
        // The rest of a malformed file replaces the defect only if it makes the rows untrustworthy.
        defect = found
        if !isDraining { return .stop }
        decoder.stop()
      }
    }
  }

  /// - Returns: false when there is no more input.
  private func refill() throws(FileDefect) -> Bool {
    guard window.free.count > TextWindow.padding else {
      throw window.defect(.refused, code: "row_limit", "a row is longer than the window", at: window.position)
    }
    guard transcoder != nil else {
      // The first read is short: should it be UTF-16, the text must still fit as UTF-8.
      let room = encodingIsDetected ? window.free.count : min(window.free.count, 4 << 10)
      let count = try decompressor.read(into: UnsafeMutableRawBufferPointer(rebasing: window.free[..<room]))
      window.filled += count
      return count > 0 || detectAtEnd()
    }
    let raw = self.raw ?? .allocate(byteCount: 32 << 10, alignment: 16)
    self.raw = raw
    let room = min(raw.count, (window.free.count - 16) / 3 * 2)
    let count = try decompressor.read(into: UnsafeMutableRawBufferPointer(rebasing: raw[..<room]))
    let source = UnsafeRawBufferPointer(rebasing: raw[..<count])
    window.filled += transcoder?.transcode(source, into: window.base + window.filled) ?? 0
    return count > 0
  }

  /// True for a text of fewer than four bytes that is still undetected.
  private func detectAtEnd() -> Bool {
    !encodingIsDetected && decompressor.hasInputEnded && window.filled > 0
  }

  /// Moves `window.end` over the new bytes that are complete, valid characters.
  /// - Returns: false when the file must be read again as windows-1255.
  private func decodeText() -> Bool {
    if !encodingIsDetected {
      guard window.filled >= 4 || decompressor.hasInputEnded else { return true }
      encodingIsDetected = true
      detect()
    }
    if !hasText {
      hasText = (window.end..<window.filled).contains { !XMLNameByte.isBlank(window.base[$0]) }
    }
    if transcoder != nil || encoding == .windows1255 {
      window.end = window.filled
      return true
    }
    while true {
      let result = UTF8Checker.check(window.base + window.end, count: window.filled - window.end)
      window.end += result.validCount
      guard result.isInvalid else {
        hasReadNonASCII = hasReadNonASCII || result.hasNonASCII
        return true
      }
      if mayBeWindows1255 {
        // The bytes in the window can still be read either way; earlier bytes were ASCII, or must be read again.
        if hasReadNonASCII {
          nextPlan = ReadingPlan(encoding: .windows1255)
          return false
        }
        encoding = .windows1255
        decoder.convertHighBytes()
        window.end = window.filled
        return true
      }
      // The mark says UTF-8, so the byte is wrong, not the encoding.
      hasReadNonASCII = true
      badCharacters += 1
      window.base[window.end] = UInt8(ascii: "?")
    }
  }

  private func detect() {
    let head = UnsafeRawBufferPointer(start: window.base, count: min(4, window.filled))
    let (detected, markLength) = TextEncoding.detect(head)
    guard let detected else { return }
    encoding = detected
    mayBeWindows1255 = false
    window.position += markLength
    window.end = window.position
    guard detected.isUTF16 else { return }
    // Transcodes the bytes read so far in place.
    transcoder = UTF16Transcoder(isBigEndian: detected == .utf16BigEndian)
    let pending = Array(UnsafeBufferPointer(start: window.base + markLength, count: window.filled - markLength))
    window.position = 0
    window.end = 0
    window.filled = 0
    pending.withUnsafeBytes { window.filled = transcoder?.transcode($0, into: window.base) ?? 0 }
  }
}

/// What one pass over a file learned that the next pass needs from the start.
package struct ReadingPlan: Equatable, Sendable {
  /// nil: detect it.
  package var encoding: TextEncoding?
  /// nil: unknown.
  package var repeats: RepeatedCodes?

  package init(encoding: TextEncoding? = nil, repeats: RepeatedCodes? = nil) {
    self.encoding = encoding
    self.repeats = repeats
  }
}

/// Codes that are repeated in a file and whose first row is not the one that counts.
package struct RepeatedCodes: Equatable, Sendable {
  /// Item codes and stores whose newest row is not the first, with the number of that row.
  var newest: [[UInt8]: Int] = [:]
  /// Promotions whose parts are not adjacent.
  var scattered: Set<[UInt8]> = []

  var isEmpty: Bool { newest.isEmpty && scattered.isEmpty }

  /// True for the one row of `code` that counts; nil for a code that needs no plan.
  func isNewest(_ row: Int, of code: UnsafeBufferPointer<UInt8>) -> Bool? {
    newest.isEmpty ? nil : newest[Array(code)].map { $0 == row }
  }
}

/// The limits of one file. Anything beyond ends the reading with the outcome `refused`.
package struct PriceFileLimits: Hashable, Sendable {
  /// Bytes after decompression. Real files stay below 10 MB.
  package var inflatedBytes = 1 << 30
  /// Decompressed bytes per compressed byte, checked from the first MiB on. Real files reach 30.
  package var ratio = 200
  /// Members of a gzip file, or entries inspected in a ZIP file.
  package var entries = 64
  package var depth = 32
  package var nameBytes = 128
  /// One tag with all its attributes.
  package var tagBytes = 16 << 10
  /// The text of one element, or one CDATA section.
  package var textBytes = 32 << 10
  /// One row from its start tag to its end tag.
  package var rowBytes = 64 << 10
  /// The texts of one promotion or store with its items. A larger record is rejected, not the file.
  package var recordBytes = 4 << 20

  package init() {}
}
