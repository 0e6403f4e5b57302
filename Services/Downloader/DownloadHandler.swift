import Catalogue
import Core
import Glibc
import Kafka
import Logging
import Messages
import Metrics
import ObjectStore
import Pipeline
import ServiceKit
import Synchronization
import Values

/// Downloads one announced file and publishes one message about it.
package struct DownloadHandler: JobHandler {
  private struct JobID: Hashable, Sendable {
    var partition: TopicPartition
    var offset: Int64
  }

  private let downloader: Downloader
  private let identity: ServiceIdentity
  private let readiness: ReadinessCondition
  private let logger: Logger
  private let metrics = DownloadMetrics()
  private let state: State
  private let now: @Sendable () -> Timestamp

  private final class State: Sendable {
    let failures: Mutex<GiveUpTimer<JobID>>
    let relistings = RelistCounts()
    init(giveUpAfter limit: Duration?) { failures = Mutex(GiveUpTimer(limit: limit)) }
  }

  /// - Parameter giveUpAfter: how long a file's source may only fail before the file is dead-lettered; nil: for ever.
  package init(
    downloader: Downloader, identity: ServiceIdentity, giveUpAfter: Duration?, readiness: ReadinessCondition,
    logger: Logger, now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    self.downloader = downloader
    self.identity = identity
    self.readiness = readiness
    self.logger = logger
    self.now = now
    state = State(giveUpAfter: giveUpAfter)
  }

  /// Files of one branch stay in order; an unreadable message has no key.
  package func orderKey(of job: Job) -> [UInt8]? {
    guard let value = job.value, let file = try? FileDiscovered(decoding: value) else { return nil }
    return file.partitionKey
  }

  package func handle(_ job: Job, emit: Emitter) async throws -> Disposition {
    guard let value = job.value else { return .skip(reason: "tombstone") }
    let file: FileDiscovered
    do { file = try FileDiscovered(decoding: value) } catch {
      return .reject(Rejection(code: error.code, stage: "decode", "\(error)"))
    }
    let id = JobID(partition: job.topicPartition, offset: job.offset)
    let start = ContinuousClock.now
    let stored: Downloader.Stored
    do {
      stored = try await downloader.download(file)
    } catch let failure as Downloader.Failed {
      if let expired = failure.cause as? DownloadError, expired.kind == .linkExpired {
        metrics.failed(failure.stage, expired.code)
        state.failures.withLock { $0.settled(id, host: FileLocation.host(of: file.url)) }
        return try await sendBack(job, file, expired, failure.stage, emit)
      }
      return try judge(failure, of: id, file)
    }
    readiness.set(ready: true)
    state.failures.withLock { $0.settled(id, host: FileLocation.host(of: file.url)) }
    state.relistings.forget(file.key)
    metrics.stored(stored, listed: file.size, in: .now - start)
    logger.debug("stored", metadata: [
      "key": "\(stored.key)", "bytes": .stringConvertible(stored.size),
      "present": .stringConvertible(stored.wasPresent),
    ])
    let message = announce(stored, file)
    var batch = OutgoingBatch()
    batch.append(
      topic: FileDownloaded.topic.name, key: message.key, value: message.encoded(),
      headers: identity.headers(schema: FileDownloaded.topic.schema, parent: job.header(HeaderName.traceparent)),
      partitionBy: message.partitionKey)
    try await emit.send(batch)
    return .keep
  }

  private func announce(_ stored: Downloader.Stored, _ file: FileDiscovered) -> FileDownloaded {
    let location = downloader.store.location
    return FileDownloaded(
      chain: file.chain, s3Path: location.url(of: stored.key), localPath: location.localPath(of: stored.key),
      url: file.url, fileName: file.fileName, fileType: file.fileType, storeID: file.storeID, fileTime: file.fileTime,
      sha256: stored.sha256.hex, bytes: Int64(stored.size), compression: stored.compression,
      discoveredAt: file.timestamp, downloadedAt: now())
  }

  /// Asks the crawler to list the file again, because its link has expired. The record goes back unchanged.
  private func sendBack(
    _ job: Job, _ file: FileDiscovered, _ error: DownloadError, _ stage: Downloader.Stage, _ emit: Emitter
  ) async throws -> Disposition {
    let told = job.header(HeaderName.attempt).flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    let before = max(0, told, state.relistings.count(file.key))
    guard before < downloader.settings.maxRelists, let value = job.value else {
      state.relistings.forget(file.key)
      metrics.expired(sentBack: false)
      return .reject(Rejection(error, stage: stage.rawValue))
    }
    let topic = Topics.filesExpired
    var batch = OutgoingBatch()
    batch.append(
      topic: topic.name, key: file.key, value: value,
      headers: identity.headers(schema: topic.schema, parent: job.header(HeaderName.traceparent)) + [
        Header(HeaderName.reason, error.code), Header(HeaderName.attempt, "\(before + 1)"),
      ],
      partitionBy: file.partitionKey)
    try await emit.send(batch)
    state.relistings.note(file.key, count: before + 1)
    metrics.expired(sentBack: true)
    logger.info("link expired", metadata: ["file": "\(file.fileName)", "reason": "\(error)"])
    return .skip(reason: error.code)
  }

  /// The job's outcome after a failure.
  private func judge(_ failure: Downloader.Failed, of id: JobID, _ file: FileDiscovered) throws -> Disposition {
    let error = failure.cause
    guard let classified = error as? any ClassifiedError else { throw error }
    metrics.failed(failure.stage, classified.code)
    switch classified.errorClass {
    case .data:
      // A refusal shows that the host answers.
      state.failures.withLock { $0.settled(id, host: FileLocation.host(of: file.url)) }
      return .reject(Rejection(classified, stage: failure.stage.rawValue))
    case .transient where failure.stage == .fetch && !Self.isLocal(classified):
      let host = FileLocation.host(of: file.url)
      guard let age = state.failures.withLock({ $0.failed(id, host: host, at: .now) }) else { throw error }
      return .reject(Rejection(
        DownloadError(.sourceGivenUp, "given up after \(age) of failures, the last: \(classified)"), stage: "fetch"))
    case .transient where failure.stage == .store:
      readiness.failed(classified)
      throw error
    default:
      throw error
    }
  }

  /// A full spool disk or a closing client is not a failure of the source.
  private static func isLocal(_ error: any ClassifiedError) -> Bool {
    error.code == DownloadError.Kind.spoolFull.rawValue || error.code == "client_closed"
  }
}

