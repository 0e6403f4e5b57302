import ArgumentParser
import Runtime

/// The flags of the catalogue of markets.
package struct MarketOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "YAML file of countries, materials, sources and schedules; a section it does not have is the embedded one.",
    valueName: "path"))
  package var catalogue: String?

  package init() {}

  /// - Throws: a configuration `Failure` naming file and line.
  package func load() throws(Failure) -> MarketCatalogue { try MarketCatalogue.load(file: catalogue) }
}
