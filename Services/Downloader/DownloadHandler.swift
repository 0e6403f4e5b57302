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
    init(_ patience: Patience<JobID>) { self.patience = Mutex(patience) }
  }

  /// - Parameter giveUpAfter: how long one file's source may fail before the file is dead-lettered; nil: for ever.
  package init(
    downloader: Downloader, identity: ServiceIdentity, giveUpAfter: Duration?, readiness: ReadinessCondition,
    logger: Logger, now: @escaping @Sendable () -> Timestamp = DownloadHandler.wallClock
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

  package func handle(_ job: Job, emit: Emitter) async throws -> Verdict {
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
      return try judge(failure, of: id, file)
    }
    readiness.set(ready: true)
    state.patience.withLock { $0.settled(id, host: Source.host(of: file.url)) }
    metrics.stored(stored, in: .now - start)
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

  /// What a failure means for the job.
  private func judge(_ failure: Downloader.Failed, of id: JobID, _ file: FileDiscovered) throws -> Verdict {
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
      readiness.set(ready: false, reason: "\(classified)")
      throw error
    default:
      throw error
    }
  }

  /// A full spool disk or a client that is being closed says nothing about the source.
  private static func isOurs(_ error: any ClassifiedError) -> Bool {
    error.code == DownloadError.Kind.spoolFull.rawValue || error.code == "client_closed"
  }

  /// The time now, UTC, to the microsecond.
  package static let wallClock: @Sendable () -> Timestamp = {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000) ?? .epoch
  }
}
