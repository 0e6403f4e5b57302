import Core
import Messages
import StrictYAML
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

extension FetchSchedule {
  static let keys = [
    "name", "task", "materials", "countries", "source", "cron", "zone", "deadline", "missed", "missed-limit", "spread",
  ]

  /// - Throws: a configuration `Failure`. The catalogue checks the names that it uses.
  init(_ value: YAMLValue, origin: String) throws(Failure) {
    let fields = try YAMLFields(value, of: "schedule", known: Self.keys, origin: origin)
    let name = try fields.required("name")
    guard RoutingKey.isWord(Array(name.utf8)) else {
      throw fields.wrong("name", "1 to 63 of a-z, 0-9, '-' and '_' are expected")
    }
    guard let task = try fields.choice("task", as: IngestionTask.Kind.self) else {
      throw fields.wrong("task is missing")
    }
    let cron: CronExpression
    let written = try fields.required("cron")
    do {
      cron = try CronExpression(written)
    } catch {
      throw fields.wrong("cron", "\(error)")
    }
    let deadline = try fields.duration("deadline")
    if let deadline, deadline < .seconds(1) { throw fields.wrong("deadline", "1s or more is expected") }
    let missed = try fields.choice("missed", as: MissedRuns.self) ?? .catchUp
    if missed != .catchUp, fields.value("missed-limit") != nil {
      throw fields.wrong("missed-limit", "it is for 'missed: catch_up' only")
    }
    let spread = try fields.duration("spread") ?? .zero
    guard spread < .seconds(86_400) else { throw fields.wrong("spread", "less than 1d is expected") }
    self.init(
      name: name, task: task, materials: try Self.materials(fields), countries: try Self.countries(fields),
      source: try fields.text("source"), cron: cron, zone: try fields.text("zone") ?? "UTC", deadline: deadline,
      missed: missed, missedLimit: try fields.count("missed-limit", in: 1...100_000) ?? Self.defaultMissedLimit,
      spread: spread, line: fields.line)
  }

  private static func materials(_ fields: YAMLFields) throws(Failure) -> MaterialSelector {
    guard let value = fields.value("materials") else { return .all }
    if value.text == "all" { return .all }
    if let entries = value.mapping {
      guard entries.count == 1, entries[0].key == "category", let text = entries[0].value.text,
        let category = CommodityCategory(rawValue: text)
      else {
        let known = CommodityCategory.allCases.map(\.rawValue).joined(separator: ", ")
        throw fields.wrong("materials", "{category: X} is expected, X one of \(known)")
      }
      return .category(category)
    }
    guard value.list != nil, let names = try fields.texts("materials"), !names.isEmpty else {
      throw fields.wrong("materials", "'all', a list of names or {category: X} is expected")
    }
    return .named(names)
  }

  private static func countries(_ fields: YAMLFields) throws(Failure) -> CountrySelector {
    guard let value = fields.value("countries") else { return .all }
    switch value.text {
    case "all": return .all
    case "world": return .world
    default: break
    }
    if let entries = value.mapping {
      guard entries.count == 1, entries[0].key == "region", let text = entries[0].value.text else {
        throw fields.wrong("countries", "{region: X} is expected")
      }
      return .region(text)
    }
    guard value.list != nil, let names = try fields.texts("countries"), !names.isEmpty else {
      throw fields.wrong("countries", "'all', 'world', a list of names or {region: X} is expected")
    }
    return .named(names)
  }
}
