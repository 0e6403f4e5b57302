import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Pipeline
import ServiceKit

/// `options-detector`: prints and chains of options in, unusual activity out.
package struct OptionsDetectorCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.optionsDetector.name,
    abstract: "Find sweeps, blocks and unusual volume in options, and say which rule found them.",
    discussion: """
      Consumes \(Topics.optionTrades.name) and \(Topics.optionChains.name), publishes \(Topics.optionsFlow.name), and \
      keeps what it has to know of each underlying in \(Topics.flowStates.name). Records that are read again make the \
      same events, under the same ids.
      """,
    version: Souk.version)

  @OptionGroup(title: "Rules") package var detector: DetectorOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] =
    FlowMetrics.descriptions + PipelineMetrics.sinks + KafkaMetrics.table

  private static var entry: ServiceEntry { ServiceCatalogue.optionsDetector }

  package func work(_ needs: Needs) -> Work {
    let (detector, context) = (detector, needs.context)
    let consumer = needs.consumer(Self.entry, kafka, pipeline)
    let table = needs.add(Need.setting(
      "conditions", { try ConditionTable.load(detector.conditions) }, says: { "\($0.count) conditions of prints" }))
    let changelog = needs.states(of: consumer, in: Topics.flowStates) { FlowMetrics().unreadableState() }
    return consumer.sink(detector.policy, isCoPartitioned: true) { output in
      try FlowSink(
        detector.settings(group: consumer.group), table.value, identity: consumer.identity, source: changelog.value,
        output: output, logger: context.logger)
    }
  }
}
