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

extension CompletionKind {
  /// Of an option that may be a reference (``Secret``): `env:NAME`, `file:/path`. The kit then gives `<VARIABLE>_FILE`
  /// as a reference too, so that the file is read again when it changes.
  package static var secret: CompletionKind { .file(extensions: ["secret"]) }
}

extension NYSECalendar.Hours: ExpressibleByArgument {}
