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

/// What was published of the recent posts of one question, as one text: the time of the newest post, then a line for
/// each with its id, its time, when it was seen last, and a digest of what it says (`-`: it is withdrawn).
package struct SocialHistory: Hashable, Sendable {
  struct Known: Hashable, Sendable {
    var publishedAt: Int64
    var seenAt: Int64
    var digest: String

    var isWithdrawn: Bool { digest == "-" }
  }

  /// Microseconds since 1970 of the newest post up to which all were read; nil before the first.
  var newest: Int64?
  var posts: [String: Known] = [:]

  /// More are not remembered: of the oldest it is not noticed any more when they are removed.
  static let most = 5_000

  package init() {}

  /// - Returns: nil for a text of another form: what it remembered is published again.
  package init?(_ text: String) {
    var lines = text.split(separator: "\n")[...]
    guard let first = lines.popFirst(), let newest = Int64(first) else { return nil }
    self.newest = newest == 0 ? nil : newest
    for line in lines {
      let words = line.split(separator: " ")
      guard words.count == 4, let time = Int64(words[1]), let seen = Int64(words[2]) else { return nil }
      posts[String(words[0])] = Known(publishedAt: time, seenAt: seen, digest: String(words[3]))
    }
  }

  package var text: String {
    let lines = posts.sorted { $0.key < $1.key }.map {
      "\($0.key) \($0.value.publishedAt) \($0.value.seenAt) \($0.value.digest)"
    }
    return (["\(newest ?? 0)"] + lines).joined(separator: "\n")
  }

  /// The posts of which it has to be asked whether they still stand: first those that an answer should have had, then
  /// those that were not seen for the longest time.
  /// - Parameters:
  ///   - seen: in the answer of now.
  ///   - covered: the earliest time of which that answer has everything; nil: of none.
  ///   - age: those that were seen within this time are left out.
  func doubtful(_ seen: Set<String>, covered: Int64?, age: Duration, now: Int64, most: Int) -> [String] {
    let age = Int64(age / .microseconds(1))
    let others = posts.filter { !$0.value.isWithdrawn && !seen.contains($0.key) }
    let missing = others.filter { post in covered.map { post.value.publishedAt >= $0 } ?? false }
    let old = others.filter { missing[$0.key] == nil && $0.value.seenAt <= now - age }
    let order: ((key: String, value: Known), (key: String, value: Known)) -> Bool = {
      ($0.value.seenAt, $0.key) < ($1.value.seenAt, $1.key)
    }
    return (missing.sorted(by: order) + old.sorted(by: order)).prefix(most).map(\.key)
  }

  /// - Parameters:
  ///   - found: as published, and withdrawals.
  ///   - standing: ids of which it was said that they still stand.
  ///   - from: what was published before is forgotten, in microseconds.
  ///   - isWhole: there is no post before the newest one that was not read.
  /// - Returns: new and changed posts, and withdrawals, each once.
  mutating func take(
    _ found: [SocialPost], standing: Set<String>, from: Int64, isWhole: Bool, now: Timestamp
  ) -> [SocialPost] {
    var changes: [SocialPost] = []
    var latest = newest ?? .min
    for post in found {
      let digest = post.withdrawn ? "-" : Self.digest(post)
      let known = posts[post.id]
      // A page may be older than what is known: what was withdrawn comes back only with another text.
      if known?.digest != digest { changes.append(post) }
      posts[post.id] = Known(publishedAt: post.publishedAt.microseconds, seenAt: now.microseconds, digest: digest)
      latest = max(latest, min(post.publishedAt.microseconds, now.microseconds))
    }
    for id in standing { posts[id]?.seenAt = now.microseconds }
    if isWhole, latest > .min { newest = latest }
    posts = posts.filter { $0.value.publishedAt >= from }
    if posts.count > Self.most {
      for (id, _) in posts.sorted(by: { ($0.value.publishedAt, $0.key) < ($1.value.publishedAt, $1.key) })
        .prefix(posts.count - Self.most) { posts[id] = nil }
    }
    return changes
  }

  private static func digest(_ post: SocialPost) -> String {
    String(SHA256.hash("\(post.title ?? "")\n\(post.text)\n\(post.link ?? "")").hex.prefix(16))
  }
}