/// How often each file was sent back to be listed again. The record's header has the number too when the crawler
/// passes it on; these counts are for passes that do not.
final class RelistCounts: Sendable {
  private struct State {
    var counts: [[UInt8]: (count: Int, last: UInt64)] = [:]
    var clock: UInt64 = 0
  }
  private let state = Mutex(State())
  private let capacity: Int

  init(capacity: Int = 16_384) { self.capacity = capacity }

  func count(_ name: [UInt8]) -> Int { state.withLock { $0.counts[name]?.count ?? 0 } }

  func note(_ name: [UInt8], count: Int) {
    state.withLock { state in
      state.clock += 1
      if state.counts[name] == nil, state.counts.count >= capacity,
         let oldest = state.counts.min(by: { $0.value.last < $1.value.last })?.key {
        state.counts[oldest] = nil
      }
      state.counts[name] = (count, state.clock)
    }
  }

  func forget(_ name: [UInt8]) { state.withLock { $0.counts[name] = nil } }
}

/// The downloader's metrics besides those of every consumer.
struct DownloadMetrics: Sendable {
  private let uploaded = Counter(label: "souk_downloads_total", dimensions: [("result", "uploaded")])
  private let present = Counter(label: "souk_downloads_total", dimensions: [("result", "present")])
  private let bytes = Counter(label: "souk_downloaded_bytes_total")
  private let resumes = Counter(label: "souk_download_resumes_total")
  private let short = Counter(label: "souk_download_short_files_total")
  private let otherLength = Counter(label: "souk_download_length_differs_total")
  private let sentBack = Counter(label: "souk_links_expired_total", dimensions: [("result", "sent_back")])
  private let givenUp = Counter(label: "souk_links_expired_total", dimensions: [("result", "given_up")])
  private let duration = Timer(label: "souk_download_seconds")

  static let descriptions = [
    MetricDescription(
      "souk_downloads_total", .counter, "Fetched files that are in the store; present: it had them before.",
      labels: ["result"]),
    MetricDescription("souk_downloaded_bytes_total", .counter, "Bytes of fetched files, as published."),
    MetricDescription("souk_download_resumes_total", .counter, "Interrupted transfers that were resumed."),
    MetricDescription(
      "souk_download_short_files_total", .counter,
      "Stored files of less than 300 bytes, as portals publish them for closed stores."),
    MetricDescription(
      "souk_download_length_differs_total", .counter,
      "Stored files whose length differs from their listing's: published again since, or listed wrongly."),
    MetricDescription(
      "souk_links_expired_total", .counter,
      "Files whose link had expired: sent back to be listed again, or dead-lettered after --max-relists times.",
      labels: ["result"]),
    MetricDescription("souk_download_seconds", .histogram, "From the request to the stored and verified object."),
    MetricDescription(
      "souk_download_failures_total", .counter, "Failed attempts, retried ones included.",
      labels: ["stage", "code"]),
  ]

  /// A shorter file has no rows in any dialect: the empty envelope alone is longer.
  static let shortBytes = 300

  /// - Parameter listed: the size in the portal's listing, in bytes.
  func stored(_ stored: Downloader.Stored, listed: Int64?, in time: Duration) {
    resumes.increment(by: stored.resumes)
    if stored.size < Self.shortBytes { short.increment() }
    if let listed, listed != Int64(stored.size) { otherLength.increment() }
    (stored.wasPresent ? present : uploaded).increment()
    bytes.increment(by: stored.size)
    duration.record(duration: time)
  }

  func expired(sentBack: Bool) { (sentBack ? self.sentBack : givenUp).increment() }

  func failed(_ stage: Downloader.Stage, _ code: String) {
    Counter(label: "souk_download_failures_total", dimensions: [("stage", stage.rawValue), ("code", code)]).increment()
  }
}
