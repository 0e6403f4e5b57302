import Core
import HTTP
import Logging
import Markets
import Messages
import Metrics
import Sentiment
import Values

/// News of NewsAPI: the articles about some companies that are new or changed, and withdrawals.
///
/// There is no cursor, and articles appear late: each task asks again about the time before the newest article. What is
/// known is not published again. A plan that gives one page only is asked on by time: the next question ends where the
/// page ends.
package struct NewsAdapter: FetchAdapter {
  private let store: any HistoryStore<NewsHistory>
  private let companies: CompanyBook
  private let logger: Logger
  private let lost = Counter(label: "souk_fetch_news_lost_total")
  private let unknown = Counter(label: "souk_fetch_news_removed_unknown_total")
  private let unreached = Counter(label: "souk_fetch_news_unreached_total")

  /// How far before the newest article a task asks, unless it says so.
  static let lookback: Int64 = 6 * 3_600
  static let rows = 100
  /// Requests for one question.
  static let most = 50

  package init(store: any HistoryStore<NewsHistory>, names: CompanyBook = CompanyBook(.large), logger: Logger) {
    (self.store, companies, self.logger) = (store, names, logger)
  }

  static let descriptions = [
    MetricDescription(
      "souk_fetch_news_lost_total", .counter, "Rows without an address, a title or a time, left out."),
    MetricDescription(
      "souk_fetch_news_removed_unknown_total", .counter,
      "Removed rows of which it is not known which article they were: nothing is withdrawn for them."),
    MetricDescription(
      "souk_fetch_news_unreached_total", .counter,
      "Questions whose articles were not all given: the plan has no further pages, or too many have one time."),
  ]

  package func fetch(_ task: FetchTask, from source: SourceClient, now: Timestamp) async throws -> Fetched {
    guard !task.symbols.isEmpty else { throw FetchError(.symbolUnknown, "the task has no symbols") }
    let questions = Self.questions(of: task.symbols, try await companies.current())
    let names = questions.map { "\(source.source.word):\(SHA256.hash($0).hex.prefix(16))" }
    var histories = try await store.histories(of: names)
    var fetched = Fetched()
    // An article about two companies may be an answer to two questions.
    var published: Set<String> = []
    for (index, question) in questions.enumerated() {
      let before = task.lookback ?? Self.lookback
      let due = (task.dueAt ?? now).microseconds
      let start = min(histories[index].history.newest ?? due, due) - before * 1_000_000
      guard let from = Timestamp(microseconds: start / 1_000_000 * 1_000_000) else {
        throw FetchError(.requestRefused, "the task asks about a time that is none")
      }
      let answer = try await pages(question, from: from, task, source, now: now)
      if !answer.isWhole {
        unreached.increment()
        logger.warning("not all articles were given", metadata: ["source": "\(source.source.name)"])
      }
      lost.increment(by: answer.lost)
      let changes = histories[index].history.take(
        answer.articles, removed: answer.removed, from: from, isWhole: answer.isWhole, source: source.source.word,
        knownAt: now)
      unknown.increment(by: changes.unknown)
      for article in changes.articles where published.insert("\(article.id) \(article.withdrawn)").inserted {
        fetched.add(article)
      }
    }
    let (store, kept) = (store, Dictionary(zip(names, histories), uniquingKeysWith: { first, _ in first }))
    fetched.remember = { try await store.keep(kept) }
    return fetched
  }

  package func testTask(of source: String, _ symbols: [String], now: Timestamp) -> FetchTask {
    FetchTask(kind: .news, source: source, symbols: symbols, lookback: 86_400, dueAt: now)
  }

  // MARK: Questions

  /// The companies' names with OR between them, at most 500 characters each.
  static func questions(of symbols: [String], _ names: CompanyNames) -> [String] {
    var questions: [String] = []
    for symbol in symbols {
      let word = "\"\(names.name(of: symbol) ?? symbol)\""
      if let last = questions.last, last.count + 4 + word.count <= 500 {
        questions[questions.count - 1] = last + " OR " + word
      } else {
        questions.append(word)
      }
    }
    return questions
  }

  private struct Answer {
    var articles: [NewsArticle] = []
    var removed: [Timestamp] = []
    var lost = 0
    var isWhole = true
  }

  private func pages(
    _ question: String, from: Timestamp, _ task: FetchTask, _ source: SourceClient, now: Timestamp
  ) async throws -> Answer {
    var answer = Answer()
    var (number, until, rows) = (1, Timestamp?.none, 0)
    var seen: Set<String> = []
    for _ in 0..<Self.most {
      let page = try await page(question, from: from, until: until, number, task, source, now: now)
      if page.isBeyondPlan {
        // The last page of the plan: go on by time, from its earliest article on.
        guard number > 1, let earliest = answer.articles.map(\.publishedAt.microseconds).min(),
          until.map({ earliest < $0.microseconds }) ?? true
        else {
          answer.isWhole = false
          return answer
        }
        (number, until, rows) = (1, Timestamp(microseconds: earliest), 0)
        continue
      }
      let new = page.articles.filter { seen.insert($0.id).inserted }
      // The same page again: the provider would give it for ever.
      if number > 1, page.rows > 0, new.isEmpty, page.removed.isEmpty {
        answer.isWhole = false
        return answer
      }
      answer.articles += new
      // The rows where one question ends and the next begins are in both.
      answer.removed += page.removed.filter { $0 != until }
      answer.lost += page.lost
      rows += page.rows
      if page.rows == 0 || rows >= page.total { return answer }
      number += 1
    }
    answer.isWhole = false
    return answer
  }

  private func page(
    _ question: String, from: Timestamp, until: Timestamp?, _ number: Int, _ task: FetchTask, _ source: SourceClient,
    now: Timestamp
  ) async throws -> NewsPage {
    var query = "q=\(PercentEncoding.encode(question))&language=en&sortBy=publishedAt&pageSize=\(Self.rows)"
    query += "&page=\(number)&from=\(Self.parameter(from))"
    if let until { query += "&to=\(Self.parameter(until))" }
    let url = "\(source.source.url ?? "https://newsapi.org")/v2/everything?\(query)"
    let name = source.source.word
    return try await source.get(url, headers: ["X-Api-Key": source.key], for: task) { response in
      try NewsPage(response, source: name, language: "en", jobID: task.jobID, knownAt: now)
    }
  }

  /// In UTC, whole seconds.
  private static func parameter(_ time: Timestamp) -> String {
    PercentEncoding.encode(String(RFC3339.text(ns: time.microseconds * 1_000, digits: 0).dropLast()))
  }
}

