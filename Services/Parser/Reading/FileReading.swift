import Core
import Kafka
import Masters
import Messages
import ObjectStore
import PriceFiles
import Values

/// One pass over one stored file: hashes it, reads it, and encodes its rows. No I/O: bytes in, messages out.
///
/// Output is held until the file has been read to its end, because only then hash, checksum and encoding are known to
/// be right. A file whose messages exceed the limit is read twice instead: the first pass only checks it, the second
/// returns messages as they are ready. Both ways bound memory and publish nothing of a damaged file.
package final class FileReading {
  package enum Mode: Equatable, Sendable {
    /// Holds at most this many bytes of messages.
    case holding(Int)
    /// An earlier pass checked the file.
    case streaming
  }

  package struct Report: Sendable {
    var summary: PriceFileSummary
    var sha256: SHA256Digest
    /// The held messages; empty in the mode `streaming`, and beyond the limit.
    var messages: [OutgoingBatch]
    var hasOutgrownLimit: Bool
    package var messageCount: Int
    var oversizedRows: Int
    /// A full file was read to its end, but has more unusable rows than its last message can name.
    var hasTooManyUnusableRows = false
    /// How products were recognised; nil without masters.
    var masters: MasterLookup.Counts?
  }

  /// Size of a batch of messages, in bytes, about.
  static let batchBytes = 1 << 20

  private let reader: PriceFileReader
  private let encoded = EncodedMessages()
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

  package init(
    _ file: FileToParse, headers: MessageHeaders, limits: PriceFileLimits, maxItems: Int, mode: Mode,
    plan: ReadingPlan = ReadingPlan(), zone: ZoneTable, masters: MasterLookup? = nil
  ) {
    fileType = file.fileType
    reader = PriceFileReader(limits: limits, zone: zone, plan: plan)
    encoder = BatchEncoder(file, headers: headers, maxItems: maxItems, masters: masters, into: encoded)
    records = RecordEncoder(file, headers: headers, into: encoded)
    self.masters = masters
    self.mode = mode
  }

  /// The plan of the next pass when this one is void.
  package var nextPlan: ReadingPlan { reader.nextPlan }

  /// - Returns: `restart` when the pass is void; the caller begins another with `nextPlan`.
  package func feed(_ chunk: [UInt8]) throws -> PriceFileReader.Answer {
    hash?.update(chunk)
    // Hashes the file beyond a defect: a damaged object has another reason than a bad file.
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

  /// Messages ready to be sent; always empty in the mode `holding`.
  func takeReady() -> [OutgoingBatch] {
    guard mode == .streaming else { return [] }
    defer { ready = [] }
    return ready
  }

  /// - Returns: nil when the pass is void, like `restart` of `feed`.
  package func finish() throws -> Report? {
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
    let hasTooManyUnusableRows = hasOutgrownLimit ? false : close(summary)
    collect(all: true)
    return Report(
      summary: summary, sha256: hash.finish(), messages: hasOutgrownLimit ? [] : ready,
      hasOutgrownLimit: hasOutgrownLimit, messageCount: encoded.count, oversizedRows: encoded.oversized,
      hasTooManyUnusableRows: hasTooManyUnusableRows,
      masters: masters?.counts)
  }

  /// Ends the last messages, and closes a full file that was read to its end.
  /// - Returns: true when only the number of unusable rows prevents that.
  private func close(_ summary: PriceFileSummary) -> Bool {
    encoder.flush()
    var alsoNamed = Set(summary.unusableCodes.map { String(decoding: $0, as: UTF8.self) })
    alsoNamed.formUnion(encoded.oversizedCodes)
    let fits = alsoNamed.count <= IngestHeader.maxAlsoNamed
    if fits, summary.isComplete, fileType == .priceFull, summary.kind == .prices {
      encoder.close(alsoNamed: alsoNamed.sorted())
    }
    // An oversized branch cannot be named in `alsoNamed`.
    let isWhole = summary.isComplete && (summary.kind != .stores || summary.rejected.tooLarge == 0)
    records.finish(isComplete: fits && isWhole, alsoNamed: fits ? alsoNamed.sorted() : [])
    return !fits && isWhole
  }

  /// Holds the index unchanged while a chunk of the file is read.
  private func holdingMasters<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard let masters else { return try body() }
    return try masters.holding(body)
  }

  private func collect(all: Bool = false) {
    let bytes = encoded.output.byteCount
    guard bytes >= Self.batchBytes || (all && bytes > 0) else { return }
    heldBytes += bytes
    ready.append(encoded.take())
    if case .holding(let limit) = mode, heldBytes > limit {
      hasOutgrownLimit = true
      ready = []
    }
  }
}

/// A thread that reads files, one at a time, so that a chunk's work (some milliseconds) occupies no thread of the
/// cooperative pool.
actor ReadingThread {
  private let executor: ThreadExecutor
  private var reading: FileReading?

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(name: String) { executor = ThreadExecutor(name: name) }

  func begin(_ make: @Sendable () -> FileReading) { reading = make() }

  func feed(_ chunk: [UInt8]) throws -> (answer: PriceFileReader.Answer, ready: [OutgoingBatch]) {
    guard let reading else { return (.stop, []) }
    let answer = try reading.feed(chunk)
    return (answer, reading.takeReady())
  }

  /// - Returns: the report, or nil and the plan of the next pass when this one is void; `hasDecided` when it is void
  ///   only because names were decided.
  func finish() throws -> (report: FileReading.Report?, nextPlan: ReadingPlan, hasDecided: Bool) {
    defer { reading = nil }
    return (try reading?.finish(), reading?.nextPlan ?? ReadingPlan(), reading?.hasDecided ?? false)
  }
}
