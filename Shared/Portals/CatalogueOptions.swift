import ArgumentParser
import Runtime

/// The flags of the catalogue of chains.
package struct ChainCatalogueOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "YAML file of chains that are added to the embedded catalogue, or replace those of the same name.",
    valueName: "path"))
  package var catalogue: String?

  package init() {}

  /// - Throws: a configuration `Failure` naming file and line.
  package func load() throws(Failure) -> ChainCatalogue { try ChainCatalogue.load(file: catalogue) }
}
