import ArgumentParser
import Runtime
import Schemas
import ServiceKit

/// `egx-producer`: without a subcommand, publishes what is new; `egx-producer backfill` what was.
package struct EGXProducerProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.egxProducer.name,
    abstract: "Publishes new and changed bars of the Egyptian Exchange.",
    version: Souk.version, subcommands: [ProduceCommand.self, BackfillCommand.self],
    defaultSubcommand: ProduceCommand.self)

  package init() {}
}
