import Core
import Messages
import Values

/// Why a feed does not answer a question about the past, sorted by what can be done about it.
package typealias FeedRefusal = CodedError<FeedRefusalKind>

package enum FeedRefusalKind: String, ErrorKind, CaseIterable {
  /// More requests than the plan has for now.
  case rateLimited = "feed_rate_limited"
  /// The requests of this minute, or this second, are used up.
  case minuteQuota = "feed_minute_quota"
  /// Those of this day.
  case dayQuota = "feed_day_quota"
  /// The key is wrong.
  case credentials = "feed_key_refused"
  /// The plan does not have this.
  case plan = "feed_plan_refused"
  case unknownSymbol = "feed_symbol_unknown"
  /// The question itself.
  case refused = "feed_question_refused"
  /// It is not what this provider answers.
  case unreadable = "feed_unreadable"
  /// A page leads back to one before it.
  case cyclic = "cyclic_pages"

  package var errorClass: ErrorClass {
    switch self {
    case .rateLimited, .minuteQuota, .dayQuota: .transient
    case .credentials: .configuration
    case .plan, .unknownSymbol, .refused, .unreadable, .cyclic: .data
    }
  }
}

/// Where and as whom a feed is asked about the past.
package struct FeedAccess: Sendable {
  package let feed: Feed
  /// `https://host`, without a path.
  package let base: String
  private let source: (key: Secret, secret: Secret?)

  /// - Parameters:
  ///   - base: nil for the provider's own.
  ///   - secret: Alpaca's.
  package init(_ feed: Feed, base: String? = nil, key: Secret, secret: Secret? = nil) {
    self.feed = feed
    let host = base ?? feed.historyURL
    self.base = host.hasSuffix("/") ? String(host.dropLast()) : host
    source = (key, secret)
  }

  /// A key that cannot be read any more is refused by the provider, which says so.
  private var key: String { (try? source.key.resolve()) ?? "" }
  private var secret: String { (try? source.secret?.resolve()) ?? "" }

  package var headers: [(name: String, value: String)] {
    switch feed {
    case .polygonStocks, .polygonOptions: [("Authorization", "Bearer \(key)")]
    case .alpacaStocks, .alpacaOptions: [("APCA-API-KEY-ID", key), ("APCA-API-SECRET-KEY", secret)]
    case .alphaVantage: []
    }
  }

  /// Of the query, with its `&`.
  private var suffix: String { feed == .alphaVantage ? "&apikey=" + PercentEncoding.encode(key) : "" }

  /// The address of a page. Every page is asked for at `base`, whatever host an answer names for the next one.
  package func url(of path: String) -> String { base + path + suffix }

  /// - Parameters:
  ///   - body: of an answer, for the provider's words.
  ///   - retryAfter: what it asks for.
  /// - Returns: nil for a status of success, and for those that are an outage.
  package func refusal(status: Int, body: [UInt8], retryAfter: Duration?) -> FeedRefusal? {
    let kind: FeedRefusalKind
    switch status {
    case 401: kind = .credentials
    case 402, 403: kind = .plan
    case 404: kind = .unknownSymbol
    case 429: kind = .rateLimited
    case 400, 405...407, 409...424, 426...428, 430...499: kind = .refused
    default: return nil
    }
    let words = Self.words(of: body)
    return FeedRefusal(
      kind, "the feed answers \(status)\(words.isEmpty ? "" : ": \(clean(words))")", retryAfter: retryAfter)
  }

  /// The words of a refusal without the key, which some providers repeat in them.
  func clean(_ words: String) -> String {
    var words = words
    for secret in [key, secret] where !secret.isEmpty { words = words.replacing(secret, with: "***") }
    let line = words.unicodeScalars.map { $0.value < 0x20 || 0x7f...0x9f ~= $0.value ? " " : $0 }
    return String(String.UnicodeScalarView(line.prefix(200)))
  }

  private static func words(of body: [UInt8]) -> String {
    let tree = try? JSONTree(body, limits: JSONReader.Limits())
    for name in ["message", "error"] { if case .string(let text)? = tree?[name] { return text } }
    return ""
  }
}

extension Feed {
  /// Where it is asked about the past.
  package var historyURL: String {
    switch self {
    case .polygonStocks, .polygonOptions: "https://api.massive.com"
    case .alpacaStocks, .alpacaOptions: "https://data.alpaca.markets"
    case .alphaVantage: "https://www.alphavantage.co"
    }
  }
}

/// What a feed can be asked about the past, page by page.
package protocol PastQuestion: Sendable {
  /// Canonical.
  var symbols: [String] { get }
  /// Path and query of the first page, without the key.
  var path: String { get }
  /// Path and query of a page that the answer names.
  func path(of next: String) -> String
  /// The same question about some of the symbols.
  func about(_ symbols: [String]) -> Self
}

