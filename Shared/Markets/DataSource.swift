import Core
import Feeds
import StrictYAML
import Values

/// A provider of market data and the account that is used there: one entry of `data_sources.yaml`.
package struct DataSource: Hashable, Sendable {
  /// As tasks and schedules name it.
  package var name: String
  package var kind: DataSourceKind
  /// Scheme and host, with no path; nil: the provider's.
  package var url: String?
  package var key: Secret?
  /// Of providers whose keys have two parts.
  package var secret: Secret?
  /// Shared by all replicas and by every kind of task.
  package var limits: RateLimits
  package var exhausted: ExhaustedRule
  /// Requests in flight at once, in each process.
  package var concurrency: Int
  /// Limit for one request.
  package var timeout: Duration
  /// Of Reddit: the subreddits whose posts are collected.
  package var communities: [String] = []
  /// Who asks, sent with each request; some providers refuse requests without it.
  package var userAgent: Secret?
  /// Posts that may be read in a calendar month of UTC, by all replicas together; nil: as many as there are.
  package var monthlyReads: Int?
  /// A post that was not seen for so long is asked for by its id, to notice that it was removed; nil: as the kind does.
  package var recheck: Duration?
  /// Of files: a folder of transcripts, and a list of their addresses.
  package var folder: String?
  package var list: String?
  /// It is one that the program brings along: without its key it is only not used.
  package var isEmbedded = false

  /// Where its key is, for people.
  package var keyNames: String { [key, secret, userAgent].compactMap { $0?.description }.joined(separator: ", ") }

  /// EDGAR wants to know whom to write to, and refuses who does not say it.
  /// - Throws: a configuration `Failure` that says what is wrong with it.
  package func verify(userAgent: String?) throws(Failure) {
    guard kind == .edgar else { return }
    let address = (userAgent ?? "").split(separator: " ").first { word in
      let parts = word.split(separator: "@", omittingEmptySubsequences: false)
      return parts.count == 2 && !parts[0].isEmpty && parts[1].contains(".") && !parts[1].hasPrefix(".")
    }
    guard let address, let userAgent, userAgent.contains(" "), !address.lowercased().hasPrefix("noreply") else {
      throw Failure(
        .configuration, code: "no_contact",
        "the user-agent of source '\(name)' names no one to write to: EDGAR wants 'Company name admin@domain'")
    }
  }

  /// The source's name in metrics and Redis keys: equal names are one account, of commodities too.
  package var word: String { RoutingKey.word(for: name) ?? "source" }
}

/// A provider's interface.
package enum DataSourceKind: String, CaseIterable, Hashable, Sendable {
  case alpaca, polygon
  case alphaVantage = "alpha-vantage"
  case newsapi, reddit, x, edgar, fmp
  /// Files of a folder and addresses of a list, which a person names.
  case files

  /// What it can be asked for.
  package var tasks: Set<FetchKind> {
    switch self {
    case .alpaca, .polygon: [.bars, .chains]
    case .alphaVantage: [.bars, .transcripts]
    case .newsapi: [.news]
    case .reddit, .x: [.social]
    case .edgar: [.filings]
    case .fmp, .files: [.transcripts]
    }
  }

  /// Symbols of one task, which is one request unless its answer has several pages; nil: all of them.
  package func symbolsAtOnce(_ task: FetchKind) -> Int? {
    switch (self, task) {
    case (.alpaca, .bars), (.polygon, .bars), (.alphaVantage, .bars): feed?.symbolsAtOnce
    case (_, .chains): 1
    // The names of so many companies are a question of 500 characters, as a rule.
    case (.newsapi, .news): 20
    // So many cashtags are a question of 512 characters.
    case (.x, .social): 40
    // A request for each quarter of a symbol.
    case (.alphaVantage, .transcripts), (.fmp, .transcripts): 1
    default: nil
    }
  }

  /// As bars of it are marked.
  package var feed: Feed? {
    switch self {
    case .alpaca: .alpacaStocks
    case .polygon: .polygonStocks
    case .alphaVantage: .alphaVantage
    case .newsapi, .reddit, .x, .edgar, .fmp, .files: nil
    }
  }

  /// As chains of options of it are marked.
  package var optionFeed: Feed? {
    switch self {
    case .alpaca: .alpacaOptions
    case .polygon: .polygonOptions
    case .alphaVantage, .newsapi, .reddit, .x, .edgar, .fmp, .files: nil
    }
  }

  /// The provider refuses requests that do not say who asks.
  package var needsUserAgent: Bool { self == .reddit || self == .edgar }

  /// EDGAR gives no keys: who asks is all that it wants to know.
  package var hasKey: Bool { self != .edgar && self != .files }

  /// The key has a second part.
  package var hasSecret: Bool { self == .alpaca || self == .reddit }
}

/// What becomes of a task when the provider's day has no request for it.
package enum ExhaustedRule: String, CaseIterable, Hashable, Sendable {
  /// It is left out, and counted.
  case skip
  /// It waits for the provider's next day, unless its deadline comes before.
  case wait
}

