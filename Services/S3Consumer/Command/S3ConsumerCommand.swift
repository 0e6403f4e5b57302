import ArgumentParser
import Catalogue
import Core
import KafkaFlags
import ObjectStoreFlags
import Pipeline
import ServiceKit

/// Consumes `egx_market_data` into an object store.
package struct S3ConsumerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.s3Consumer.name,
    abstract: "Keep every bar in the object store, by day and symbol, each exactly once in effect.",
    discussion: """
      Consumes \(Topics.marketData.name). Objects are named by partition and first offset, and a range of offsets \
      is noted beside the committed offset before it is written, so that the next owner repeats exactly that \
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

  package func work(_ needs: Needs) -> Work {
    let consumer = needs.consumer(ServiceCatalogue.s3Consumer, kafka, pipeline)
    let store = needs.add(objectStore.need(condition: "object store", creates: objects.createStore))
    let (objects, logger) = (objects, needs.logger)
    return consumer.generations(objects.policy) {
      BarSink(
        store: try store.value, names: ObjectNames(folder: objects.keyPrefix), format: objects.format,
        createsBucket: objects.createStore, uploads: objects.uploads, logger: logger)
    }
  }
}
