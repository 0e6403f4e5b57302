import ArgumentParser
import Catalogue
import Core
import LocalServers
import ServiceKit

/// `souk init`
struct InitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Print a settings file with every setting described; works offline.",
    discussion: """
      Without --service: the settings of `souk up`, which reads the file with --config or SOUK_CONFIG. With it: those \
      of a service, as its own --config reads them. Every setting is a comment with its default; remove the # of those \
      that you change.

      Examples:
        souk init prices > souk.yaml && souk up --config souk.yaml
        souk init --service parser > parser.yaml && parser --config parser.yaml --check
      """)

  @Argument(help: "The system that `souk up` runs.") var system = FleetSystem.prices
  @Option(help: "The settings of this service instead.") var service: String?

  func validate() throws {
    guard let service, ServiceCatalogue.named(service) == nil else { return }
    let names = ServiceCatalogue.all.map(\.name)
    let near = nearestName(to: service, among: names).map { "did you mean '\($0)'?" } ?? names.joined(separator: ", ")
    throw ValidationError("no service is called '\(service)'; \(near)")
  }

  func run() async throws {
    guard let service, let entry = ServiceCatalogue.named(service) else {
      return print(try Self.settings(of: system), terminator: "")
    }
    // No service is part of this program: each tells its own settings.
    let outcome = try await ChildProcess.run(
      Launch(try Startup.executable(service), ["--print-reference", "template"]))
    guard outcome.status.isSuccess else {
      throw Failure(.fatal, code: "no_template", "\(service) did not print its settings: \(outcome.errorOutput)")
    }
    print("# \(service) \(Souk.version): \(entry.summary).\n# \(service) --config FILE reads this file.\n")
    print(outcome.output, terminator: "")
  }

  static func settings(of system: FleetSystem) throws -> String {
    """
    # souk up, Souk \(Souk.version). souk up --config FILE reads this file.
    # The settings of a service: souk init --service NAME.

    \(try SettingsTemplate.yaml(for: UpCommand.self, values: ["system": system.rawValue]))
    """
  }
}
