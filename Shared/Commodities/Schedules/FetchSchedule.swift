import Core
import Messages
import Values

/// When to fetch what: one task for every selected pair of a material and a country, at every time of the cron
/// expression.
package struct FetchSchedule: Hashable, Sendable {
  package var name: String
  package var task: IngestionTask.Kind
  package var materials = MaterialSelector.all
  package var countries = CountrySelector.all
  /// The source to ask first.
  package var source: String?
  package var cron: CronExpression
  /// IANA name of the cron expression's time zone.
  package var zone = "UTC"
  /// How long after its due time a job is still useful; nil: for ever.
  package var deadline: Duration?
  package var missed = MissedRuns.catchUp
  /// Most runs that are caught up.
  package var missedLimit = defaultMissedLimit
  /// The jobs of one run are spread over this time; each series always gets the same offset.
  package var spread = Duration.zero
  /// Its line in the file, for errors.
  package var line = 1

  package static let defaultMissedLimit = 24
}

/// The materials of a schedule.
package enum MaterialSelector: Hashable, Sendable {
  case all
  case named([String])
  case category(CommodityCategory)

  func contains(_ material: Material) -> Bool {
    switch self {
    case .all: true
    case .named(let names): names.contains(material.name)
    case .category(let category): material.category == category
    }
  }
}

/// The countries of a schedule. World materials have no country: only `all` and `world` select them.
package enum CountrySelector: Hashable, Sendable {
  case all
  case world
  case named([String])
  case region(String)

  /// - Parameter country: nil is the world market.
  func contains(_ country: Country?) -> Bool {
    switch (self, country) {
    case (.all, _), (.world, nil): true
    case (.named(let names), let country?): names.contains(country.name)
    case (.region(let region), let country?): country.region == region
    default: false
    }
  }
}
