import Core
import StrictYAML

/// The catalogue as YAML:
///
///     engines:                      # defaults for the chains of an engine
///       cerberus: {locator: "https://url.publishedprices.co.il", interval: 10m}
///     chains:
///       - {chain: tiv_taam, name: Tiv Taam, engine: cerberus, user: TivTaam, ids: [7290873255550]}
///
/// Keys of a chain: `chain`, `name`, `engine`, `locator`, `path`, `user`, `password` (`env:NAME`, `file:/path` or a
/// public one), `ids`, `secondary_ids`, `user_agent` (or `browser`), `interval`, `request_gap`, `hours`
/// (`08:00-24:00`, Israel time), `closed_days` (`[sat]`), `closed`, `options`. An unknown key is refused.
extension ChainCatalogue {
  /// What `user_agent: browser` sends.
  package static let browserUserAgent =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

  private static let keys = [
    "chain", "name", "engine", "locator", "path", "user", "password", "ids", "secondary_ids", "user_agent", "interval",
    "request_gap", "hours", "closed_days", "closed", "options",
  ]

  /// - Throws: a configuration `Failure` with the line and what is wrong there.
  package init(yaml: String, origin: String) throws(Failure) {
    guard let root = try YAMLValue.read(yaml: yaml, origin: origin), !root.isNull else {
      self.init()
      return
    }
    let sections = try YAMLFields(root, of: "catalogue", known: ["engines", "chains"], origin: origin)
    let engines = try sections.mapping("engines") ?? []
    var chains: [Chain] = []
    for row in try sections.list("chains") ?? [] {
      let engine = row.mapping?.first { $0.key == "engine" }?.value.text
      let fields = try YAMLFields(
        row, of: "chain", known: Self.keys, origin: origin, nameKey: "chain",
        defaults: engines.first { $0.key == engine }?.value)
      let chain = try Chain(fields)
      guard !chains.contains(where: { $0.slug == chain.slug }) else { throw fields.wrong("it is there twice") }
      chains.append(chain)
    }
    self.init(chains)
  }
}

extension Chain {
  fileprivate init(_ fields: YAMLFields) throws(Failure) {
    let slug = try fields.required("chain")
    guard slug.utf8.allSatisfy(Self.isSlugByte) else {
      throw fields.wrong("chain", "letters, digits, '_' and '-' are expected")
    }
    let isClosed = try fields.flag("closed") ?? false
    let agent = try fields.text("user_agent")
    self.init(
      slug: slug, name: try fields.text("name"), engine: try fields.required("engine"),
      locator: isClosed ? try fields.text("locator") ?? "" : try fields.required("locator"),
      path: try fields.text("path", mayBeEmpty: true), user: try fields.text("user", mayBeEmpty: true),
      password: try fields.text("password", mayBeEmpty: true).map { Secret($0) },
      chainIDs: try Self.ids(fields, "ids"), secondaryIDs: try Self.ids(fields, "secondary_ids"),
      userAgent: agent == "browser" ? ChainCatalogue.browserUserAgent : agent,
      schedule: CrawlSchedule(
        interval: try fields.duration("interval"), requestGap: try fields.duration("request_gap"),
        activeHours: try Self.activeHours(fields)),
      options: try Self.options(fields), isClosed: isClosed)
  }

  private static func ids(_ fields: YAMLFields, _ name: String) throws(Failure) -> [String] {
    let ids = try fields.texts(name) ?? []
    for id in ids where id.isEmpty || !id.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      throw fields.wrong(name, "'\(id)' is no chain id: digits are expected")
    }
    return ids
  }

  private static func activeHours(_ fields: YAMLFields) throws(Failure) -> ActiveHours? {
    var days: Set<Int> = []
    for day in try fields.texts("closed_days") ?? [] {
      guard let index = ActiveHours.dayNames.firstIndex(of: day.lowercased()) else {
        throw fields.wrong("closed_days", "'\(day)' is none of \(ActiveHours.dayNames.joined(separator: ", "))")
      }
      days.insert(index)
    }
    guard let text = try fields.text("hours") else { return days.isEmpty ? nil : ActiveHours(closedDays: days) }
    guard let hours = ActiveHours(text, closedDays: days) else {
      throw fields.wrong("hours", "'\(text)' is not of the form 08:00-24:00")
    }
    return hours
  }

  private static func options(_ fields: YAMLFields) throws(Failure) -> [String: String] {
    var options: [String: String] = [:]
    for entry in try fields.mapping("options") ?? [] {
      guard let text = entry.value.text else { throw fields.wrong("options", "'\(entry.key)' wants one value") }
      options[entry.key] = text
    }
    return options
  }

  /// Letters and digits of ASCII, `_` and `-`.
  package static func isSlugByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "-"): true
    default: false
    }
  }
}
