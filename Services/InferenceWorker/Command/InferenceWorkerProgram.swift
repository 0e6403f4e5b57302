import ArgumentParser
import Runtime
import Schemas
import ServiceKit

/// `inference-worker`: without a subcommand, predicts; `inference-worker models` looks at the registry.
package struct InferenceWorkerProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.inferenceWorker.name,
    abstract: "Predict the series a pattern picks, with the models of one kind.",
    version: Souk.version, subcommands: [InferenceWorkerCommand.self, ModelsCommand.self],
    defaultSubcommand: InferenceWorkerCommand.self)

  package init() {}
}
