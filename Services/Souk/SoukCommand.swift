import ArgumentParser
import Core
import ServiceKit

/// `souk`: runs the fleet locally, and looks after its topics.
package struct SoukCommand: AsyncParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "souk", abstract: "Run the fleet on this machine, and look after its topics.",
    version: Souk.version,
    subcommands: [
      UpCommand.self, BrokerCommand.self, TopicsCommand.self, DeadLettersCommand.self, LagCommand.self,
      HealthCommand.self,
      RouteCommand.self, ModelsCommand.self, MastersCommand.self,
    ])

  package init() {}

  /// The program's entry point: never returns.
  package static func main() async { await Launcher.main(Self.self) }
}
