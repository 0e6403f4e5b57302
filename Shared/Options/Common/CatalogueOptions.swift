import ArgumentParser
import Core

/// The flags of the catalogue of chains.
package struct ChainCatalogueOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "YAML file of chains that are added to the embedded catalogue, or replace those of the same name.",
    valueName: "path"))
  package var catalogue: String?

  package init() {}
}

/// The flags of the catalogue of markets.
package struct CommodityOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "YAML file of countries, materials, sources and schedules; a section it does not have is the embedded one.",
    valueName: "path"))
  package var catalogue: String?

  package init() {}
}

/// The flag of the accounts at providers of market data.
package struct DataSourceOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "YAML file of providers of market data with their keys and limits; without it Alpaca, Polygon and Alpha Vantage "
      + "with the limits of their free plans.", valueName: "path"))
  package var dataSources: String?

  package init() {}
}

extension DurationSetting: ExpressibleByArgument {
  package init?(argument: String) { self.init(text: argument) }
  package var defaultValueDescription: String { description }
}

extension ByteSize: ExpressibleByArgument {
  package init?(argument: String) { self.init(text: argument) }
  package var defaultValueDescription: String { description }
}

extension Secret: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
  /// Also tells the kit that `<VARIABLE>_FILE` is to be given as a reference to the file, which is read again when it
  /// changes.
  package static var defaultCompletionKind: CompletionKind { .file(extensions: ["secret"]) }
}

extension NYSECalendar.Hours: ExpressibleByArgument {}
