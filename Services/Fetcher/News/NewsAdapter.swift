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
    query += "&page=\(number)&from=\(PercentEncoding.encode(Self.text(from)))"
    if let until { query += "&to=\(PercentEncoding.encode(Self.text(until)))" }
    let url = "\(source.source.url ?? "https://newsapi.org")/v2/everything?\(query)"
    let name = source.source.word
    return try await source.get(url, headers: ["X-Api-Key": source.key], for: task) { response in
      try NewsPage(response, source: name, language: "en", jobID: task.jobID, knownAt: now)
    }
  }

  private static func text(_ time: Timestamp) -> String {
    let civil = time.civil
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(civil.year)-\(two(civil.month))-\(two(civil.day))T\(two(civil.hour)):\(two(civil.minute)):"
      + "\(two(civil.second))"
  }
}
