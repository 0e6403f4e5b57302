import Glibc
import Kafka
import Logging
import ObjectStore
import Pipeline
import Runtime
import Schemas
import ServiceKit
import Synchronization

/// One announced file to one stored file and its message.
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
    let patience: Mutex<Patience<JobID>>
    let relistings = Relistings()
    init(_ patience: Patience<JobID>) { self.patience = Mutex(patience) }
  }

  /// - Parameter giveUpAfter: how long one file's source may fail before the file is dead-lettered; nil: for ever.
  package init(
    downloader: Downloader, identity: ServiceIdentity, giveUpAfter: Duration?, readiness: ReadinessCondition,
    logger: Logger, now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    self.downloader = downloader
    self.identity = identity
    self.readiness = readiness
    self.logger = logger
    self.now = now
    state = State(Patience(limit: giveUpAfter))
  }

  /// A store's files stay in their order; a message that cannot be read is under none.
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
        state.patience.withLock { $0.settled(id, host: Source.host(of: file.url)) }
        return try await sendBack(job, file, expired, failure.stage, emit)
      }
      return try judge(failure, of: id, file)
    }
    readiness.set(ready: true)
    state.patience.withLock { $0.settled(id, host: Source.host(of: file.url)) }
    state.relistings.forget(file.key)
    metrics.stored(stored, listed: file.size, in: .now - start)
    logger.debug("stored", metadata: [
      "key": "\(stored.key)", "bytes": "\(stored.size)", "present": "\(stored.wasPresent)",
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

  /// Asks the crawler to list the file again, as its link no longer leads to it. The record goes back as it came.
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

  /// What a failure means for the job.
  private func judge(_ failure: Downloader.Failed, of id: JobID, _ file: FileDiscovered) throws -> Disposition {
    let error = failure.cause
    guard let classified = error as? any ClassifiedError else { throw error }
    metrics.failed(failure.stage, classified.code)
    switch classified.errorClass {
    case .data:
      // A refusal is an answer too: the host is there.
      state.patience.withLock { $0.settled(id, host: Source.host(of: file.url)) }
      return .reject(Rejection(classified, stage: failure.stage.rawValue))
    case .transient where failure.stage == .fetch && !Self.isOurs(classified):
      let host = Source.host(of: file.url)
      guard let age = state.patience.withLock({ $0.failed(id, host: host, at: .now) }) else { throw error }
      return .reject(Rejection(
        DownloadError(.sourceGivenUp, "given up after \(age) of failures, the last: \(classified)"), stage: "fetch"))
    case .transient where failure.stage == .store:
      readiness.failed(classified)
      throw error
    default:
      throw error
    }
  }

  /// A full spool disk or a client that is being closed says nothing about the source.
  private static func isOurs(_ error: any ClassifiedError) -> Bool {
    error.code == DownloadError.Kind.spoolFull.rawValue || error.code == "client_closed"
  }
}
