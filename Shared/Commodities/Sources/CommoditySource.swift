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

/// A source as YAML:
///
///     - name: Exchange
///       kind: json                # yahoo | alphavantage | json | csv
///       url: "https://host/prices/{symbol}?at={due_at}"   # a bare host means the kind's own request
///       tasks: [fetch_price]      # fetch_price | fetch_demand; prices by default
///       rate: [300/m, 5000/d]     # shared by all replicas; one alone may have a burst beside it
///       zone: America/New_York    # where the day of a rate begins; else UTC
///       burst: 10
///       concurrency: 32           # requests in flight, in each process
///       timeout: 10s
///       token: env:NAME           # or file:/path; never the secret itself
///       token-header: X-API-Key   # else it goes where the URL has {token}
///       symbols: {Copper: HG=F}   # by material; {Copper: {symbol: HG=F, unit: lb, currency: USD}} says what it is for
///       symbol: "{material}-{country}"                    # for the rest
///       currency: USD             # where the answer does not say, as unit
///       max-age: 7d               # older values are no answer
///       mapping: {value: price, time: at}                 # kinds json and csv
extension CommoditySource {
  static let keys = [
    "name", "kind", "url", "tasks", "rate", "burst", "zone", "concurrency", "timeout", "token", "token-header",
    "symbols", "symbol", "currency", "unit", "max-age", "mapping",
  ]

  /// - Parameter materials: the materials that `symbols` may name.
  /// - Throws: a configuration `Failure` with the line and what is wrong there.
  package init(_ entry: CommoditySourceEntry, materials: [Material]) throws(Failure) {
    let fields = try YAMLFields(entry.value, of: "source", known: Self.keys, origin: entry.origin)
    name = entry.name
    guard RoutingKey.word(for: name) != nil else {
      throw fields.wrong("name", "it has no letters or digits of ASCII, or more than 63")
    }
    guard let kind = try fields.choice("kind", as: CommoditySourceKind.self) else {
      throw fields.wrong("kind is missing")
    }
    self.kind = kind
    url = try Self.url(fields, kind)
    tasks = try Self.tasks(fields)
    limits = try fields.limits()
    concurrency = try fields.count("concurrency", in: 1...10_000) ?? 64
    timeout = try fields.duration("timeout") ?? .seconds(10)
    guard timeout >= .milliseconds(1) else { throw fields.wrong("timeout", "more than 0 is expected") }
    token = try fields.secret("token")
    tokenHeader = try fields.text("token-header")
    symbols = [:]
    symbol = try fields.text("symbol").map { (text) throws(Failure) in try Self.template(text, "symbol", fields) }
    quotations = [:]
    quotation = try Quotation(fields)
    maxAge = try fields.duration("max-age")
    if let written = fields.value("mapping") {
      guard kind == .json || kind == .csv else { throw fields.wrong("mapping", "it is for kinds json and csv only") }
      mapping = try ResponseMapping(written, kind: kind, origin: entry.origin)
    } else if kind == .json || kind == .csv {
      throw fields.wrong("mapping is missing: where are value and time?")
    }
    try readSymbols(fields, materials)
    try verify(fields)
  }

  private mutating func readSymbols(_ fields: YAMLFields, _ materials: [Material]) throws(Failure) {
    guard let written = fields.value("symbols") else { return }
    guard let entries = written.mapping else { throw fields.wrong("symbols", "{material: symbol} is expected") }
    for entry in entries {
      guard let material = materials.first(where: { $0.name == entry.key }) else {
        throw fields.wrong("symbols", "no material is called '\(entry.key)'")
      }
      var text = entry.value.text ?? ""
      var own = Quotation()
      if entry.value.mapping != nil {
        let one = try YAMLFields(
          entry.value, of: "symbol", known: ["symbol", "unit", "currency"], origin: fields.origin)
        text = try one.required("symbol")
        own = try Quotation(one)
      }
      guard !text.isEmpty else { throw fields.wrong("symbols", "'\(entry.key)' wants one symbol") }
      symbols[entry.key] = try Self.template(text, "symbols", fields)
      own.unit = own.unit ?? (kind == .yahoo && quotation.unit == nil ? FuturesUnits.unit(of: text) : nil)
      quotations[entry.key] = own
      try verify(quotation(of: material).unit, of: material, text, fields)
    }
  }

