import Core
import Kafka
import Logging
import Messages
import ObjectStore
import Pipeline

/// Stores generations of bars as objects.
package struct BarSink: GenerationSink {
  private let store: any ObjectStore
  private let names: ObjectNames
  private let objectFormat: ObjectFormat
  /// Creates a missing bucket, also one that goes missing later.
  private let createsBucket: Bool
  private let limits: JSONReader.Limits
  private let permits: Permits
  private let metrics: S3ConsumerMetrics
  private let logger: Logger

  /// - Parameter uploads: objects that are compressed and sent at the same time.
  package init(
    store: any ObjectStore, names: ObjectNames, format: ObjectFormat, createsBucket: Bool, uploads: Int,
    maxRecordBytes: Int = 4 << 20, logger: Logger
  ) {
    self.store = store
    self.names = names
    objectFormat = format
    self.createsBucket = createsBucket
    limits = JSONReader.Limits(maxBytes: maxRecordBytes)
    permits = Permits(uploads)
    metrics = S3ConsumerMetrics()
    self.logger = logger
  }

  package var format: String { objectFormat.text }

  package func draft(of partition: TopicPartition, from first: Int64, format: String) throws -> BarDraft {
    BarDraft(
      partition: partition.partition, first: first, names: names, format: try ObjectFormat(text: format),
      limits: limits)
  }

  package func store(_ contents: SealedBars) async throws {
    // Tries every object, also after one has failed: a stored object need not be repeated.
    let failure = await withTaskGroup(of: (any Error)?.self) { group in
      for index in contents.objects.indices where !contents.progress.isDone(index) {
        guard await permits.acquire() else { break }
        group.addTask {
          defer { permits.release() }
          do {
            try await put(contents.objects[index], as: contents.format)
            contents.progress.finish(index)
            return nil
          } catch {
            return error
          }
        }
      }
      var failures: [any Error] = []
      for await failure in group { if let failure { failures.append(failure) } }
      // An error that stops the service takes precedence over one that is retried.
      return failures.first { ErrorClass(of: $0) != .transient } ?? failures.first
    }
    try Task.checkCancellation()
    guard let failure else { return }
    guard createsBucket, (failure as? ObjectStoreError)?.kind == .noSuchBucket else { throw Self.fatalIfData(failure) }
    logger.warning("the bucket is missing, creating it", metadata: ["store": "\(store.location)"])
    try await store.prepare()
    throw ObjectStoreError(.unavailable, "the bucket was missing and is created; trying again")
  }

  /// Makes a data error of the store fatal: the service chose names and sizes, so no record is the cause.
  private static func fatalIfData(_ error: any Error) -> any Error {
    guard ErrorClass(of: error) == .data, let error = error as? any ClassifiedError else { return error }
    return Failure(.fatal, code: error.code, "the object store refuses an object: \(error)")
  }

  private func put(_ object: SealedBars.Object, as format: ObjectFormat) async throws {
    let start = ContinuousClock.now
    let body = ObjectBody(try Packer.pack(object.bytes, as: format))
    let contentType = format.layout == .record ? "application/json" : format.codec.contentType
    _ = try await store.put(body, at: ObjectKey(object.key), contentType: contentType)
    metrics.stored(bytes: body.length, plain: object.bytes.count, records: object.records, in: .now - start)
  }
}
