import ArgumentParser

/// `inference-worker models`: a look at the registry.
package struct ModelsCommand: AsyncParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Look at the models of the registry.", subcommands: [])

  package init() {}
}
