import Catalogue
import Core
import Kafka
import Logging
import Masters
import Messages
import ModelRegistry
import ObjectStore
import Pipeline
import PriceFiles
import ServiceKit
import Synchronization
import Values

/// Parses one stored file: publishes messages of its prices, promotions or stores, and one about the file itself.
package final class ParseHandler: JobHandler {
  private let store: any ObjectStore
  private let options: ParserOptions
  private let identity: ServiceIdentity
  private let zone: ZoneTable
  private let masters: MasterIndex?
  private let models: MatchModels?
  private let decisions: DecisionCache
  private let logger: Logger
  private let metrics = ParserMetrics()
  private let chains = ChainMetrics()
  private let rowCounts: RowCountCheck
  private let now: @Sendable () -> Timestamp
  private let idleThreads = Mutex<[ReadingThread]>([])

  /// - Parameters:
  ///   - history: row counts of earlier files.
  ///   - zone: the time zone `PriceFileName.zoneIdentifier`.
  init(
    store: any ObjectStore, history: RowHistory, options: ParserOptions, identity: ServiceIdentity,
    zone: ZoneTable, masters: MasterIndex? = nil, models: MatchModels? = nil, logger: Logger,
    now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    rowCounts = RowCountCheck(history: history, threshold: options.rowDropThreshold, logger: logger)
    self.now = now
    self.masters = masters
    self.models = models
    decisions = DecisionCache(capacity: options.matchCache)
    self.store = store
    self.options = options
    self.identity = identity
    self.zone = zone
    self.logger = logger
  }

  package func handle(_ job: Job, emit: Emitter) async throws -> Disposition {
    guard let value = job.value else { return .skip(reason: "tombstone") }
    let message: FileDownloaded
    do { message = try FileDownloaded(decoding: value) } catch {
      return .reject(Rejection(code: "bad_message", stage: "decode", "\(error)"))
    }
    let start = ContinuousClock.now
    let url = Self.location(message)
    let stated = message.sha256.flatMap { SHA256Digest(hex: $0) }
    let sha256 = if let stated { stated } else { try await hash(url) }
    let file = try FileToParse(message, sha256: sha256, recordTime: job.timestamp, zone: zone)
    let headers = MessageHeaders(identity, parent: job.header(HeaderName.traceparent), model: models?.current?.version)

    let report = try await read(file, headers, url, emit)
    metrics.read(report)
    let rows = report.summary.keptRows - report.oversizedRows
    chains.read(file, kind: report.summary.kind, rows: rows, now: now())
    // The message about the file must not overtake the file's contents.
    try await emit.acknowledged()
    try await publishResult(of: file, message, report, headers, took: .now - start, emit)
    return disposition(on: file, report)
  }

  // MARK: - Passes

  /// Reads the file, twice if necessary, and publishes its rows if they are trustworthy.
  private func read(
    _ file: FileToParse, _ headers: MessageHeaders, _ url: String, _ emit: Emitter
  ) async throws -> FileReading.Report {
    var plan = ReadingPlan()
    var checked: FileReading.Report?
    // One model and one decision for all passes over the file.
    let model = models?.current
    var decides = true
    while true {
      let mode = checked == nil ? FileReading.Mode.holding(options.heldOutputSize.bytes) : .streaming
      let learned = model.map { MasterLookup.Learned(model: $0, cache: decisions, chain: file.chain) }
      let lookup = LookupPlan(learned: learned, decides: decides && checked == nil)
      let (found, nextPlan, hasDecided) = try await pass(file, headers, url, mode, plan, lookup, emit)
      guard let report = found else {
        if hasDecided {
          metrics.reread("new_names")
          decides = false
          continue
        }
        // Each plan adds knowledge: the same bytes never need the same plan twice.
        guard nextPlan != plan else { throw Failure(.transient, code: "object_changed", Self.objectChanged) }
        metrics.reread(nextPlan.repeats == nil ? "encoding" : "repeated_codes")
        plan = nextPlan
        continue
      }
      if let checked {
        guard report.sha256 == checked.sha256 else {
          throw Failure(.transient, code: "object_changed", Self.objectChanged)
        }
        return report
      }
      guard report.sha256 == file.sha256, report.summary.outcome.rowsAreTrustworthy else { return report }
      if report.hasOutgrownLimit {
        metrics.reread("held_output_size")
        if report.summary.encoding == .windows1255 { plan.encoding = .windows1255 }
        checked = report
        continue
      }
      for batch in report.messages { try await emit.send(batch) }
      return report
    }
  }

  /// How names are recognised in one pass.
  private struct LookupPlan {
    var learned: MasterLookup.Learned?
    var decides: Bool
  }

  private static let objectChanged = "the object changed between two readings"

  /// - Returns: the report, or nil and the plan of the next pass when this one is void.
  private func pass(
    _ file: FileToParse, _ headers: MessageHeaders, _ url: String, _ mode: FileReading.Mode, _ plan: ReadingPlan,
    _ lookup: LookupPlan, _ emit: Emitter
  ) async throws -> (FileReading.Report?, ReadingPlan, hasDecided: Bool) {
    let thread = idleThreads.withLock { $0.popLast() } ?? ReadingThread(name: "souk-parse")
    defer { idleThreads.withLock { $0.append(thread) } }
    let (options, zone, masters) = (options, zone, masters)
    await thread.begin {
      FileReading(
        file, headers: headers, limits: options.limits, maxItems: options.batchItems, mode: mode, plan: plan,
        zone: zone, masters: masters.map {
          MasterLookup($0, learned: lookup.learned, decides: lookup.decides)
        })
    }
    let (report, nextPlan, hasDecided) = try await store.get(url: url) { _, reader in
      while let chunk = try await reader.next() {
        let (answer, ready) = try await thread.feed(chunk)
        for batch in ready { try await emit.send(batch) }
        if answer == .restart { break }
      }
      return try await thread.finish()
    }
    if mode == .streaming, let report {
      for batch in report.messages { try await emit.send(batch) }
    }
    return (report, nextPlan, hasDecided)
  }

  /// For messages without the object's hash.
  private func hash(_ url: String) async throws -> SHA256Digest {
    try await store.get(url: url) { _, reader in
      // The whole object is never in memory.
      var pieces = PieceHash()
      while let chunk = try await reader.next() { pieces.update(chunk) }
      return pieces.finish()
    }
  }

  // MARK: - Outcome

  /// Publishes the message about the file, and an alert when the file shrank.
  private func publishResult(
    of file: FileToParse, _ message: FileDownloaded, _ report: FileReading.Report, _ headers: MessageHeaders,
    took time: Duration, _ emit: Emitter
  ) async throws {
    var batch = OutgoingBatch()
    var parsed = FileParsed(file, message, report, at: now(), took: time)
    if let masters = report.masters {
      parsed.newMasters = Int64(masters.minted)
      parsed.matched = Int64(masters.matched)
    }
    batch.append(topic: FileParsed.topic.name, key: parsed.key, value: parsed.encoded(), headers: headers.parsed)
    if report.isWhole(file),
      let alert = await rowCounts.alert(for: file, storeID: parsed.storeID, rows: report.summary.rows, at: now())
    {
      metrics.rowsFell()
      logger.warning("rows fell", metadata: ["subject": "\(alert.subject)", "reason": "\(alert.message)"])
      batch.append(topic: Alert.topic.name, key: alert.key, value: alert.encoded(), headers: headers.alerts)
    }
    try await emit.send(batch)
  }

  private func disposition(on file: FileToParse, _ report: FileReading.Report) -> Disposition {
    let summary = report.summary
    log(file, report)
    guard report.sha256 == file.sha256 else {
      return .reject(
        Rejection(
          code: "sha256_mismatch", stage: "fetch",
          "the object's SHA-256 is \(report.sha256), the message says \(file.sha256)"))
    }
    let detail = summary.defect?.description ?? summary.outcome.rawValue
    switch summary.outcome {
    case .ok: return .keep
    case .empty: return .skip(reason: "empty")
    case .truncated, .malformed:
      let code = summary.outcome.rawValue
      let lost = summary.rejected.malformed
      let what = "\(summary.keptRows) usable of \(summary.rows) rows were published"
      return .reject(
        Rejection(code: code, stage: "parse", "\(detail); \(what)\(lost > 0 ? ", \(lost) are lost to it" : "")"))
    case .emptyFile, .corrupt, .notXMLOrHTML, .unknownDocument, .refused:
      let code = summary.outcome == .refused ? summary.defect?.code : nil
      return .reject(
        Rejection(code: code ?? summary.outcome.rawValue, stage: "parse", "\(detail); nothing was published"))
    }
  }

  private func log(_ file: FileToParse, _ report: FileReading.Report) {
    let summary = report.summary
    logger.info(
      "file parsed",
      metadata: [
        "chain": "\(file.chain)", "kind": "\(summary.kind.rawValue)", "file": "\(file.fileName)",
        "file_id": "\(file.fileID)",
        "outcome": "\(summary.outcome.rawValue)", "rows": .stringConvertible(summary.rows),
        "kept": .stringConvertible(summary.keptRows),
        "repeated": .stringConvertible(summary.repeatedRows), "rejected": .stringConvertible(summary.rejected.total),
        "messages": .stringConvertible(report.messageCount), "dialect": "\(summary.dialect?.rawValue ?? "none")",
        "encoding": "\(summary.encoding?.rawValue ?? "none")",
        "compression": "\(summary.compression?.rawValue ?? "none")",
      ])
    if summary.unknownElements > 0 {
      let names = summary.unknownNames.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
      logger.warning(
        "unknown elements",
        metadata: [
          "chain": "\(file.chain)", "file": "\(file.fileName)", "count": .stringConvertible(summary.unknownElements),
          "names": "\(names.joined(separator: ", "))",
        ])
    }
    for (what, counts) in [("tolerated defects", summary.defects), ("unknown words", summary.unknownWords)]
    where !counts.isEmpty {
      let names = counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
      logger.warning(
        "\(what)",
        metadata: [
          "chain": "\(file.chain)", "file": "\(file.fileName)", "names": "\(names.joined(separator: ", "))",
        ])
    }
    if report.hasTooManyUnusableRows {
      logger.warning(
        "a full file ends nothing: it has too many unusable rows",
        metadata: [
          "chain": "\(file.chain)", "file": "\(file.fileName)", "rejected": .stringConvertible(summary.rejected.total),
        ])
    }
  }

  private static func location(_ message: FileDownloaded) -> String {
    if let path = message.s3Path { return path }
    // In a URL a percent sign begins an escape; every other character of a path stays.
    return "file://" + (message.localPath ?? "").split(separator: "%", omittingEmptySubsequences: false)
      .joined(separator: "%25")
  }
}

/// A SHA-256 in progress, for an asynchronous closure.
private struct PieceHash: ~Copyable {
  private var hash = SHA256()
  mutating func update(_ chunk: [UInt8]) { hash.update(chunk) }
  consuming func finish() -> SHA256Digest { hash.finish() }
}