/// A page of NewsAPI's `/v2/everything`.
struct NewsPage: Sendable {
  /// Of all pages of the question.
  var total = 0
  var articles: [NewsArticle] = []
  /// Times at which an article was published that is withdrawn; the page says nothing else of it.
  var removed: [Timestamp] = []
  /// Rows without an address, a title or a time.
  var lost = 0
  /// The plan ends here: it has no further pages, or no such old articles.
  var isBeyondPlan = false

  var rows: Int { articles.count + removed.count + lost }

  /// - Throws: `FetchError` for a message in the place of a page, whatever its status; `HTTPError` for a server that
  ///   gives none.
  init(_ response: HTTPResponse, source: String, language: String?, jobID: String?, knownAt: Timestamp) throws {
    let tree = try response.tree()
    if tree["status"]?.text != "ok" {
      let code = tree["code"]?.text ?? ""
      if response.status == 426 || Self.endsOfPlan.contains(code) {
        isBeyondPlan = true
        return
      }
      throw Self.failure(code, tree["message"]?.text ?? "", response)
    }
    try response.head.requireSuccess()
    total = Int(tree["totalResults"]?.integer ?? 0)
    for row in tree["articles"]?.items ?? [] {
      let (title, url) = (row["title"]?.text ?? "", row["url"]?.text ?? "")
      guard let time = row["publishedAt"]?.text.flatMap({ Timestamp($0) }) else {
        lost += 1
        continue
      }
      if title == "[Removed]" || url.hasSuffix("://removed.com") {
        removed.append(time)
        continue
      }
      guard !title.isEmpty, let address = CanonicalURL.of(url) else {
        lost += 1
        continue
      }
      articles.append(NewsArticle(
        source: source, id: String(SHA256.hash(address).hex.prefix(32)), outlet: row["source"]?["name"]?.text ?? "",
        url: address, title: title, description: row["description"]?.text.flatMap { $0.isEmpty ? nil : $0 },
        author: row["author"]?.text, language: language, publishedAt: time, knownAt: knownAt, jobID: jobID))
    }
  }

