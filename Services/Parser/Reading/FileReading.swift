import Kafka
import Masters
import ObjectStore
import PriceFiles
import Runtime
import Schemas

/// One pass over one stored file: hashes it, reads it, and encodes its rows. No I/O: bytes go in, messages come out.
///
/// Output is held back until the file has been read to its end, because only then is it known whether it is what
/// it claims to be (hash, checksum, encoding). A file whose messages outgrow the limit is read twice instead: the
/// first pass then only checks it, the second hands out messages as they are ready. Either way memory is bounded
/// and nothing of a damaged file is published.
final class FileReading {
  enum Mode: Equatable, Sendable {
    /// Keep at most this many bytes of messages.
    case holding(Int)
    /// Everything was checked in a pass before.
    case streaming
  }

  struct Report: Sendable {
    var summary: PriceFileSummary
    var sha256: SHA256Digest
    /// What was held; empty in the mode `streaming`, and when it outgrew the limit.
    var messages: [OutgoingBatch]
    var hasOutgrownLimit: Bool
    var messageCount: Int
    var oversizedRows: Int
    /// A full file was read to its end, but names more than can be said in rows that cannot be used.
    var isTooUnusable = false
    /// How products were recognised; nil when they were not.
    var masters: MasterLookup.Counts?
  }

  /// Messages are handed on in batches of about this many bytes.
  static let batchBytes = 1 << 20

  private let reader: PriceFileReader
  private var encoder: BatchEncoder
  private var records: RecordEncoder
  private let masters: MasterLookup?
  private var hash: SHA256? = SHA256()
  private let mode: Mode
  private let fileType: FileType?
  private var answer = PriceFileReader.Answer.more
  private var ready: [OutgoingBatch] = []
  private var heldBytes = 0
  private var hasOutgrownLimit = false
  /// Names that were met for the first time have been decided: the next pass writes what they are.
  private(set) var hasDecided = false

  init(
    _ file: FileToParse, headers: MessageHeaders, limits: PriceFileLimits, maxItems: Int, mode: Mode,
    plan: ReadingPlan = ReadingPlan(), zone: ZoneTable, masters: MasterLookup? = nil
  ) {
    fileType = file.fileType
    reader = PriceFileReader(limits: limits, zone: zone, plan: plan)
    encoder = BatchEncoder(
      file, headers: headers.products, maxItems: maxItems, masters: masters, masterHeaders: headers.masters)
    records = RecordEncoder(file, headers: headers)
    self.masters = masters
    self.mode = mode
  }

  /// What the next pass is to begin with when this one is void.
  var nextPlan: ReadingPlan { reader.nextPlan }

  /// - Returns: `restart` when the pass is void; the caller begins another with `nextPlan`.
  func feed(_ chunk: [UInt8]) throws -> PriceFileReader.Answer {
    hash?.update(chunk)
    // After a defect the rest is still hashed: a damaged object has another reason than a bad file.
    guard answer == .more else { return answer }
    answer = try holdingMasters {
      try chunk.withUnsafeBytes { bytes in
        try reader.feed(bytes) { row in
          try take(row)
        } records: { row in
          if !hasOutgrownLimit { try records.append(row) }
        }
      }
    }
    collect()
    return answer
  }

  /// Once the messages are too many to be kept, the rows are only looked up, so that they are decided with the others.
  private func take(_ row: borrowing PriceRow) throws {
    if !hasOutgrownLimit { return try encoder.append(row) }
    if let masters { _ = masters.find(row, GTIN(row.unsafeText(.code))) }
  }

  /// Messages that are ready to be sent; always empty in the mode `holding`.
  func takeReady() -> [OutgoingBatch] {
    guard mode == .streaming else { return [] }
    defer { ready = [] }
    return ready
  }

  /// - Returns: nil when the pass is void, as `restart` of `feed`.
  func finish() throws -> Report? {
    if answer == .more {
      answer = try holdingMasters {
        try reader.finish { row in
          try take(row)
        } records: { row in
          if !hasOutgrownLimit { try records.append(row) }
        }
      }
    }
    guard answer != .restart, let hash = hash.take() else { return nil }
    if try masters?.decide() == true, !hasOutgrownLimit {
      hasDecided = true
      return nil
    }
    let summary = reader.summary
    let isTooUnusable = hasOutgrownLimit ? false : close(summary)
    collect(all: true)
    return Report(
      summary: summary, sha256: hash.finish(), messages: hasOutgrownLimit ? [] : ready,
      hasOutgrownLimit: hasOutgrownLimit, messageCount: encoder.messages + records.messages,
      oversizedRows: encoder.oversized + records.oversized, isTooUnusable: isTooUnusable, masters: masters?.counts)
  }

  /// Ends the last messages; a full file that was read to its end is closed.
  /// - Returns: true when it would be, but for the number of rows that cannot be used.
  private func close(_ summary: PriceFileSummary) -> Bool {
    encoder.flush()
    var alsoNamed = Set(summary.unusableCodes.map { String(decoding: $0, as: UTF8.self) })
    alsoNamed.formUnion(encoder.oversizedCodes + records.oversizedCodes)
    let fits = alsoNamed.count <= ProductsIngest.maxAlsoNamed
    if fits, summary.isComplete, fileType == .priceFull, summary.kind == .prices {
      encoder.close(alsoNamed: alsoNamed.sorted())
    }
    // A branch that is too large has no name to be spared by.
    let isWhole = summary.isComplete && (summary.kind != .stores || summary.rejected.tooLarge == 0)
    records.finish(isComplete: fits && isWhole, alsoNamed: fits ? alsoNamed.sorted() : [])
    return !fits && isWhole
  }

  /// The index does not change while a piece of the file is read.
  private func holdingMasters<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard let masters else { return try body() }
    return try masters.holding(body)
  }

  private func collect(all: Bool = false) {
    // A file holds prices, or promotions, or stores.
    let bytes = encoder.output.byteCount + records.output.byteCount
    guard bytes >= Self.batchBytes || (all && bytes > 0) else { return }
    heldBytes += bytes
    ready.append(encoder.output.isEmpty ? records.takeOutput() : encoder.takeOutput())
    if case .holding(let limit) = mode, heldBytes > limit {
      hasOutgrownLimit = true
      ready = []
    }
  }
}
