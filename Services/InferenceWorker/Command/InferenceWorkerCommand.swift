import ArgumentParser
import Kafka
import Logging
import Pipeline
import Runtime
import Schemas
import ServiceKit

/// Consumes market data and publishes predictions.
package struct InferenceWorkerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Predict the series a pattern picks, with the models of one kind.")

  @OptionGroup(title: "Predicting") package var worker: WorkerOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static var metrics: [MetricDescription] { WorkerMetrics.descriptions }

  package func run(in context: ServiceContext) async throws {}
}
