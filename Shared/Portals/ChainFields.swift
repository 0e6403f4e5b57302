import Runtime
import Yams

/// The fields of one chain as written, turned into a `Chain` with the reason when that cannot be done.
struct ChainFields {
  let origin: String
  let line: Int
  private var fields: [String: Node] = [:]

  static let known: Set<String> = [
    "chain", "name", "engine", "locator", "path", "user", "password", "ids", "secondary_ids", "user_agent",
    "interval", "request_gap", "hours", "closed_days", "closed", "options",
  ]

  init(origin: String, line: Int) {
    self.origin = origin
    self.line = line
  }

  mutating func add(_ mapping: Node.Mapping) throws(Failure) {
    for (key, value) in mapping {
      guard let name = key.string, Self.known.contains(name) else {
        let known = Self.known.sorted().joined(separator: ", ")
        throw wrong("no field is called '\(key.string ?? "?")'; there are \(known)")
      }
      fields[name] = value
    }
  }

  func chain() throws(Failure) -> Chain {
    guard let slug = try text("chain"), !slug.isEmpty, slug.utf8.allSatisfy(Self.isSlugByte) else {
      throw wrong("chain: a name of letters, digits, '_' and '-' is expected")
    }
    guard let engine = try text("engine"), !engine.isEmpty else { throw wrong("\(slug): engine is missing") }
    let isClosed = try flag("closed", slug)
    guard let locator = isClosed ? try text("locator") ?? "" : try text("locator"), isClosed || !locator.isEmpty else {
      throw wrong("\(slug): locator is missing")
    }
    var days: Set<Int> = []
    for day in try list("closed_days") {
      guard let index = ActiveHours.dayNames.firstIndex(of: day.lowercased()) else {
        throw wrong("\(slug): closed_days: '\(day)' is none of \(ActiveHours.dayNames.joined(separator: ", "))")
      }
      days.insert(index)
    }
    var hours = days.isEmpty ? nil : ActiveHours(closedDays: days)
    if let written = try text("hours") {
      guard let read = ActiveHours(written, closedDays: days) else {
        throw wrong("\(slug): hours: '\(written)' is not of the form 08:00-24:00")
      }
      hours = read
    }
    let ids = try list("ids"), secondary = try list("secondary_ids")
    for id in ids + secondary where id.isEmpty || !id.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      throw wrong("\(slug): '\(id)' is no chain id: digits are expected")
    }
    let agent = try text("user_agent")
    return Chain(
      slug: slug, name: try text("name"), engine: engine, locator: locator, path: try text("path"),
      user: try text("user"), password: try text("password").map { Secret($0) }, chainIDs: ids,
      secondaryIDs: secondary, userAgent: agent == "browser" ? ChainCatalogue.browserUserAgent : agent,
      schedule: Schedule(
        interval: try duration("interval", slug), requestGap: try duration("request_gap", slug), activeHours: hours),
      options: try options(slug), isClosed: isClosed)
  }

  static func isSlugByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "-"): true
    default: false
    }
  }

  private func text(_ name: String) throws(Failure) -> String? {
    guard let node = fields[name], node.null == nil || node.scalar?.style != .plain else { return nil }
    guard let scalar = node.scalar else { throw wrong("\(name): one value is expected") }
    return scalar.string
  }

  private func list(_ name: String) throws(Failure) -> [String] {
    guard let node = fields[name] else { return [] }
    if let scalar = node.scalar { return [scalar.string] }
    let texts = node.sequence?.compactMap { $0.scalar?.string } ?? []
    guard let sequence = node.sequence, texts.count == sequence.count else {
      throw wrong("\(name): a list is expected")
    }
    return texts
  }

  private func duration(_ name: String, _ slug: String) throws(Failure) -> Duration? {
    guard let written = try text(name) else { return nil }
    guard let setting = DurationSetting(text: written) else {
      throw wrong("\(slug): \(name): '\(written)' is no time such as 90s, 10m or 2h")
    }
    return setting.duration
  }

  private func flag(_ name: String, _ slug: String) throws(Failure) -> Bool {
    switch try text(name) {
    case nil, "false": false
    case "true": true
    default: throw wrong("\(slug): \(name): true or false is expected")
    }
  }

  private func options(_ slug: String) throws(Failure) -> [String: String] {
    guard let node = fields["options"] else { return [:] }
    guard let mapping = node.mapping else { throw wrong("\(slug): options: a mapping is expected") }
    var options: [String: String] = [:]
    for (key, value) in mapping {
      guard let name = key.string, let text = value.scalar?.string else {
        throw wrong("\(slug): options: a mapping from names to values is expected")
      }
      options[name] = text
    }
    return options
  }

  private func wrong(_ what: String) -> Failure {
    Failure(.configuration, code: "bad_catalogue", "\(origin), line \(line): \(what)")
  }
}
