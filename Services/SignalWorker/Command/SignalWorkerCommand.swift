import ArgumentParser
import Catalogue
import Core
import Indicators
import Kafka
import KafkaFlags
import Pipeline
import ServiceKit

/// `signal-worker`: bars in, indicators and the rules that fire out.
package struct SignalWorkerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Compute indicators of bars, and say which rules fire.",
    discussion: """
      Consumes the minutes of \(Topics.marketBars.name), and the events of \(Topics.optionsFlow.name) and \
      \(Topics.sentimentEvents.name) by hours, publishes \(Topics.technicalSignals.name), and keeps what it \
      has to know of each symbol in \(Topics.signalStates.name). Signals depend on these records alone: to read them \
      again makes the same signals, under the same ids.
      """,
    version: Souk.version)

  @OptionGroup(title: "Signals") package var signals: SignalOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] =
    SignalMetrics.descriptions + PipelineMetrics.sinks + KafkaMetrics.table

  private static var entry: ServiceEntry { ServiceCatalogue.signalWorker }

  package func work(_ needs: Needs) -> Work {
    let (signals, context) = (signals, needs.context)
    let consumer = needs.consumer(Self.entry, kafka, pipeline)
    let plan = needs.add(Need.setting("indicators", { try signals.plan() }, says: { plan in
      "\(plan.set.outputs.count) values and \(plan.set.rules.count) rules of bars of \(signals.intervals), "
        + "\(signals.hours) hours"
    }))
    let windows = needs.add(Need.setting("events", { try signals.windows() }, says: { plan in
      "hours of options flow and of stories are compared with \(plan.days) days"
    }))
    let changelog = needs.states(of: consumer, in: Topics.signalStates) { SignalMetrics().unreadableState() }
    return consumer.sink(signals.policy, isCoPartitioned: true) { output in
      SignalSink(
        try plan.value, try windows.value, signals.settings(group: consumer.group), identity: consumer.identity,
        source: try changelog.value, output: output, logger: context.logger)
    }
  }
}
