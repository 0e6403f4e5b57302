import Core
import HTTP
import Markets
import Messages
import Sentiment
import Synchronization
import Values

/// New posts of subreddits, by the interface of Reddit for applications.
///
/// Pages are followed until one has nothing that is new. A page's order is not trusted, since old posts appear in it,
/// and neither is its cursor: it names a post, and after one that was removed comes nothing.
final class RedditReader: Sendable {
  private struct Token: Sendable {
    var text: String
    var endsAt: ContinuousClock.Instant
  }
  private let tokens = Mutex<[String: Token]>([:])

  static let rows = 100
  /// A listing is about a thousand posts deep.
  static let pages = 12
  /// How far before the newest known post a task asks, in seconds.
  static let lookback: Int64 = 6 * 3_600
  /// Posts that were not seen for so long are asked for, unless the source says otherwise.
  static let recheck = Duration.seconds(600)

  func read(
    _ communities: String, _ task: FetchTask, _ source: SourceClient, _ history: SocialHistory, now: Timestamp
  ) async throws -> SocialAnswer {
    let due = (task.dueAt ?? now).microseconds
    let from = min(history.newest ?? due, due) - (task.lookback ?? Self.lookback) * 1_000_000
    var answer = SocialAnswer()
    var (trail, seen): ([String], Set<String>) = ([], [])
    var after: String?
    var wasFull = false
    for number in 1...Self.pages {
      var path = "/r/\(communities)/new?limit=\(Self.rows)&raw_json=1"
      if let after { path += "&after=\(after)" }
      let page: RedditPage
      do {
        page = try await get(path, task, source, now: now)
      } catch let error as FetchError where !seen.isEmpty && (error.kind.isRateLimit || error.kind == .budgetSpent) {
        // What was read is published, and the next task asks again about all of it.
        answer.isWhole = false
        break
      }
      if page.rows == 0, wasFull, answer.staleCursors < 3, trail.count > 1 {
        trail.removeLast()
        after = trail.last
        answer.staleCursors += 1
        continue
      }
      let fresh = page.posts.filter { post in
        seen.insert(post.id).inserted && post.publishedAt.microseconds >= from
      }
      answer.posts += fresh
      answer.lost += page.lost
      trail += page.posts.map(\.id)
      wasFull = page.rows >= Self.rows
      // Below a known post everything is known, unless the pages below it could not be read then.
      let isKnown = fresh.allSatisfy { post in
        history.posts[post.id] != nil && post.publishedAt.microseconds <= history.newest ?? .min
      }
      guard !isKnown, let next = page.after else { break }
      after = next
      if number == Self.pages { answer.isWhole = false }
    }
    try await ask(about: history, &answer, task, source, now: now)
    return answer
  }

  /// One request for the posts that may be gone.
  private func ask(
    about history: SocialHistory, _ answer: inout SocialAnswer, _ task: FetchTask, _ source: SourceClient,
    now: Timestamp
  ) async throws {
    let covered = answer.isWhole ? answer.posts.map(\.publishedAt.microseconds).min() : nil
    let doubtful = history.doubtful(
      Set(answer.posts.map(\.id)), covered: covered, age: source.source.recheck ?? Self.recheck,
      now: now.microseconds, most: 100)
    guard !doubtful.isEmpty else { return }
    let page: RedditPage
    do {
      page = try await get("/api/info?raw_json=1&id=\(doubtful.joined(separator: ","))", task, source, now: now)
    } catch let error as FetchError where error.kind.isRateLimit || error.kind == .budgetSpent {
      // The next task asks.
      return
    }
    let asked = Set(doubtful)
    for post in page.posts where asked.contains(post.id) {
      if post.withdrawn { answer.posts.append(post) } else { answer.standing.insert(post.id) }
    }
  }

  private func get(
    _ path: String, _ task: FetchTask, _ source: SourceClient, now: Timestamp
  ) async throws -> RedditPage {
    let base = source.source.url ?? "https://oauth.reddit.com"
    for attempt in 1...2 {
      let token = try await token(task, source)
      do {
        let (page, pause) = try await source.get(
          base + path, headers: ["Authorization": "bearer \(token)"], for: task
        ) { response in
          (try RedditPage(response, source: source.source.word, jobID: task.jobID, knownAt: now),
           RateHeaders.pause(response.headers, now: now))
        }
        try await source.pause(pause)
        return page
      } catch let error as FetchError where error.kind == .tokenEnded && attempt == 1 {
        tokens.withLock { $0[source.source.name] = nil }
      }
    }
    throw FetchError(.refused, "a new token is refused, too")
  }

  /// Tokens are valid for an hour.
  private func token(_ task: FetchTask, _ source: SourceClient) async throws -> String {
    let name = source.source.name
    if let token = tokens.withLock({ $0[name] }), token.endsAt > .now { return token.text }
    let base = source.source.url ?? "https://www.reddit.com"
    let login = Base64.encode(Array("\(source.key):\(source.secret ?? "")".utf8))
    let request = HTTPRequest.form(
      try HTTPURL(base + "/api/v1/access_token"), [("grant_type", "client_credentials")],
      headers: ["Authorization": "Basic \(login)"], limits: source.limits)
    let token = try await source.send(request, for: task) { response in
      if response.status == 401 || response.status == 403 {
        throw FetchError(.refused, "no token is given for this client id and secret")
      }
      let tree = try RedditPage.tree(response)
      guard let text = tree["access_token"]?.text else {
        throw FetchError(.refused, "no token: \((tree["error"]?.text ?? "").prefix(200))")
      }
      // A minute less: a request that is under way when it ends would be refused.
      let life = tree["expires_in"]?.text.flatMap { Int($0) } ?? 3_600
      return Token(text: text, endsAt: .now + .seconds(max(1, life - 60)))
    }
    tokens.withLock { $0[name] = token }
    return token.text
  }
}

