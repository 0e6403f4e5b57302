import Archiving
import ArgumentParser
import Catalogue
import Core
import KafkaFlags
import Messages
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

  @OptionGroup(title: "Names") var naming: S3ConsumerOptions
  @OptionGroup(title: "Objects") package var objects: ObjectOptions
  @OptionGroup(title: "Object store") package var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static var metrics: [MetricDescription] { ObjectMetrics.descriptions + PipelineMetrics.generations }

  package func work(_ needs: Needs) -> Work {
    let consumer = needs.consumer(ServiceCatalogue.s3Consumer, kafka, pipeline)
    let store = needs.add(objectStore.need(condition: "object store", creates: objects.createStore))
    let (naming, objects, logger) = (naming, objects, needs.logger)
    return consumer.generations(objects.policy) {
      let plan = ObjectPlan(names: ObjectNames(folder: naming.keyPrefix)) { BarAddresser(limits: JSONReader.Limits()) }
      return ObjectSink(
        store: try store.value, plans: [Topics.marketData.name: plan], format: objects.format(naming.layout),
        createsBucket: objects.createStore, uploads: objects.uploads, logger: logger)
    }
  }
}
