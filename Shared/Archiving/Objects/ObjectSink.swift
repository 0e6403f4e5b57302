import Core
import Kafka
import Logging
import Metrics
import ObjectStore
import Pipeline
import ServiceKit

/// Stores generations of records as objects, and tells the catalogue of them.
package struct ObjectSink: GenerationSink {
  private let store: any ObjectStore
  /// By topic.
  private let plans: [String: ObjectPlan]
  private let objectFormat: ObjectFormat
  /// Creates a missing bucket, also one that goes missing later.
  private let createsBucket: Bool
  private let permits: Permits
  private let metrics: ObjectMetrics
  private let logger: Logger

  /// - Parameter uploads: objects that are compressed and sent at the same time.
  package init(
    store: any ObjectStore, plans: [String: ObjectPlan], format: ObjectFormat, createsBucket: Bool, uploads: Int,
    logger: Logger
  ) {
    self.store = store
    self.plans = plans
    objectFormat = format
    self.createsBucket = createsBucket
    permits = Permits(uploads)
    metrics = ObjectMetrics()
    self.logger = logger
  }

  /// - Throws: `Failure(.configuration)`: the topic has no plan.
  private func plan(of partition: TopicPartition) throws -> ObjectPlan {
    guard let plan = plans[partition.topic] else {
      throw Failure(.configuration, code: "archive_mapping", "topic \(partition.topic) has no mapping")
    }
    return plan
  }

  /// `batch/gzip/1`, or `batch/gzip/1@0a1b2c3d` where names follow from a mapping.
  package func format(of partition: TopicPartition) -> String {
    let digest = plans[partition.topic]?.digest ?? ""
    return digest.isEmpty ? objectFormat.text : "\(objectFormat.text)@\(digest)"
  }

  package func draft(of partition: TopicPartition, from first: Int64, format: String) throws -> ObjectDraft {
    let plan = try plan(of: partition)
    let parts = format.split(separator: "@", maxSplits: 1)
    let digest = parts.count > 1 ? String(parts[1]) : ""
    guard digest == plan.digest else {
      throw Failure(
        .configuration, code: "archive_mapping_changed",
        "\(partition): the range from offset \(first) was begun with another mapping of its topic; start once with the "
          + "mapping of before, which finishes it, and change it then")
    }
    return ObjectDraft(
      partition: partition.partition, first: first, plan: plan, format: try ObjectFormat(text: String(parts[0])))
  }

  package func store(_ contents: SealedObjects) async throws {
    // Tries every object, also after one has failed: a stored object need not be repeated.
    let failure = await withTaskGroup(of: (any Error)?.self) { group in
      for index in contents.objects.indices where !contents.progress.isDone(index) {
        guard await permits.acquire() else { break }
        group.addTask {
          defer { permits.release() }
          do {
            let entry = try await put(contents.objects[index], of: contents)
            contents.progress.finish(index, entry)
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
    if let failure { return try await judge(failure) }
    guard let note = contents.note else { return }
    do {
      let entries = contents.progress.entries
      let named = zip(contents.objects, entries).flatMap { object, entry in
        object.documents.compactMap { $0.entry(beside: entry, in: store.location) }
      }
      let lines = CatalogueEntry.lines(entries + named)
      _ = try await store.put(ObjectBody(lines), at: ObjectKey(note), contentType: "application/x-ndjson")
    } catch { try await judge(error) }
  }

  private func judge(_ failure: any Error) async throws {
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

  private func put(_ object: SealedObjects.Object, of contents: SealedObjects) async throws -> CatalogueEntry {
    let start = ContinuousClock.now
    let format = contents.format
    var body = ObjectBody(try Packer.pack(object.bytes, as: format))
    let entry = CatalogueEntry(object, stored: body)
    if contents.note != nil { body.notes = entry.notes }
    body.isRecord = true
    let contentType = format.layout == .record ? "application/json" : format.codec.contentType
    _ = try await store.put(body, at: ObjectKey(object.key), contentType: contentType)
    metrics.stored(bytes: body.length, plain: object.bytes.count, records: object.records, in: .now - start)
    return entry
  }
}

/// What a service that writes objects counts beyond what every consumer counts.
package struct ObjectMetrics: Sendable {
  private let objects = Counter(label: "souk_objects_written_total")
  private let bytes = Counter(label: "souk_object_bytes_written_total")
  private let plainBytes = Counter(label: "souk_object_plain_bytes_total")
  private let records = Counter(label: "souk_object_records_written_total")
  private let uploads = Timer(label: "souk_upload_seconds")

  package static let descriptions = [
    MetricDescription("souk_objects_written_total", .counter, "Objects stored, repetitions included."),
    MetricDescription("souk_object_bytes_written_total", .counter, "Bytes of stored objects, as stored."),
    MetricDescription("souk_object_plain_bytes_total", .counter, "Bytes of stored objects before packing."),
    MetricDescription("souk_object_records_written_total", .counter, "Records in stored objects."),
    MetricDescription("souk_upload_seconds", .histogram, "Packing and storing one object."),
  ]

  func stored(bytes: Int, plain: Int, records: Int, in duration: Duration) {
    objects.increment()
    self.bytes.increment(by: bytes)
    plainBytes.increment(by: plain)
    self.records.increment(by: records)
    uploads.record(duration: duration)
  }
}
