import ArgumentParser
import Catalogue
import Core
import Forecasting
import Kafka
import KafkaFlags
import Logging
import ModelRegistry
import Pipeline
import ServiceKit
import Values

/// `inference-worker`: without a subcommand, predicts; `inference-worker models` looks at the registry.
package struct InferenceWorkerProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.inferenceWorker.name,
    abstract: "Predict the series a pattern picks, with the models of one kind.",
    version: Souk.version, subcommands: [InferenceWorkerCommand.self, ModelsCommand.self],
    defaultSubcommand: InferenceWorkerCommand.self)

  package init() {}
}

/// Consumes market data and publishes predictions.
package struct InferenceWorkerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Predict the series a pattern picks, with the models of one kind.",
    discussion: """
      Consumes sentinel_market_data.<category>, publishes \(Topics.databaseWriteBuffer.name), and keeps what it \
      remembers of each series in \(Topics.seriesWindows.name). What is predicted depends on the records alone: \
      to read them again makes the same predictions, under the same ids.
      """)

  @OptionGroup(title: "Predicting") package var worker: WorkerOptions
  @OptionGroup(title: "Models") package var registry: RegistryOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static var metrics: [MetricDescription] {
    WorkerMetrics.descriptions + PipelineMetrics.sinks + KafkaMetrics.table
  }

  private static var entry: ServiceEntry { ServiceCatalogue.inferenceWorker }

  package func work(_ needs: Needs) -> Work {
    let (worker, context) = (worker, needs.context)
    var kafka = kafka
    kafka.groupId = kafka.groupId ?? worker.kind.group
    let consumer = needs.consumer(Self.entry, kafka, pipeline) { try worker.topics }
    let loader = needs.add(ModelLoader.need(registry, worker, context.logger))
    needs.beside { try await loader.value.run(until: context.drain) }
    // The drivers' prices are known before the first observation is looked at: the older ones from the changelog.
    let drivers = worker.kind.hasDrivers ? DriverTable(limit: worker.driverWindow) : nil
    let changelog = needs.add(Need(
      "windows", as: "the drivers' windows", condition: drivers.map { _ in "windows" },
      open: { WindowChangelog(reader: try consumer.changelog(Topics.seriesWindows), group: consumer.group) },
      prepare: { changelog in
        for (name, history) in try await changelog.windows(of: .energy) { drivers?.insert(name, history) }
        return ""
      }))
    if let drivers {
      let topic = Topics.commodityObservations(of: .energy)
      needs.table("drivers", Self.entry.name, kafka, topic: topic, isTrimmed: true) { drivers.take($0) }
    }
    return consumer.sink(worker.policy) { output in
      InferenceSink(
        try worker.settings(group: consumer.group), identity: consumer.identity, models: try loader.value.models,
        drivers: drivers, source: try changelog.value, output: output, logger: context.logger)
    }
  }
}
