import ArgumentParser
import Core
import Forecasting
import ModelRegistry
import ObjectStore
import ObjectStoreFlags

/// `inference-worker models`: a look at the registry.
package struct ModelsCommand: AsyncParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Look at the models of the registry.",
    subcommands: [ListCommand.self, VerifyCommand.self])

  package init() {}

  /// `inference-worker models list`
  package struct ListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Print the current version of every model.")

    @OptionGroup(title: "Models") package var registry: RegistryOptions

    package init() {}

    package func run() async throws { _ = try await ModelsCommand.show(registry, isVerifying: false) }
  }

  /// `inference-worker models verify`
  package struct VerifyCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
      commandName: "verify", abstract: "Load every model and try it; exit code 78 when one must not be used.")

    @OptionGroup(title: "Models") package var registry: RegistryOptions

    package init() {}

    package func run() async throws {
      let bad = try await ModelsCommand.show(registry, isVerifying: true)
      if bad > 0 {
        throw Failure(.configuration, code: "models_bad", "\(bad) of the registry's models must not be used")
      }
    }
  }

  /// - Returns: how many have a problem.
  private static func show(_ options: RegistryOptions, isVerifying: Bool) async throws -> Int {
    let registry = try options.registry()
    defer { registry.store.close() }
    let rows = try await registry.listing(isVerifying: isVerifying)
    if rows.isEmpty { print("no models at \(registry.store.location)/\(ModelRegistry.root)") }
    for row in rows { print(line(row)) }
    return rows.count { $0.problem != nil }
  }

  private static func line(_ row: ModelListing) -> String {
    var parts = [row.name, row.version ?? "-"]
    if let manifest = row.manifest {
      parts += [
        manifest.kind.rawValue, manifest.series, manifest.seriesKind, "history \(manifest.history)",
        "horizon \(manifest.horizon)", "every \(manifest.period) s",
        "trained \(manifest.trained.from) to \(manifest.trained.to)",
      ]
    }
    if let problem = row.problem { parts.append("REFUSED: \(problem)") }
    return parts.joined(separator: "  ")
  }
}

/// Where models come from.
package struct RegistryOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Where the registry is, a store with a folder 'models': s3://bucket/prefix or file:///folder "
      + "(default: --object-store).", valueName: "url"))
  package var models: String?

  @OptionGroup(title: "Object store") package var objectStore: ObjectStoreOptions

  package init() {}

  /// - Parameter threads: of XGBoost, for each call.
  /// - Throws: `Failure` of class configuration.
  func registry(threads: Int = 1) throws -> ModelRegistry {
    var options = objectStore
    if let models { options.objectStore = models }
    return ModelRegistry(try options.makeStore(), threads: threads)
  }
}
