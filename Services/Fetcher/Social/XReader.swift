import Core
import HTTP
import Markets
import Messages
import Sentiment
import Values

/// Posts of X with cashtags, by the recent search of its interface v2: those of the last seven days, newest first.
///
/// A task asks for what is newer than the newest post up to which all were read, less an overlap, since posts appear
/// late in the search. That time moves on only when the last page was read.
enum XReader {
  static let rows = 100
  static let pages = 50
  /// Of a query.
  static let characters = 512
  /// How far before the newest known post a task asks, in seconds; the first one asks further back.
  static let (overlap, first): (Int64, Int64) = (120, 900)
  /// The search has no older posts; a quarter of an hour less, in microseconds.
  static let reach: Int64 = (7 * 86_400 - 900) * 1_000_000
  /// Posts that were not seen for so long are asked for, unless the source says otherwise: that counts as reading.
  static let recheck = Duration.seconds(6 * 3_600)

  static func questions(of symbols: [String]) -> [String] {
    var groups: [String] = []
    let rest = "() -is:retweet".count
    for symbol in symbols {
      let word = "$\(symbol)"
      if let last = groups.last, last.count + 4 + word.count + rest <= characters {
        groups[groups.count - 1] = last + " OR " + word
      } else {
        groups.append(word)
      }
    }
    return groups.map { "(\($0)) -is:retweet" }
  }

  /// The smallest id of a post of this time: milliseconds since 2010-11-04T01:42:54.657Z, and 22 bits.
  static func id(at microseconds: Int64) -> Int64 { max(0, microseconds / 1_000 - 1_288_834_974_657) << 22 }

  static func read(
    _ query: String, _ task: FetchTask, _ source: SourceClient, _ history: SocialHistory, now: Timestamp
  ) async throws -> SocialAnswer {
    let due = (task.dueAt ?? now).microseconds
    let before = task.lookback ?? (history.newest == nil ? first : overlap)
    var answer = SocialAnswer()
    var since = min(history.newest ?? due, due) - before * 1_000_000
    if since < now.microseconds - reach {
      since = now.microseconds - reach
      answer.isWhole = history.newest == nil
    }
    let base = "/2/tweets/search/recent?query=\(PercentEncoding.encode(query))&\(fields)"
    var hasCursor = true
    var (token, tokens): (String?, Set<String>) = (nil, [])
    var (seen, isLast, number): (Set<String>, Bool, Int) = ([], false, 0)
    while number < pages, !isLast {
      number += 1
      var path = base + (hasCursor ? "&since_id=\(id(at: since))" : "")
      if let token { path += "&next_token=\(PercentEncoding.encode(token))" }
      let page: XPage
      do {
        page = try await get(path, reading: rows, least: 10, task, source, now: now)
      } catch let error as FetchError where error.kind == .cursorStale {
        answer.staleCursors += 1
        // Without since_id the search begins where it can; without next_token it begins again.
        guard answer.staleCursors < 3 else { throw FetchError(.requestRefused, error.message) }
        if token == nil { hasCursor = false }
        (token, tokens) = (nil, [])
        continue
      } catch let error as FetchError where !seen.isEmpty && (error.kind.isRateLimit || error.kind == .budgetSpent) {
        answer.isWhole = false
        break
      }
      answer.posts += page.posts.filter { seen.insert($0.id).inserted }
      answer.lost += page.lost
      token = page.next
      isLast = token == nil
      // The same page again: it would be given for ever.
      if let token, !tokens.insert(token).inserted {
        answer.isWhole = false
        break
      }
    }
    if !isLast { answer.isWhole = false }
    try await ask(about: history, &answer, task, source, now: now)
    return answer
  }

  private static let fields = "tweet.fields=created_at,public_metrics,lang,author_id,entities"

  /// One request for the posts that may be gone.
  private static func ask(
    about history: SocialHistory, _ answer: inout SocialAnswer, _ task: FetchTask, _ source: SourceClient,
    now: Timestamp
  ) async throws {
    let doubtful = history.doubtful(
      Set(answer.posts.map(\.id)), covered: nil, age: source.source.recheck ?? recheck,
      now: now.microseconds, most: 100)
    guard !doubtful.isEmpty else { return }
    let page: XPage
    do {
      page = try await get(
        "/2/tweets?ids=\(doubtful.joined(separator: ","))&\(fields)", reading: doubtful.count, least: doubtful.count,
        task, source, now: now)
    } catch let error as FetchError where error.kind.isRateLimit || error.kind == .budgetSpent {
      // A later task asks.
      return
    }
    answer.posts += page.posts
    for id in page.gone where history.posts[id] != nil {
      let time = Timestamp(microseconds: history.posts[id]?.publishedAt ?? 0) ?? now
      answer.posts.append(.withdrawal(of: id, source: source.source.word, publishedAt: time, knownAt: now))
    }
  }