/// As YAML:
///
///     sources:
///       - name: alpha-vantage
///         kind: alpha-vantage      # alpaca | polygon | alpha-vantage | newsapi | reddit | x | edgar | fmp | files
///         key: env:ALPHAVANTAGE_API_KEY   # or file:/path; never the key itself. Alpaca, Reddit: a secret, too
///         rate: [1/s, 25/d]        # all that the plan allows, for all replicas together
///         zone: America/New_York   # where a day of the rate begins; else UTC
///         when-exhausted: skip     # skip | wait
///         url: https://host        # else the provider's
///         concurrency: 4
///         timeout: 10s
///         user-agent: "linux:my.app:1.0 (by /u/name)"   # or env:NAME; Reddit and EDGAR want it
///         communities: [stocks]    # of Reddit: its subreddits
///         monthly-reads: 10000     # posts in a calendar month that the plan allows
///         folder: /transcripts     # of files: AAPL-2025Q4.json, .html, .txt
///         list: /path              # of files: lines of a symbol, a quarter and an address
///         recheck: 6h              # posts not seen for so long are asked for: are they removed?
extension DataSource {
  static let keys = [
    "name", "kind", "url", "key", "secret", "when-exhausted", "concurrency", "timeout",
    "user-agent", "communities", "monthly-reads", "recheck",
    "folder", "list",
  ] + YAMLFields.limitKeys

  /// - Throws: a configuration `Failure` with the line and what is wrong there.
  init(_ value: YAMLValue, origin: String) throws(Failure) {
    let fields = try YAMLFields(value, of: "source", known: Self.keys, origin: origin)
    let name = try fields.required("name")
    guard RoutingKey.word(for: name) != nil, !name.contains("/") else {
      throw fields.wrong("name", "it has no letters or digits of ASCII, more than 63 of them, or a /")
    }
    guard let kind = try fields.choice("kind", as: DataSourceKind.self) else { throw fields.wrong("kind is missing") }
    let url = try fields.text("url")
    if let url {
      let host = url.hasPrefix("http://") ? url.dropFirst(7) : url.hasPrefix("https://") ? url.dropFirst(8) : ""
      guard !host.isEmpty, !host.dropLast(host.hasSuffix("/") ? 1 : 0).contains("/") else {
        throw fields.wrong("url", "http://host or https://host is expected, without a path")
      }
    }
    let (key, secret) = (try fields.secret("key"), try fields.secret("secret"))
    guard (key != nil) == kind.hasKey else {
      throw kind.hasKey
        ? fields.wrong("key is missing: env:NAME or file:/path")
        : fields.wrong("key", "\(kind.rawValue) gives no keys")
    }
    guard (secret != nil) == kind.hasSecret else {
      throw kind.hasSecret
        ? fields.wrong("secret is missing: a key of \(kind.rawValue) has two parts")
        : fields.wrong("secret", "a key of \(kind.rawValue) has no second part")
    }
    let timeout = try fields.duration("timeout") ?? .seconds(10)
    guard timeout >= .milliseconds(1) else { throw fields.wrong("timeout", "more than 0 is expected") }
    self.init(
      name: name, kind: kind, url: url.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }, key: key,
      secret: secret, limits: try fields.limits(),
      exhausted: try fields.choice("when-exhausted", as: ExhaustedRule.self) ?? .skip,
      concurrency: try fields.count("concurrency", in: 1...1_000) ?? 8, timeout: timeout)
    userAgent = try fields.text("user-agent").map { Secret($0) }
    if userAgent == nil, kind.needsUserAgent {
      throw fields.wrong("user-agent is missing: \(kind.rawValue) refuses requests that do not say who asks")
    }
    // In any second as many as the burst and those that it fills up.
    let isSlow = limits.limits.contains { limit in
      !limit.isDaily && Double(limit.count) / (limit.interval / .seconds(1)) + Double(limit.burst) <= 10
    }
    if kind == .edgar, !isSlow {
      throw fields.wrong("rate", "EDGAR refuses an address with more than ten requests in a second: 8/s, burst: 2")
    }
    communities = try fields.texts("communities") ?? []
    guard communities.isEmpty == (kind != .reddit) else {
      throw fields.wrong("communities", kind == .reddit ? "a list of subreddits is expected" : "it is for reddit only")
    }
    for name in communities where !RoutingKey.isWord(Array(name.lowercased().utf8)) {
      throw fields.wrong("communities", "'\(name)' is no name of a subreddit, such as stocks")
    }
    (folder, list) = (try fields.text("folder"), try fields.text("list"))
    guard (folder == nil && list == nil) == (kind != .files) else {
      throw fields.wrong("folder", kind == .files ? "a folder or a list is expected" : "it is for files only")
    }
    recheck = try fields.duration("recheck")
    monthlyReads = try fields.count("monthly-reads", in: 100...1_000_000_000)
  }
}
