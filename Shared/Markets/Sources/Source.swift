import Runtime
import Schemas

/// A provider of prices or demands, and how it wants to be asked: one entry of the catalogue's `sources`.
package struct Source: Hashable, Sendable {
  package var name: String
  package var kind: SourceKind
  /// The whole URL.
  package var url: TextTemplate
  package var tasks: Set<IngestionTask.Kind>
  /// Nil: as often as the concurrency allows.
  package var rate: RateLimit?
  /// Requests in flight at once, in each process.
  package var concurrency: Int
  /// Of one request.
  package var timeout: Duration
  package var token: Secret?
  /// Sends the token in a header instead of the URL: `Authorization: Bearer ...`, or `X-API-Key`.
  package var tokenHeader: String?
  /// What it calls materials, by the material's name.
  package var symbols: [String: TextTemplate]
  /// For materials that `symbols` does not have; nil: it does not have them.
  package var symbol: TextTemplate?
  /// What symbols are quoted in and for, by material, where its answers do not say.
  package var quotations: [String: Quotation]
  /// Of all other symbols, where its answers do not say.
  package var quotation: Quotation
  /// Values it gives are of so many days at most: a closed market has old ones. Nil: whatever it says is taken.
  package var maxAge: Duration?
  /// For kinds `json` and `csv`.
  package var mapping: AnswerMapping?

  /// Whether it is worth asking for this.
  package func has(_ material: Material, _ task: IngestionTask.Kind) -> Bool {
    tasks.contains(task) && (!url.uses(.symbol) || name(of: material) != nil)
  }

  /// What it calls the material, or nil when it does not have it.
  package func name(of material: Material) -> TextTemplate? { symbols[material.name] ?? symbol }

  /// What it quotes the material in and for, when its answers do not say: the symbol's own, then the source's, then
  /// what the exchange of a future quotes it for.
  package func quotation(of material: Material) -> Quotation {
    let own = quotations[material.name]
    return Quotation(currency: own?.currency ?? quotation.currency, unit: own?.unit ?? quotation.unit)
  }

  /// Its name in metrics and Redis keys.
  package var word: String { RoutingKey.word(for: name) ?? "source" }
}

/// What a provider quotes a symbol in and for.
package struct Quotation: Hashable, Sendable {
  /// ISO 4217, or a minor unit such as `GBp` and `USX`.
  package var currency: String?
  package var unit: PhysicalUnit?

  package init(currency: String? = nil, unit: PhysicalUnit? = nil) {
    self.currency = currency
    self.unit = unit
  }
}

extension MarketCatalogue {
  /// The providers in the order in which they are asked.
  /// - Throws: a configuration `Failure` naming file and line.
  package func readSources() throws(Failure) -> [Source] {
    var sources: [Source] = []
    for entry in self.sources {
      let source = try Source(entry, materials: materials)
      guard !sources.contains(where: { $0.word == source.word }) else {
        throw CatalogueFields.wrong(
          entry.origin, entry.value.line,
          "two sources have names like '\(source.name)', which metrics cannot tell apart")
      }
      sources.append(source)
    }
    return sources
  }
}