  /// A page, within what may be read in the month.
  private static func get(
    _ path: String, reading wanted: Int, least: Int, _ task: FetchTask, _ source: SourceClient, now: Timestamp
  ) async throws -> XPage {
    let (word, limit) = (source.source.word, source.source.monthlyReads)
    let granted = try await source.reads.take(wanted, of: limit, source: word, now: now)
    var read = 0
    do {
      guard granted >= least else {
        throw FetchError(
          .budgetSpent, "no posts are left of the month", retryAfter: ReadAccount.untilNextMonth(now))
      }
      let url = (source.source.url ?? "https://api.x.com") + path
        + (path.contains("?ids=") ? "" : "&max_results=\(granted)")
      let (page, pause) = try await source.get(
        url, headers: ["Authorization": "Bearer \(source.key)"], for: task
      ) { response in
        (try XPage(response, source: word, jobID: task.jobID, knownAt: now),
         RateHeaders.pause(response.headers, now: now))
      }
      read = page.posts.count + page.lost
      try await source.pause(pause)
      _ = try await source.reads.take(min(0, read - granted), of: limit, source: word, now: now)
      return page
    } catch {
      _ = try? await source.reads.take(min(0, read - granted), of: limit, source: word, now: now)
      throw error
    }
  }
}

/// A page of X.
struct XPage: Sendable {
  var posts: [SocialPost] = []
  var lost = 0
  /// The cursor of the next page.
  var next: String?
  /// Ids that were asked for and are deleted, or not public any more.
  var gone: [String] = []

  /// - Throws: `FetchError` for a message in the place of a page, whatever its status; `HTTPError`.
  init(_ response: HTTPResponse, source: String, jobID: String?, knownAt: Timestamp) throws {
    let tree: JSONTree
    do { tree = try response.tree() } catch {
      throw response.status == 429 ? Self.limit(response, knownAt) : error
    }
    try Self.verify(tree, response, knownAt)
    next = tree["meta"]?["next_token"]?.text
    for row in tree["data"]?.items ?? [] {
      if let post = Self.post(row, source, jobID, knownAt) { posts.append(post) } else { lost += 1 }
    }
    for error in tree["errors"]?.items ?? [] {
      let type = error["type"]?.text ?? ""
      guard Self.goneTypes.contains(where: { type.hasSuffix($0) }), let id = error["resource_id"]?.text else {
        continue
      }
      gone.append(id)
    }
  }

  /// Deleted, or of an account that is protected or suspended now.
  private static let goneTypes = ["/resource-not-found", "/not-authorized-for-resource"]

  /// Source: docs.x.com, "Response codes and errors".
  private static func verify(_ tree: JSONTree, _ response: HTTPResponse, _ now: Timestamp) throws {
    let status = tree["status"]?.text.flatMap { Int($0) } ?? response.status
    let isPage = tree["data"] != nil || tree["meta"] != nil
    let errors = tree["errors"]?.items ?? []
    let isAboutPosts = !errors.isEmpty && errors.allSatisfy { $0["resource_id"] != nil }
    if status == 200, isPage || isAboutPosts { return }
    let first = errors.first
    let type = tree["type"]?.text ?? first?["type"]?.text ?? ""
    let message = first?["message"]?.text ?? tree["detail"]?.text ?? first?["detail"]?.text ?? tree["title"]?.text ?? ""
    let text = "\(status): \(message.prefix(200))"
    if type.hasSuffix("/usage-capped") {
      throw FetchError(.dayQuotaSpent, text, retryAfter: nil)
    }
    if status == 429 || (tree["title"]?.text ?? first?["title"]?.text) == "Too Many Requests" {
      throw limit(response, now)
    }
    switch status {
    case 400:
      let parameters = first?["parameters"]?.fields ?? [:]
      let isCursor = parameters["since_id"] != nil || parameters["next_token"] != nil
      throw FetchError(isCursor ? .cursorStale : .requestRefused, text)
    case 401, 403: throw FetchError(.refused, text)
    case 404: throw FetchError(.requestRefused, text)
    default:
      try response.head.requireSuccess()
      throw FetchError(.unrecognised, text)
    }
  }

  private static func limit(_ response: HTTPResponse, _ now: Timestamp) -> FetchError {
    let pause = response.headers["retry-after"].flatMap { RetryAfter.delay($0) }
      ?? RateHeaders.until(response.headers["x-rate-limit-reset"], now: now)
    return FetchError(.rateLimited, "too many requests", retryAfter: pause)
  }

  private static func post(_ row: JSONTree, _ source: String, _ jobID: String?, _ knownAt: Timestamp) -> SocialPost? {
    // Ids are texts: they do not fit into a double.
    guard case .string(let id)? = row["id"], !id.isEmpty, id.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let text = row["text"]?.text, !text.isEmpty, let publishedAt = row["created_at"]?.text.flatMap({ Timestamp($0) })
    else { return nil }
    let link = (row["entities"]?["urls"]?.items ?? []).lazy
      .compactMap { $0["expanded_url"]?.text.flatMap { CanonicalURL.of($0) } }
      .first { !$0.hasPrefix("https://x.com/") && !$0.hasPrefix("https://twitter.com/") }
    let language = row["lang"]?.text.flatMap { $0.count == 2 ? $0 : nil }
    func metric(_ name: String) -> Int64? { row["public_metrics"]?[name]?.integer }
    return SocialPost(
      source: source, id: id, author: row["author_id"]?.text ?? "", url: "https://x.com/i/status/\(id)",
      text: text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&"), link: link,
      language: language, likes: metric("like_count"), replies: metric("reply_count"), publishedAt: publishedAt,
      knownAt: knownAt, jobID: jobID)
  }
}