  private static let endsOfPlan: Set<String> = ["maximumResultsReached"]

  /// Source: newsapi.org/docs/errors.
  private static func failure(_ code: String, _ message: String, _ response: HTTPResponse) -> any Error {
    let delay = response.headers["retry-after"].flatMap { RetryAfter.delay($0) }
    let text = "\(code): \(message.prefix(200))"
    switch code {
    case "rateLimited": return FetchError(.rateLimited, text, retryAfter: delay)
    case "apiKeyExhausted": return FetchError(.dayQuotaSpent, text, retryAfter: delay)
    case "apiKeyInvalid", "apiKeyMissing", "apiKeyDisabled": return FetchError(.refused, text)
    case "parameterInvalid", "parametersMissing", "sourcesTooMany", "sourceDoesNotExist":
      return FetchError(.requestRefused, text)
    default:
      do { try response.head.requireSuccess() } catch { return error }
      return FetchError(.unrecognised, text)
    }
  }
}

/// What was published of the recent articles of one question, as one text: the time of the newest article, then a line
/// for each article with its id, its time and a digest of what it says.
package struct NewsHistory: Hashable, Sendable {
  struct Known: Hashable, Sendable {
    var publishedAt: Int64
    var digest: String
  }

  /// Microseconds since 1970 of the newest article that was ever seen; nil before the first.
  var newest: Int64?
  var articles: [String: Known] = [:]

  package init() {}

  /// - Returns: nil for a text of another form: what it remembered is published again.
  package init?(_ text: String) {
    var lines = text.split(separator: "\n")[...]
    guard let first = lines.popFirst(), let newest = Int64(first) else { return nil }
    self.newest = newest == 0 ? nil : newest
    for line in lines {
      let words = line.split(separator: " ")
      guard words.count == 3, let time = Int64(words[1]) else { return nil }
      articles[String(words[0])] = Known(publishedAt: time, digest: String(words[2]))
    }
  }

  package var text: String {
    let lines = articles.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.publishedAt) \($0.value.digest)" }
    return (["\(newest ?? 0)"] + lines).joined(separator: "\n")
  }

  // MARK: Deciding

  struct Changes: Sendable {
    /// New and changed articles, and withdrawals.
    var articles: [NewsArticle] = []
    /// Removed rows of which it is not known which article they were.
    var unknown = 0
  }

  /// - Parameters:
  ///   - from: the earliest time that was asked about; what is older is forgotten.
  ///   - isWhole: the pages are all that the provider has since `from`: what is missing in them is gone.
  mutating func take(
    _ found: [NewsArticle], removed: [Timestamp], from: Timestamp, isWhole: Bool, source: String, knownAt: Timestamp
  ) -> Changes {
    var changes = Changes()
    var seen: Set<String> = []
    for article in found where seen.insert(article.id).inserted {
      let state = Known(publishedAt: article.publishedAt.microseconds, digest: Self.digest(article))
      if articles[article.id] != state { changes.articles.append(article) }
      articles[article.id] = state
      newest = max(newest ?? .min, state.publishedAt)
    }
    // A removed row has nothing but its time: it is the article of that time that is missing, if there is no doubt.
    for (time, rows) in Dictionary(grouping: removed, by: \.microseconds).sorted(by: { $0.key < $1.key }) {
      newest = max(newest ?? .min, time)
      let missing = articles.filter { $0.value.publishedAt == time && !seen.contains($0.key) }.keys.sorted()
      guard isWhole, !missing.isEmpty, missing.count <= rows.count else {
        changes.unknown += rows.count
        continue
      }
      changes.unknown += rows.count - missing.count
      for id in missing {
        articles[id] = nil
        changes.articles.append(NewsArticle(
          source: source, id: id, outlet: "", url: "", title: "", publishedAt: Timestamp(microseconds: time) ?? knownAt,
          knownAt: knownAt, withdrawn: true))
      }
    }
    articles = articles.filter { $0.value.publishedAt >= from.microseconds }
    return changes
  }

  private static func digest(_ article: NewsArticle) -> String {
    String(SHA256.hash("\(article.title)\n\(article.description ?? "")\n\(article.outlet)").hex.prefix(16))
  }
}
