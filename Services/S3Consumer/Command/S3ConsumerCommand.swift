import ArgumentParser
import Kafka
import Logging
import ObjectStore
import Pipeline
import Runtime
import Schemas
import ServiceKit

/// Consumes `egx_market_data` into an object store.
package struct S3ConsumerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.s3Consumer.name,
    abstract: "Keep every bar in the object store, by day and symbol, each exactly once in effect.",
    discussion: """
      Consumes \(Topics.marketData.name). Objects are named by partition and first offset, and a range of offsets \
      is noted beside the committed offset before it is written, so that whoever takes over repeats exactly that \
      range: a crash, a rebalance or a second writer neither loses nor repeats anything.
      """,
    version: Souk.version)

  @OptionGroup(title: "Objects") package var objects: S3ConsumerOptions
  @OptionGroup(title: "Object store") package var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static var metrics: [MetricDescription] { S3ConsumerMetrics.descriptions + PipelineMetrics.generations }

  package func check(_ report: CheckReport) async {
    await report.probe("kafka") {
      let topics = [Topics.marketData, Topics.marketData.deadLetters]
      return try await kafka.check(
        clientID: ServiceCatalogue.s3Consumer.name, topics: topics.map(\.name), logger: Logger(label: "check"))
    }
    await report.probe("object store") {
      let store = try objectStore.makeStore()
      defer { store.close() }
      do {
        try await store.check()
        return "\(store.location) can be reached"
      } catch let error as ObjectStoreError where error.kind == .noSuchBucket && objects.createStore {
        return "\(store.location) is not there yet and will be made"
      }
    }
  }

  package func run(in context: ServiceContext) async throws {
    let store = try objectStore.makeStore()
    defer { store.close() }
    guard try await prepare(store, in: context) else { return }
    let sink = BarSink(
      store: store, names: ObjectNames(folder: objects.keyPrefix), format: objects.format,
      createsBucket: objects.createStore, uploads: objects.uploads, logger: context.logger)
    let consumers = ConsumerService(
      entry: ServiceCatalogue.s3Consumer, kafka: kafka, pipeline: pipeline, context: context)
    try await consumers.run(generations: objects.policy, into: sink)
  }

  /// Waits for the store and makes its bucket.
  ///
  /// - Returns: false when the service was asked to drain first.
  /// - Throws: `configuration` when the store cannot be used as it is.
  private func prepare(_ store: any ObjectStore, in context: ServiceContext) async throws -> Bool {
    let readiness = context.health.readiness("object store")
    var backoff = pipeline.backoff
    while true {
      do {
        if objects.createStore { try await store.prepare() } else { try await store.check() }
        readiness.set(ready: true)
        return true
      } catch let error where ErrorClass(of: error) == .transient {
        readiness.failed(error)
        context.logger.warning("waiting for the object store", metadata: ["reason": "\(error)"])
        if await context.drain.sleep(for: backoff.next()) { return false }
      }
    }
  }
}