  /// Checks that a symbol's unit converts into the material's unit.
  private func verify(
    _ unit: PhysicalUnit?, of material: Material, _ symbol: String, _ fields: YAMLFields
  ) throws(Failure) {
    guard let wanted = material.unit else { return }
    guard let unit else {
      guard kind == .yahoo, FuturesUnits.product(of: symbol) != nil else { return }
      throw fields.wrong(
        "symbols", "what is '\(symbol)' a price for? Write \(material.name): {symbol: \(symbol), unit: ...}")
    }
    guard PhysicalUnit(wanted)?.dimension == unit.dimension else {
      throw fields.wrong(
        "symbols", "'\(symbol)' is quoted for one \(unit), which cannot be converted into \(material.name)'s \(wanted)")
    }
  }

  private func verify(_ fields: YAMLFields) throws(Failure) {
    if let tokenHeader {
      guard token != nil else { throw fields.wrong("token-header", "there is no token to send") }
      guard !tokenHeader.isEmpty, tokenHeader.utf8.allSatisfy({ Self.isHeaderByte($0) }) else {
        throw fields.wrong("token-header", "'\(tokenHeader)' is no name of a header")
      }
    } else if token != nil, !url.uses(.token) {
      throw fields.wrong("token", "the URL has no {token} and there is no token-header: it would never be sent")
    }
    if token == nil, url.uses(.token) { throw fields.wrong("url", "it has {token}, but there is no token") }
    guard symbol != nil || !symbols.isEmpty || !url.uses(.symbol) else {
      throw fields.wrong("symbols or symbol is missing: what does it call the materials?")
    }
  }

  private static func isHeaderByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"): true
    default: false
    }
  }

  private static func url(_ fields: YAMLFields, _ kind: CommoditySourceKind) throws(Failure) -> TextTemplate {
    let text = try fields.required("url")
    guard text.hasPrefix("http://") || text.hasPrefix("https://") else {
      throw fields.wrong("url", "http:// or https:// is expected")
    }
    let rest = text.drop { $0 != "/" }.dropFirst(2)
    guard let end = rest.firstIndex(where: { $0 == "/" || $0 == "?" || $0 == "{" }) else {
      return try template(text + kind.defaultRequest, "url", fields)
    }
    guard rest[end] != "{" else { throw fields.wrong("url", "the host is written out, no {name} may stand for it") }
    return try template(rest[end...] == "/" ? text.dropLast() + kind.defaultRequest : text, "url", fields)
  }

  private static func template(
    _ text: some StringProtocol, _ name: String, _ fields: YAMLFields
  ) throws(Failure) -> TextTemplate {
    guard let template = TextTemplate(String(text)) else {
      let known = TextTemplate.Slot.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ")
      throw fields.wrong(name, "a {name} in it is none of \(known), or a brace is not closed")
    }
    // A symbol is built before the URL and must not carry a secret into the log.
    if name != "url", template.uses(.symbol) || template.uses(.token) {
      throw fields.wrong(name, "{symbol} and {token} are for the URL only")
    }
    return template
  }

  private static func tasks(_ fields: YAMLFields) throws(Failure) -> Set<IngestionTask.Kind> {
    guard let names = try fields.texts("tasks") else { return [.fetchPrice] }
    var tasks: Set<IngestionTask.Kind> = []
    for name in names {
      guard let task = IngestionTask.Kind(rawValue: name) else {
        throw fields.wrong("tasks", "'\(name)' is none of fetch_price, fetch_demand")
      }
      tasks.insert(task)
    }
    guard !tasks.isEmpty else { throw fields.wrong("tasks", "at least one is expected") }
    return tasks
  }
}

extension Quotation {
  /// `currency` and `unit` of a mapping.
  init(_ fields: YAMLFields) throws(Failure) {
    self.init(currency: try fields.text("currency"), unit: try fields.unit("unit"))
    if let currency, Currency.Written(currency) == nil {
      throw fields.wrong("currency", "'\(currency)' is no code of ISO 4217 such as EGP, nor a minor unit such as GBp")
    }
  }
}