/// A listing of Reddit.
struct RedditPage: Sendable {
  /// Withdrawals for those that are removed.
  var posts: [SocialPost] = []
  var lost = 0
  /// The cursor of the next page.
  var after: String?

  var rows: Int { posts.count + lost }

  /// - Throws: `FetchError` for a message in the place of a listing, whatever its status; `HTTPError`.
  init(_ response: HTTPResponse, source: String, jobID: String?, knownAt: Timestamp) throws {
    if response.status == 401 { throw FetchError(.tokenEnded, "the token is refused") }
    let tree = try Self.tree(response)
    guard tree["kind"]?.text == "Listing", let data = tree["data"], let children = data["children"]?.items else {
      throw FetchError(.unrecognised, "the answer is no listing")
    }
    after = data["after"]?.text
    for child in children {
      guard child["kind"]?.text == "t3" else { continue }
      if let post = child["data"].flatMap({ Self.post($0, source, jobID, knownAt) }) {
        posts.append(post)
      } else {
        lost += 1
      }
    }
  }

  /// - Throws: what a message in the place of an answer means, with status 200, too.
  static func tree(_ response: HTTPResponse) throws -> JSONTree {
    let tree: JSONTree
    do { tree = try response.tree() } catch { throw response.status == 429 ? limit(response) : error }
    let code = tree["error"]?.text.flatMap { Int($0) } ?? response.status
    guard code != 200 else { return tree }
    let text = "\(code): \((tree["message"]?.text ?? tree["reason"]?.text ?? "").prefix(200))"
    switch code {
    case 429: throw limit(response)
    case 401: throw FetchError(.tokenEnded, text)
    // A subreddit that is private, banned or unknown.
    case 403, 404: throw FetchError(.requestRefused, text)
    default:
      try response.head.requireSuccess()
      throw FetchError(.unrecognised, text)
    }
  }

  private static func limit(_ response: HTTPResponse) -> FetchError {
    let after = response.headers["retry-after"].flatMap { RetryAfter.delay($0) }
    let reset = response.headers["x-ratelimit-reset"].flatMap { Double($0) }.map { Duration.seconds(max(1, $0)) }
    return FetchError(.rateLimited, "too many requests", retryAfter: after ?? reset)
  }

  private static func post(
    _ data: JSONTree, _ source: String, _ jobID: String?, _ knownAt: Timestamp
  ) -> SocialPost? {
    guard let id = data["name"]?.text, id.hasPrefix("t3_"),
      let time = data["created_utc"]?.text.flatMap({ Double($0) }), time > 0, time < 1e11,
      let publishedAt = Timestamp(microseconds: Int64(time * 1_000_000))
    else { return nil }
    let (title, text) = (data["title"]?.text ?? "", data["selftext"]?.text ?? "")
    let author = data["author"]?.text ?? ""
    let category = data["removed_by_category"]?.text ?? ""
    if author == "[deleted]" || text == "[removed]" || text == "[deleted]" || !category.isEmpty {
      return .withdrawal(of: id, source: source, publishedAt: publishedAt, knownAt: knownAt)
    }
    guard !title.isEmpty, let link = data["permalink"]?.text,
      let url = CanonicalURL.of("https://www.reddit.com" + link)
    else { return nil }
    let target = data["is_self"] == .boolean(true) ? nil : data["url"]?.text.flatMap { CanonicalURL.of($0) }
    return SocialPost(
      source: source, id: id, author: author, community: data["subreddit"]?.text, url: url, title: title, text: text,
      link: target == url ? nil : target, likes: data["score"]?.integer,
      replies: data["num_comments"]?.integer, publishedAt: publishedAt, knownAt: knownAt,
      jobID: jobID)
  }
}

/// What the headers of an answer say of the requests that are left.
enum RateHeaders {
  /// - Returns: the time until there are requests again, when none is left; nil otherwise.
  static func pause(_ headers: HTTPHeaders, now: Timestamp) -> Duration? {
    // Reddit: seconds from now, with a fraction. X: seconds since 1970.
    if let left = headers["x-ratelimit-remaining"].flatMap({ Double($0) }), left < 1 {
      return headers["x-ratelimit-reset"].flatMap { Double($0) }.map { .seconds(max(1, $0)) }
    }
    guard let left = headers["x-rate-limit-remaining"].flatMap({ Int($0) }), left < 1 else { return nil }
    return until(headers["x-rate-limit-reset"], now: now)
  }

  /// - Parameter text: seconds since 1970.
  static func until(_ text: String?, now: Timestamp) -> Duration? {
    guard let time = text.flatMap({ Int64($0) }), (0..<1 << 40).contains(time) else { return nil }
    return .microseconds(max(1_000_000, time * 1_000_000 - now.microseconds))
  }
}
