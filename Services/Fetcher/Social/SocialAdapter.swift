import Core
import Logging
import Markets
import Messages
import Metrics
import Sentiment
import Values

/// Posts of Reddit and X that are new or changed, and withdrawals.
///
/// Neither tells what was removed: known posts that an answer should have had, and those that were not seen for a
/// while, are asked for by their ids. Only what a source says to be gone is withdrawn.
package struct SocialAdapter: FetchAdapter {
  private let store: any HistoryStore<SocialHistory>
  private let companies: CompanyBook
  private let logger: Logger
  private let reddit = RedditReader()
  private let lost = Counter(label: "souk_fetch_posts_lost_total")
  private let unreached = Counter(label: "souk_fetch_posts_unreached_total")
  private let stale = Counter(label: "souk_fetch_cursors_stale_total")

  /// For this time after it was published, it is watched whether a post is removed.
  static let memory: Int64 = 2 * 86_400 * 1_000_000

  package init(store: any HistoryStore<SocialHistory>, names: CompanyBook = CompanyBook(.large), logger: Logger) {
    (self.store, companies, self.logger) = (store, names, logger)
  }

  static let descriptions = [
    MetricDescription(
      "souk_fetch_posts_lost_total", .counter, "Rows without an id, a text or a time, left out."),
    MetricDescription(
      "souk_fetch_posts_unreached_total", .counter,
      "Questions whose posts were not all given: too many, too old, or a limit came before the last page."),
    MetricDescription(
      "souk_fetch_cursors_stale_total", .counter,
      "Cursors that the source did not know any more; the question was asked again without them."),
  ]

  package func fetch(_ task: FetchTask, from source: SourceClient, now: Timestamp) async throws -> Fetched {
    let mentions = TickerMentions(try await companies.current())
    var fetched = Fetched()
    var kept: [String: Remembered<SocialHistory>] = [:]
    var published: Set<String> = []
    for question in try questions(of: task, source.source) {
      let name = "\(source.source.word):\(SHA256.hash("\(question) \(task.symbols)").hex.prefix(16))"
      var known = try await store.histories(of: [name])[0]
      let answer = switch source.source.kind {
      case .reddit: try await reddit.read(question, task, source, known.history, now: now)
      default: try await XReader.read(question, task, source, known.history, now: now)
      }
      lost.increment(by: answer.lost)
      stale.increment(by: answer.staleCursors)
      if !answer.isWhole {
        unreached.increment()
        logger.warning("not all posts were given", metadata: ["source": "\(source.source.name)"])
      }
      let wanted = answer.posts.filter { isWanted($0, mentions, task, source.source.kind, known.history) }
      let changes = known.history.take(
        wanted, standing: answer.standing, from: now.microseconds - Self.memory, isWhole: answer.isWhole, now: now)
      for post in changes where published.insert(post.id).inserted { fetched.add(post) }
      kept[name] = known
    }
    let store = store
    fetched.remember = { [kept] in try await store.keep(kept) }
    return fetched
  }

  package func testTask(of source: String, _ symbols: [String], now: Timestamp) -> FetchTask {
    FetchTask(kind: .social, source: source, symbols: symbols, lookback: 86_400, dueAt: now)
  }

  /// Of Reddit: subreddits. Of X: queries, of at most 512 characters.
  func questions(of task: FetchTask, _ source: DataSource) throws -> [String] {
    if source.kind == .reddit { return [source.communities.joined(separator: "+")] }
    guard !task.symbols.isEmpty else { throw FetchError(.symbolUnknown, "the task has no symbols") }
    return XReader.questions(of: task.symbols)
  }

  /// Reddit is not asked by symbol: a task that has some wants the posts that mention them.
  private func isWanted(
    _ post: SocialPost, _ mentions: TickerMentions, _ task: FetchTask, _ kind: DataSourceKind, _ known: SocialHistory
  ) -> Bool {
    guard kind == .reddit, !task.symbols.isEmpty else { return true }
    if post.withdrawn { return known.posts[post.id] != nil }
    let text = PlainText.of("\(post.title ?? "")\n\(post.text)")
    return mentions.find(in: text).contains { task.symbols.contains($0.symbol) }
  }
}

/// What a source says to one question.
struct SocialAnswer: Sendable {
  /// Each once, withdrawals among them.
  var posts: [SocialPost] = []
  /// Of those that were asked for by their ids.
  var standing: Set<String> = []
  var lost = 0
  var staleCursors = 0
  var isWhole = true
}
