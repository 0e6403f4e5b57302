import Compression
import Values

/// Turns the bytes of a stored file into plain bytes. The first bytes decide the compression, never the file name.
///
/// The caller passes one chunk after the other to `take`, and after each calls `read` until it returns 0; after the
/// last chunk it calls `endInput`, reads until 0, and asks `finish` whether the file was complete.
struct Decompressor: ~Copyable {
  enum State: Equatable {
    case sniffing
    case plain
    case gzip
    /// After a gzip member: another may follow.
    case betweenMembers
    case zip(ZipState)
    case ended
  }

  let limits: PriceFileLimits
  var state = State.sniffing
  private(set) var compression: Compression?
  private(set) var produced = 0
  /// Bytes of the file received so far.
  private(set) var received = 0
  var entries = 0
  private(set) var trailingBytes = 0
  var hasMoreEntries = false

  private var members: GzipStream?
  var stream: InflateStream?
  var zip = ZipEntry()
  /// Bytes that were inspected before `input` and come before it.
  var held: [UInt8] = []
  private var input = UnsafeRawBufferPointer(start: nil, count: 0)
  private var inputHasEnded = false

  init(limits: PriceFileLimits) { self.limits = limits }

  /// Passes `chunk`, which must stay valid until `read` has returned 0.
  mutating func take(_ chunk: UnsafeRawBufferPointer) {
    assert(input.isEmpty, "the previous chunk was not read to its end")
    input = chunk
    received += chunk.count
  }

  mutating func endInput() { inputHasEnded = true }

  /// Bytes of the file consumed; the position of a defect.
  var position: Int { received - input.count - held.count }

  /// - Returns: the number of bytes written to `target`; 0 when more input is needed, or at the end.
  mutating func read(into target: UnsafeMutableRawBufferPointer) throws(FileDefect) -> Int {
    var written = 0
    while written == 0 {
      switch state {
      case .sniffing: guard try sniff() else { return 0 }
      case .plain:
        written = copy(into: target, atMost: .max)
        if written == 0 { return 0 }
      case .gzip:
        guard let count = try inflate(into: target, whenEnded: .betweenMembers) else { return 0 }
        written = count
      case .betweenMembers: guard try nextMember() else { return 0 }
      case .zip(let zipState):
        guard let count = try readZip(zipState, into: target) else { return 0 }
        written = count
      case .ended:
        trailingBytes += held.count + input.count
        held = []
        input = UnsafeRawBufferPointer(start: nil, count: 0)
        return 0
      }
    }
    produced += written
    if produced > limits.inflatedBytes {
      throw refuse("inflated_size_limit", "the file inflates to more than \(limits.inflatedBytes) bytes")
    }
    if state != .plain, produced > 1 << 20, produced / max(1, position) > limits.ratio {
      throw refuse("inflation_ratio_limit", "the file inflates to more than \(limits.ratio) times its size")
    }
    return written
  }

  /// Call after `endInput`, once `read` has returned 0.
  /// - Throws: `truncated` when the compressed data stops before its end.
  func finish() throws(FileDefect) {
    switch state {
    case .plain, .betweenMembers, .ended: return
    case .sniffing, .gzip, .zip:
      throw FileDefect(.truncated, code: "truncated", "the compressed data ends early", offset: received)
    }
  }

  // MARK: - Detection

  private mutating func sniff() throws(FileDefect) -> Bool {
    guard gather(4) || inputHasEnded else { return false }
    if held.starts(with: [0x1F, 0x8B]) {
      compression = .gzip
      members = GzipStream()
      state = .gzip
      entries = 1
    } else if held == [0x50, 0x4B, 0x03, 0x04] || held == [0x50, 0x4B, 0x05, 0x06] {
      compression = .zip
      state = .zip(.signature)
    } else {
      compression = Compression.none
      state = .plain
    }
    return true
  }

  private mutating func nextMember() throws(FileDefect) -> Bool {
    // One byte decides, unless it is the first byte of the magic.
    guard gather(1) else { return false }
    if held[0] == 0x1F, !gather(2), !inputHasEnded { return false }
    guard held.starts(with: [0x1F, 0x8B]) else {
      state = .ended
      return true
    }
    entries += 1
    guard entries <= limits.entries else {
      throw refuse("entries_limit", "the file has more than \(limits.entries) gzip members")
    }
    members?.reset()
    state = .gzip
    return true
  }

  // MARK: - Moving bytes

  mutating func beginDeflated() throws(FileDefect) {
    guard let stream = InflateStream() else { throw refuse("out_of_memory", "zlib could not allocate its state") }
    self.stream = stream
  }

  /// Moves input to `held` until it has `count` bytes; false when the input ends before.
  mutating func gather(_ count: Int) -> Bool {
    let missing = min(count - held.count, input.count)
    if missing > 0 {
      held.append(contentsOf: input[..<missing])
      input = UnsafeRawBufferPointer(rebasing: input[missing...])
    }
    return held.count >= count
  }

  /// Inflates what is held, then the input.
  /// - Returns: nil when more input is needed.
  mutating func inflate(into target: UnsafeMutableRawBufferPointer, whenEnded next: State) throws(FileDefect) -> Int? {
    let fromHeld = !held.isEmpty
    // ISA-L may have consumed all input while its output did not fit.
    guard fromHeld || !input.isEmpty || members != nil else { return nil }
    let result = fromHeld ? held.withUnsafeBytes { step($0, into: target) } : step(input, into: target)
    if fromHeld {
      held.removeFirst(result.consumed)
    } else {
      input = UnsafeRawBufferPointer(rebasing: input[result.consumed...])
    }
    switch result.step {
    case .ended: state = next
    case .progress: if result.produced == 0, result.consumed == 0 { return nil }
    case .invalid:
      let code = members?.hasWrongChecksum == true ? "checksum_mismatch" : "invalid_deflate"
      let reason = members?.reason ?? stream?.reason ?? ""
      throw FileDefect(.corrupt, code: code, "the compressed data is damaged: \(reason)", offset: position)
    }
    return result.produced
  }

  private func step(
    _ input: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> (step: InflateStream.Step, consumed: Int, produced: Int) {
    members?.step(input, into: target) ?? stream?.step(input, into: target) ?? (.invalid, 0, 0)
  }

  /// Copies uncompressed bytes.
  mutating func copy(into target: UnsafeMutableRawBufferPointer, atMost limit: Int) -> Int {
    if !held.isEmpty {
      let count = min(held.count, target.count, limit)
      held.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      held.removeFirst(count)
      return count
    }
    let count = min(input.count, target.count, limit)
    guard count > 0 else { return 0 }
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
    input = UnsafeRawBufferPointer(rebasing: input[count...])
    return count
  }

  var hasInputEnded: Bool { inputHasEnded && input.isEmpty }

  func refuse(_ code: String, _ message: String) -> FileDefect {
    FileDefect(.refused, code: code, message, offset: position)
  }
}
