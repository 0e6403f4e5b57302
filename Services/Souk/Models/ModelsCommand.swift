import ArgumentParser
import Commodities
import Core
import HTTP
import LocalServers
import Options

/// `souk models`
struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "The models of a demonstration.",
    discussion: """
      Examples:
        souk models train --providers http://127.0.0.1:9000 --registry /var/lib/souk/registry
      """,
      subcommands: [TrainCommand.self])

  /// `souk models train`
  struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "train",
      abstract: "Train the models of a demonstration on what provider-simulator says, and publish them.",
      discussion: """
        The same six models as those of `souk up --system sentinel`. Needs the Debian packages python3-torch and \
        python3-xgboost. A version that an earlier training made is replaced; a folder with other models is refused. \
        Inference-workers see the new version when they look again.

        Examples:
          souk models train --providers http://127.0.0.1:9000 --registry /var/lib/souk/registry
        """)

    @Option(help: ArgumentHelp("Where provider-simulator answers: http://host:port.", valueName: "url"))
    var providers: String

    @Option(help: ArgumentHelp(
      "Folder to publish into; inference-workers read it with --models file:///folder.", valueName: "folder"))
    var registry: String

    @Option(help: ArgumentHelp(
      "What is later is not learnt from: the time at which the demonstration begins.", valueName: "time"))
    var until = SentinelDays.from

    @Option(help: ArgumentHelp(
      "Folder of the training programs (default: Services/InferenceWorker/Training above this program).",
      valueName: "folder"))
    var trainingPrograms: String?

    @OptionGroup(title: "Catalogue") var markets: CommodityOptions

    func run() async throws {
      let screen = Screen.standardOutput()
      let stopping = stopSignals { screen.say("stopping after this model; once more ends at once") }
      let tables = try PrivateFolder("training")
      defer { tables.remove() }
      do {
        try await ModelTraining(
          catalogue: try CommodityCatalogue.load(file: markets.catalogue), providers: try HTTPURL(providers),
          tables: tables.path, registry: registry, end: until, programs: trainingPrograms, screen: screen,
          stopping: stopping
        ).run()
      } catch is CancellationError {
        throw Failure(.fatal, code: "stopped", "stopped before all models were trained")
      }
    }
  }
}
