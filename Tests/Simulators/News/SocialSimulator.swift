import Core
import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore
import SimulatorServer
import Synchronization

/// Reddit and X with invented posts, whose truth is known.
///
///     POST /api/v1/access_token                       a token of Reddit for key and secret
///     GET  /r/<subreddits>/new?limit=&after=          newest first; removed posts are not in it
///     GET  /api/info?id=t3_a,t3_b                     posts by name, removed ones without their texts
///     GET  /2/tweets/search/recent?query=&since_id=&max_results=&next_token=
///     GET  /2/tweets?ids=                             posts by id, errors for removed ones
///     GET  /_social/truth                             own texts, a line each: symbol, sign, sites where it stays
///     GET  /_social/stats                             answers by kind
///     POST /_social/fault?site=<site>&mode=<mode>&times=<n>
package final class SocialSimulator: Sendable {
  package enum Mode: String, CaseIterable, Sendable {
    /// 429, with the time until it ends.
    case rateLimited = "rate-limited"
    /// An error that says that it is one, with status 200.
    case error200 = "error-200"
    /// The token of Reddit is not known any more.
    case tokenEnded = "token-ended"
    /// Of further pages: the post that the cursor names is gone (Reddit); since_id is too old (X).
    case staleCursor = "stale-cursor"
    /// The last request of its period: the answer says so.
    case lastRequest = "last-request"
    case outage
    /// Half of an answer.
    case cut
  }

  package let corpus: SocialCorpus
  let clock: CorpusClock
  private let key: String
  private let state = Mutex(State())

  private struct State {
    var token = 0
    var faults: [(site: SocialCorpus.Site, mode: Mode, times: Int)] = []
    var requests: [String: Int] = [:]
    /// Posts of X that were given.
    var reads = 0
  }

  init(_ corpus: SocialCorpus, clock: CorpusClock, key: String = "key") {
    (self.corpus, self.clock, self.key) = (corpus, clock, key)
  }

  package func misbehave(_ site: SocialCorpus.Site, _ mode: Mode, times: Int = 1) {
    state.withLock { $0.faults.append((site, mode, times)) }
  }
  package var requests: [String: Int] { state.withLock { $0.requests } }
  package var reads: Int { state.withLock { $0.reads } }

  /// As the sites name them.
  package func id(of post: SocialCorpus.Post) -> String {
    let seconds = clock.start - post.age
    return switch post.site {
    case .reddit: "t3_\(String(post.number + 1_000_000, radix: 36))"
    case .x: "\((Int64(seconds) * 1_000 - 1_288_834_974_657) << 22 | Int64(post.number))"
    }
  }

  func addRoutes(to router: Router) {
    router.post("/api/v1/access_token") { request, _ in self.accessToken(request) }
    router.get("/r/{subreddits}/new") { request, parameters in
      self.listing(request, parameters["subreddits"] ?? "")
    }
    router.get("/api/info") { request, _ in self.info(request) }
    router.get("/2/tweets/search/recent") { request, _ in self.search(request) }
    router.get("/2/tweets") { request, _ in self.lookup(request) }
    router.get("/_social/truth") { _, _ in
      Self.response(.ok, self.corpus.texts.map { text in
        "\(text.symbol) \(text.sign) \(text.sites.sorted().joined(separator: ","))"
      }.joined(separator: "\n") + "\n")
    }
    router.get("/_social/stats") { _, _ in
      Self.response(.ok, self.requests.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        .joined(separator: "\n") + "\n")
    }
    router.post("/_social/fault") { request, _ in
      let query = request.uri.queryParameters
      guard let mode = query["mode"].flatMap({ Mode(rawValue: String($0)) }),
        let site = query["site"].flatMap({ SocialCorpus.Site(rawValue: String($0)) })
      else {
        return Self.response(
          .badRequest, "site: reddit, x; mode: \(Mode.allCases.map(\.rawValue).joined(separator: ", "))\n")
      }
      self.misbehave(site, mode, times: query["times"].flatMap { Int($0) } ?? 1)
      return Self.response(.ok, "")
    }
  }

  // MARK: Reddit

  private func accessToken(_ request: Request) -> Response {
    let login = Base64.encode(Array("\(key):\(key)".utf8))
    guard request.headers[.authorization] == "Basic \(login)" else {
      count("reddit login refused")
      return Self.response(.unauthorized, #"{"message":"Unauthorized","error":401}"#)
    }
    let token = state.withLock { state in
      state.token += 1
      return state.token
    }
    count("reddit token")
    return Self.response(
      .ok, #"{"access_token":"token-\#(token)","token_type":"bearer","expires_in":3600,"scope":"*"}"#)
  }

  /// - Returns: what is answered instead of posts.
  private func redditRefusal(_ request: Request, hasCursor: Bool) -> (Response?, Mode?) {
    let agent = request.headers[.userAgent] ?? ""
    guard agent.contains("by /u/") else {
      count("reddit agent refused")
      return (Self.response(.tooManyRequests, #"{"message":"Too Many Requests","error":429}"#), nil)
    }
    let fault = nextFault(.reddit, hasCursor: hasCursor)
    if fault == .tokenEnded { state.withLock { $0.token += 1 } }
    let token = state.withLock { $0.token }
    guard request.headers[.authorization] == "bearer token-\(token)" else {
      count("reddit token refused")
      return (Self.response(.unauthorized, #"{"message":"Unauthorized","error":401}"#), nil)
    }
    switch fault {
    case .rateLimited:
      count("reddit limited")
      return (
        Self.response(
          .tooManyRequests, #"{"message":"Too Many Requests","error":429}"#,
          ["x-ratelimit-used": "100", "x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "1"]), fault)
    case .error200:
      count("reddit limited")
      return (Self.response(.ok, #"{"message":"Too Many Requests","error":429}"#), fault)
    case .outage:
      count("reddit outage")
      return (Self.response(.serviceUnavailable, "<html>down</html>"), fault)
    default: return (nil, fault)
    }
  }

  private func listing(_ request: Request, _ subreddits: String) -> Response {
    let query = request.uri.queryParameters
    let after = query["after"].map(String.init)
    let (refusal, fault) = redditRefusal(request, hasCursor: after != nil)
    if let refusal { return refusal }
    let limit = min(100, query["limit"].flatMap { Int($0) } ?? 25)
    let wanted = Set(subreddits.split(separator: "+").map(String.init))
    let now = clock.seconds
    let there = corpus.posts.filter { post in
      post.site == .reddit && post.appears <= now && wanted.contains(post.community)
        && !(post.removed.map { $0 <= now } ?? false)
    }.sorted { ($0.age, $0.number) < ($1.age, $1.number) }
    var first = 0
    if let after {
      let place = fault == .staleCursor ? nil : there.firstIndex { id(of: $0) == after }
      // After a post that is gone comes nothing.
      first = place.map { $0 + 1 } ?? there.count
    }
    let page = there[first..<min(there.count, first + limit)]
    let next = first + limit < there.count ? page.last.map { "\"\(id(of: $0))\"" } ?? "null" : "null"
    let rows = page.map { redditRow($0, isRemoved: false) }.joined(separator: ",")
    return reddit(
      #"{"kind":"Listing","data":{"after":\#(next),"before":null,"dist":\#(page.count),"children":[\#(rows)]}}"#, fault)
  }

  private func info(_ request: Request) -> Response {
    let (refusal, fault) = redditRefusal(request, hasCursor: false)
    if let refusal { return refusal }
    let names = Set((request.uri.queryParameters["id"].map(String.init) ?? "").split(separator: ",").map(String.init))
    let now = clock.seconds
    let rows = corpus.posts.filter { $0.site == .reddit && names.contains(id(of: $0)) && $0.appears <= now }
      .map { post in redditRow(post, isRemoved: post.removed.map { $0 <= now } ?? false) }.joined(separator: ",")
    return reddit(#"{"kind":"Listing","data":{"after":null,"dist":null,"children":[\#(rows)]}}"#, fault)
  }

  private func reddit(_ body: String, _ fault: Mode?) -> Response {
    count("reddit ok")
    let left = fault == .lastRequest ? "0.0" : "95.0"
    return Self.response(
      .ok, fault == .cut ? String(body.prefix(body.count / 2)) : body,
      ["x-ratelimit-used": "5", "x-ratelimit-remaining": left, "x-ratelimit-reset": "1"])
  }

  private func redditRow(_ post: SocialCorpus.Post, isRemoved: Bool) -> String {
    let name = id(of: post)
    let path = "/r/\(post.community)/comments/\(name.dropFirst(3))/post/"
    let url = post.link ?? "https://www.reddit.com\(path)"
    return """
      {"kind":"t3","data":{"name":"\(name)","id":"\(name.dropFirst(3))","subreddit":"\(post.community)",\
      "title":\(Self.quoted(isRemoved ? "[removed by moderator]" : post.title)),\
      "selftext":\(Self.quoted(isRemoved ? "[removed]" : post.text)),\
      "author":"\(isRemoved ? "[deleted]" : post.author)","is_self":\(post.link == nil),"url":\(Self.quoted(url)),\
      "permalink":"\(path)","score":\(post.number % 300),"num_comments":\(post.number % 40),\
      "created_utc":\(clock.start - post.age).0,"edited":false,\
      "removed_by_category":\(isRemoved ? "\"moderator\"" : "null")}}
      """
  }

  // MARK: X

  private func xRefusal(_ request: Request, hasCursor: Bool) -> (Response?, Mode?) {
    guard request.headers[.authorization] == "Bearer \(key)" else {
      count("x refused")
      return (
        Self.response(
          .unauthorized, #"{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}"#), nil)
    }
    let fault = nextFault(.x, hasCursor: hasCursor)
    let limit = #"{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}"#
    switch fault {
    case .rateLimited:
      count("x limited")
      return (
        Self.response(
          .tooManyRequests, limit,
          ["x-rate-limit-remaining": "0", "x-rate-limit-reset": "\(WallClock.seconds() + 1)"]), fault)
    case .error200:
      count("x limited")
      return (Self.response(.ok, limit), fault)
    case .outage:
      count("x outage")
      return (Self.response(.serviceUnavailable, "<html>down</html>"), fault)
    default: return (nil, fault)
    }
  }

  private func search(_ request: Request) -> Response {
    let query = request.uri.queryParameters
    func parameter(_ name: String) -> String? { query[Substring(name)].map(String.init) }
    let since = parameter("since_id").flatMap { Int64($0) }
    let (refusal, fault) = xRefusal(request, hasCursor: since != nil)
    if let refusal { return refusal }
    let text = parameter("query") ?? ""
    let size = parameter("max_results").flatMap { Int($0) } ?? 10
    guard (10...100).contains(size), (1...512).contains(text.count) else {
      return invalid("max_results", "The `max_results` query parameter value is not between 10 and 100")
    }
    let week = (Int64(WallClock.seconds() - 7 * 86_400) * 1_000 - 1_288_834_974_657) << 22
    if fault == .staleCursor || since.map({ $0 < week }) ?? false {
      return invalid("since_id", "'since_id' must be a tweet id created after a week ago")
    }
    let tags = Set(text.components(separatedBy: CharacterSet(charactersIn: " ()")).filter { $0.hasPrefix("$") })
    let now = clock.seconds
    let until = parameter("next_token").flatMap { Int64($0.dropFirst()) }
    let there = corpus.posts.filter { post in
      guard post.site == .x, post.appears <= now, !(post.removed.map { $0 <= now } ?? false) else { return false }
      let number = Int64(id(of: post)) ?? 0
      return (since.map { number > $0 } ?? true) && (until.map { number < $0 } ?? true)
        && tags.contains { post.text.contains($0) }
    }.sorted { (Int64(id(of: $0)) ?? 0) > (Int64(id(of: $1)) ?? 0) }
    let page = there.prefix(size)
    count("x ok")
    state.withLock { $0.reads += page.count }
    guard let newest = page.first, let oldest = page.last else {
      return x(#"{"meta":{"result_count":0}}"#, fault)
    }
    let next = there.count > size ? #","next_token":"b\#(id(of: oldest))""# : ""
    let ends = #""newest_id":"\#(id(of: newest))","oldest_id":"\#(id(of: oldest))""#
    let meta = "\(ends),\"result_count\":\(page.count)\(next)"
    return x("{\"data\":[\(page.map(xRow).joined(separator: ","))],\"meta\":{\(meta)}}", fault)
  }

  private func lookup(_ request: Request) -> Response {
    let (refusal, fault) = xRefusal(request, hasCursor: false)
    if let refusal { return refusal }
    let ids = (request.uri.queryParameters["ids"].map(String.init) ?? "").split(separator: ",").map(String.init)
    let now = clock.seconds
    let posts = corpus.posts.filter { $0.site == .x && !($0.removed.map { $0 <= now } ?? false) }
    let there = posts.filter { ids.contains(id(of: $0)) }
    let found = Set(there.map { id(of: $0) })
    let errors = ids.filter { !found.contains($0) }.map { id in
      """
      {"value":"\(id)","detail":"Could not find tweet with ids: [\(id)].","title":"Not Found Error",\
      "resource_type":"tweet","parameter":"ids","resource_id":"\(id)",\
      "type":"https://api.twitter.com/2/problems/resource-not-found"}
      """
    }
    count("x ok")
    state.withLock { $0.reads += there.count }
    var parts: [String] = []
    if !there.isEmpty { parts.append("\"data\":[\(there.map(xRow).joined(separator: ","))]") }
    if !errors.isEmpty { parts.append("\"errors\":[\(errors.joined(separator: ","))]") }
    return x("{\(parts.joined(separator: ","))}", fault)
  }

  private func x(_ body: String, _ fault: Mode?) -> Response {
    Self.response(
      .ok, fault == .cut ? String(body.prefix(body.count / 2)) : body,
      [
        "x-rate-limit-remaining": fault == .lastRequest ? "0" : "40",
        "x-rate-limit-reset": "\(WallClock.seconds() + 1)",
      ])
  }

  private func invalid(_ parameter: String, _ message: String) -> Response {
    count("x invalid")
    return Self.response(.badRequest, """
      {"errors":[{"parameters":{"\(parameter)":["?"]},"message":\(Self.quoted(message))}],"title":"Invalid Request",\
      "detail":"One or more parameters to your request was invalid.",\
      "type":"https://api.twitter.com/2/problems/invalid-request"}
      """)
  }

  private func xRow(_ post: SocialCorpus.Post) -> String {
    let link = post.link.map { #","entities":{"urls":[{"expanded_url":\#(Self.quoted($0))}]}"# } ?? ""
    return """
      {"id":"\(id(of: post))","text":\(Self.quoted(post.text.replacing("&", with: "&amp;"))),\
      "author_id":"\(post.number + 7_000)","created_at":"\(NewsSimulator.text(clock.start - post.age))",\
      "lang":"\(post.language)","public_metrics":{"like_count":\(post.number % 50),"reply_count":1}\(link)}
      """
  }

  // MARK: Answers

  private func nextFault(_ site: SocialCorpus.Site, hasCursor: Bool) -> Mode? {
    state.withLock { state in
      let index = state.faults.firstIndex { $0.site == site && (hasCursor || $0.mode != .staleCursor) }
      guard let index else { return nil }
      let mode = state.faults[index].mode
      state.faults[index].times -= 1
      if state.faults[index].times <= 0 { state.faults.remove(at: index) }
      return mode
    }
  }

  private func count(_ answer: String) { state.withLock { $0.requests[answer, default: 0] += 1 } }

  private static func response(
    _ status: HTTPResponse.Status, _ body: String, _ headers: [String: String] = [:]
  ) -> Response {
    var fields: HTTPFields = [.contentType: "application/json"]
    for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
    return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }

  static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
  }
}
