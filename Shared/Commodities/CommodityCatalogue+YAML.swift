import Core
import StrictYAML
import Values

/// The catalogue as YAML:
///
///     countries:
///       - {name: Egypt, region: mena, currency: EGP}
///     materials:
///       - {name: PVC, category: polymer, unit: t, positive: true}   # a price of 0 or below is no price
///       - {name: Brent, category: energy, unit: bbl, world: true, currency: USD}
///     sources:                    # in the order in which they are asked
///       - {name: Yahoo, kind: yahoo, ...}
///     schedules:
///       - name: prices-hourly
///         task: fetch_price       # fetch_price | fetch_demand
///         materials: all          # all | [PVC, Brent] | {category: polymer}
///         countries: all          # all | world | [Egypt] | {region: mena}
///         source: Yahoo           # asked first
///         cron: "0 * * * *"
///         zone: Africa/Cairo
///         deadline: 30m           # after the due time; without it a job is wanted for ever
///         missed: catch_up        # catch_up | latest | skip
///         missed-limit: 24
///         spread: 5m              # the jobs of one run are due over this time
///
/// A missing section is taken from `base`; an unknown key or name is refused.
extension CommodityCatalogue {
  /// Most series of all materials and countries; more are a mistake in the file.
  package static let maxSeries = 100_000

  /// - Parameter base: its sections replace missing ones.
  /// - Throws: a configuration `Failure` with the line and what is wrong there.
  package init(yaml: String, origin: String, over base: CommodityCatalogue? = .embedded) throws(Failure) {
    let root = try YAMLValue.read(yaml: yaml, origin: origin)
    var sections: [String: YAMLValue] = [:]
    if let root, !root.isNull {
      guard let entries = root.mapping else {
        throw YAMLFields.wrong(origin, root.line, "a mapping of countries, materials, sources and schedules")
      }
      let known = ["countries", "materials", "sources", "schedules"]
      for entry in entries {
        guard known.contains(entry.key) else {
          throw YAMLFields.wrong(
            origin, entry.line, "'\(entry.key)' is none of \(known.joined(separator: ", "))")
        }
        sections[entry.key] = entry.value
      }
    }
    let countries = try Self.rows(
      sections["countries"], of: "country", origin, { (row) throws(Failure) in try Self.country(row, origin) },
      named: { $0.word })
    let materials = try Self.rows(
      sections["materials"], of: "material", origin, { (row) throws(Failure) in try Self.material(row, origin) },
      named: { $0.word })
    let sources = try Self.rows(
      sections["sources"], of: "source", origin, { (row) throws(Failure) in try Self.source(row, origin) },
      named: { $0.name })
    let schedules = try Self.rows(
      sections["schedules"], of: "schedule", origin,
      { (row) throws(Failure) in try FetchSchedule(row, origin: origin) }, named: { $0.name })
    self.init(
      countries: countries ?? base?.countries ?? [], materials: materials ?? base?.materials ?? [],
      sources: sources ?? base?.sources ?? [], schedules: schedules ?? base?.schedules ?? [])
    let total = self.materials.reduce(0) { $0 + ($1.isWorld ? 1 : self.countries.count) }
    guard total <= Self.maxSeries else {
      throw Failure(
        .configuration, code: "bad_catalogue",
        "\(origin): \(total) series of materials and countries; at most \(Self.maxSeries) are followed")
    }
    for schedule in self.schedules { try verify(schedule, origin) }
  }

  /// The rows of a section, which need distinct names; nil when the section is missing.
  private static func rows<Row>(
    _ section: YAMLValue?, of what: String, _ origin: String,
    _ read: (YAMLValue) throws(Failure) -> Row, named name: (Row) -> String
  ) throws(Failure) -> [Row]? {
    guard let section else { return nil }
    guard !section.isNull else { return [] }
    guard let list = section.list else {
      throw YAMLFields.wrong(origin, section.line, "a list is expected, one \(what) a row")
    }
    var known: Set<String> = []
    var rows: [Row] = []
    for value in list {
      let row = try read(value)
      guard known.insert(name(row)).inserted else {
        throw YAMLFields.wrong(origin, value.line, "the \(what) \(name(row)) is there twice")
      }
      rows.append(row)
    }
    return rows
  }

  private static func country(_ value: YAMLValue, _ origin: String) throws(Failure) -> Country {
    let fields = try YAMLFields(value, of: "country", known: ["name", "region", "currency"], origin: origin)
    let region = try fields.required("region")
    guard RoutingKey.isWord(Array(region.utf8)), region != RoutingKey.world.region else {
      throw fields.wrong("region", "1 to 63 of a-z, 0-9, '-' and '_' are expected, not '\(RoutingKey.world.region)'")
    }
    let name = try fields.required("name")
    guard let country = Country(name: name, region: region, currency: try currency(fields)),
      country.word != RoutingKey.world.country
    else {
      throw fields.wrong("name", "'\(name)' has no letters or digits of ASCII, is too long, or means the world")
    }
    return country
  }

  private static func material(_ value: YAMLValue, _ origin: String) throws(Failure) -> Material {
    let fields = try YAMLFields(
      value, of: "material", known: ["name", "category", "unit", "positive", "world", "currency"], origin: origin)
    guard let category = try fields.choice("category", as: CommodityCategory.self) else {
      throw fields.wrong("category is missing")
    }
    let name = try fields.required("name")
    let isWorld = try fields.flag("world") ?? false
    let currency = try currency(fields)
    guard isWorld || currency == nil else {
      throw fields.wrong("currency", "the countries have it; it is for 'world: true' only")
    }
    guard let material = Material(
      name: name, category: category, unit: try fields.unit("unit")?.symbol,
      isPositive: try fields.flag("positive") ?? false, isWorld: isWorld, currency: currency)
    else { throw fields.wrong("name", "'\(name)' has no letters or digits of ASCII, or more than 63") }
    return material
  }

  private static func currency(_ fields: YAMLFields) throws(Failure) -> String? {
    guard let code = try fields.text("currency") else { return nil }
    guard Currency(code) != nil else {
      throw fields.wrong("currency", "'\(code)' is no code of ISO 4217 such as EGP")
    }
    return code
  }

  private static func source(_ value: YAMLValue, _ origin: String) throws(Failure) -> CommoditySourceEntry {
    let name = value.mapping?.first { $0.key == "name" }?.value.text
    guard let name, !name.isEmpty else {
      throw YAMLFields.wrong(origin, value.line, "a source is a mapping with a name")
    }
    return CommoditySourceEntry(name: name, value: value, origin: origin)
  }

  /// Checks that the names a schedule uses exist, and that it selects at least one series.
  private func verify(_ schedule: FetchSchedule, _ origin: String) throws(Failure) {
    func wrong(_ what: String) -> Failure {
      YAMLFields.wrong(origin, schedule.line, "schedule '\(schedule.name)': \(what)")
    }
    if case .named(let names) = schedule.materials {
      for name in names where material(named: name) == nil { throw wrong("no material is called '\(name)'") }
    }
    if case .named(let names) = schedule.countries {
      for name in names where country(named: name) == nil { throw wrong("no country is called '\(name)'") }
    }
    if case .region(let region) = schedule.countries, !countries.contains(where: { $0.region == region }) {
      throw wrong("no country is in region '\(region)'")
    }
    if let source = schedule.source, !sources.contains(where: { $0.name == source }) {
      throw wrong("no source is called '\(source)'")
    }
    guard !series(of: schedule).isEmpty else {
      throw wrong("its materials and countries have no pair; those of the world's market need 'countries: world'")
    }
  }
}
