import Archiving
import ArgumentParser
import Catalogue
import Core
import KafkaFlags
import Messages
import ObjectStore
import ObjectStoreFlags
import Pipeline
import ServiceKit
import Values

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

/// How objects are named.
struct S3ConsumerOptions: ParsableArguments {
  @Option(help: "batch: many bars in one object, as JSON Lines; record: one JSON object per bar, named by its time.")
  var layout = ObjectLayout.batch

  @Option(help: ArgumentHelp("First folder of every object, below the prefix of --object-store.", valueName: "path"))
  var keyPrefix = "streaming"

  func validate() throws {
    do { _ = try ObjectKey(keyPrefix) } catch { throw ValidationError("--key-prefix: \(error.message)") }
  }
}

/// Reads where a bar of the exchange belongs. Its clocks are the exchange's: `datetime`, else `observed_at` as written.
package final class BarAddresser: RecordAddresser {
  private var decoder: MarketBarDecoder

  package init(limits: JSONReader.Limits) { decoder = MarketBarDecoder(limits: limits) }

  package func address(
    of message: RawSpan, key: RawSpan?, stamp: Int64, symbol: inout [UInt8]
  ) throws(DecodingFailure) -> RecordAddress {
    let address = try decoder.address(of: message)
    symbol.removeAll(keepingCapacity: true)
    symbol.append(contentsOf: address.symbol.utf8)
    let datetime = address.datetime
    return RecordAddress(
      day: datetime.day.number, microsecondsOfDay: datetime.microsecondsOfDay,
      nanoseconds: datetime.microseconds.multipliedReportingOverflow(by: 1_000).partialValue)
  }
}