/// Which page of an answer comes next. Pure.
package struct FeedPages<Question: PastQuestion>: Sendable {
  package let question: Question
  /// Path and query of the page to ask for; nil behind the last one.
  package private(set) var path: String?
  private var seen: Set<String> = []
  private static var most: Int { 10_000 }

  package init(_ question: Question) {
    self.question = question
    path = question.path
  }

  /// Pages read so far.
  package var count: Int { seen.count }

  /// A page was read. An empty page may have a next one.
  /// - Parameter next: what it says of the next one.
  /// - Throws: `cyclic_pages` when the next one was read before.
  package mutating func follow(_ next: String?) throws(FeedRefusal) {
    if let path { seen.insert(path) }
    path = next.map { question.path(of: $0) }
    guard let path else { return }
    guard !seen.contains(path), seen.count < Self.most else {
      throw FeedRefusal(.cyclic, "the pages of the answer lead back to themselves")
    }
  }

  /// Asks for all pages of a question, and for one symbol after another when the feed refuses a list for one of them.
  /// - Parameters:
  ///   - ask: gives the body of a page; called once for each request.
  ///   - read: reads one, gives what it says of the next.
  ///   - waits: called before another try; throws to give up.
  /// - Returns: the pages that were read, and by symbol why the feed does not have it.
  /// - Throws: errors of class `configuration` and `fatal`, and what `waits` throws.
  package static func read(
    _ question: Question, ask: (_ path: String) async throws -> [UInt8],
    read: (_ page: [UInt8], _ question: Question, _ knownNs: Int64) throws -> String?,
    waits: (FailedAttempt) async throws -> Void
  ) async throws -> (pages: Int, refused: [String: any ClassifiedError]) {
    var pages = FeedPages(question)
    do {
      while let path = pages.path {
        let next = try await Backoff(base: .milliseconds(500), cap: .seconds(30)).retry {
          let asked = WallClock.microseconds() * 1_000
          let body = try await ask(path)
          do {
            return try read(body, question, asked)
          } catch let failure as DecodingFailure {
            throw FeedRefusal(.unreadable, "the answer cannot be read: \(failure)")
          }
        } pause: { try await waits($0) }
        try pages.follow(next)
      }
      return (pages.count, [:])
    } catch let error as any ClassifiedError where error.errorClass == .data {
      let kind = (error as? FeedRefusal)?.kind
      guard pages.count == 0, question.symbols.count > 1, kind == .refused || kind == .unknownSymbol else {
        return (pages.count, Dictionary(uniqueKeysWithValues: question.symbols.map { ($0, error) }))
      }
      var result = (pages: 1, refused: [String: any ClassifiedError]())
      let middle = question.symbols.count / 2
      for half in [question.symbols[..<middle], question.symbols[middle...]] {
        let found = try await Self.read(question.about(Array(half)), ask: ask, read: read, waits: waits)
        result.pages += found.pages
        result.refused.merge(found.refused) { first, _ in first }
      }
      return result
    }
  }
}

/// Reads the pages of answers about the past, of any feed. Reuse one for many pages.
package struct HistoryDecoder: ~Copyable {
  private let feed: Feed
  private var polygon: PolygonDecoder
  private var alpaca: AlpacaDecoder
  private var alphaVantage: AlphaVantageDecoder

  /// - Parameter maxSkew: how much later than now an event may say it is.
  package init(_ feed: Feed, maxSkew: Duration = .seconds(60)) {
    self.feed = feed
    polygon = PolygonDecoder(feed, maxSkew: maxSkew)
    alpaca = AlpacaDecoder(feed, maxSkew: maxSkew)
    alphaVantage = AlphaVantageDecoder(maxSkewNs: maxSkew.nanoseconds)
  }

  /// Gives the rows of each symbol, the earliest first.
  /// - Parameter knownNs: when the page was asked for.
  /// - Returns: what the page says of the next one, for ``FeedPages/follow(_:)``; nil behind the last one.
  /// - Throws: `DecodingFailure` when it is no such page, `FeedRefusal` for a message in its place; a row that cannot
  ///   be read is refused alone.
  package mutating func page<Visitor: FeedVisitor>(
    _ page: RawSpan, of question: FeedQuestion, knownNs: Int64, to visitor: inout Visitor
  ) throws -> String? {
    switch feed {
    case .polygonStocks, .polygonOptions:
      return try polygon.page(page, of: question, knownNs: knownNs, to: &visitor)
    case .alpacaStocks, .alpacaOptions:
      return try alpaca.page(page, of: question, knownNs: knownNs, to: &visitor)
    case .alphaVantage:
      try alphaVantage.page(page, of: question, knownNs: knownNs, to: &visitor)
      return nil
    }
  }
}
