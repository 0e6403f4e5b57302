import Core
import Messages
import StrictYAML
import Values

/// A provider of prices or demands and how to query it: one entry of the catalogue's `sources`.
package struct CommoditySource: Hashable, Sendable {
  package var name: String
  package var kind: CommoditySourceKind
  /// The complete URL.
  package var url: TextTemplate
  package var tasks: Set<IngestionTask.Kind>
  /// None: limited by the concurrency alone.
  package var limits: RateLimits
  /// Requests in flight at once, in each process.
  package var concurrency: Int
  /// Limit for one request.
  package var timeout: Duration
  package var token: Secret?
  /// Sends the token in a header instead of the URL: `Authorization: Bearer ...`, or `X-API-Key`.
  package var tokenHeader: String?
  /// The provider's symbols, by the material's name.
  package var symbols: [String: TextTemplate]
  /// The symbol of materials that `symbols` lacks; nil: the provider does not have them.
  package var symbol: TextTemplate?
  /// Currency and unit of a material's quotes, where responses do not name them.
  package var quotations: [String: Quotation]
  /// The same for all other materials.
  package var quotation: Quotation
  /// Refuse older values: a closed market returns old ones. Nil: any age.
  package var maxAge: Duration?
  /// For kinds `json` and `csv`.
  package var mapping: ResponseMapping?

  /// True when the provider has this material for this task.
  package func has(_ material: Material, _ task: IngestionTask.Kind) -> Bool {
    tasks.contains(task) && (!url.uses(.symbol) || name(of: material) != nil)
  }

  /// The provider's symbol of the material; nil when it does not have it.
  package func name(of material: Material) -> TextTemplate? { symbols[material.name] ?? symbol }

  /// Currency and unit of the material's quotes, where responses do not name them: the symbol's own, then the source's,
  /// then what the exchange of a future quotes.
  package func quotation(of material: Material) -> Quotation {
    let own = quotations[material.name]
    return Quotation(currency: own?.currency ?? quotation.currency, unit: own?.unit ?? quotation.unit)
  }

  /// The source's name in metrics and Redis keys.
  package var word: String { RoutingKey.word(for: name) ?? "source" }
}

/// The currency and unit of a quote.
package struct Quotation: Hashable, Sendable {
  /// ISO 4217, or a minor unit such as `GBp` and `USX`.
  package var currency: String?
  package var unit: PhysicalUnit?
}

extension CommodityCatalogue {
  /// The sources in the order of fail-over.
  /// - Throws: a configuration `Failure` naming file and line.
  package func readSources() throws(Failure) -> [CommoditySource] {
    var sources: [CommoditySource] = []
    for entry in self.sources {
      let source = try CommoditySource(entry, materials: materials)
      guard !sources.contains(where: { $0.word == source.word }) else {
        throw YAMLFields.wrong(
          entry.origin, entry.value.line,
          "two sources have names like '\(source.name)', which metrics cannot tell apart")
      }
      sources.append(source)
    }
    return sources
  }
}

/// The format of a provider's responses.
package enum CommoditySourceKind: String, CaseIterable, Hashable, Sendable {
  /// The chart JSON of Yahoo Finance: `/v8/finance/chart/<symbol>`.
  case yahoo
  /// Commodities, daily series and quotes of Alpha Vantage: `/query?function=...`.
  case alphavantage
  /// Any JSON, described by a `ResponseMapping`.
  case json
  /// CSV with a header, described by a `ResponseMapping`.
  case csv

  /// The request when the URL in the catalogue is a bare host.
  package var defaultRequest: String {
    switch self {
    case .yahoo: "/v8/finance/chart/{symbol}?interval=1h&range=1d"
    case .alphavantage: "/query?function={symbol}&apikey={token}"
    case .json, .csv: ""
    }
  }
}

/// A source as written in the catalogue: the name is read here, the rest by the fetcher.
package struct CommoditySourceEntry: Hashable, Sendable {
  package var name: String
  /// A mapping.
  package var value: YAMLValue
  /// The file, for errors.
  package var origin: String
}
