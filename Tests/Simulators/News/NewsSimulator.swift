import Core
import Foundation
import HTTPTypes
import HummingbirdCore
import LocalServers
import NIOCore
import SimulatorServer
import Synchronization

/// NewsAPI with invented articles, whose truth is known, and beside it Reddit, X and transcripts.
///
///     GET /v2/everything?q=&from=&to=&pageSize=&page=&apiKey=      newest first, pages from 1 on
///     GET  /_news/truth                 stories, a line each: symbol, sign, outlets that stay
///     GET  /_news/stats                 requests by answer
///     POST /_news/fault?mode=<mode>&times=<n>                      misbehave in the next n answers
///     POST /_news/clock?seconds=<n>     what happens n seconds after the first question has happened
///
/// An article is seen from the time on at which it appears, which for late ones is long after it was published, and is
/// `[Removed]` from the time on at which it is withdrawn.
package final class NewsSimulator: Sendable {
  package enum Mode: String, CaseIterable, Sendable {
    /// 429
    case rateLimited = "rate-limited"
    /// An error that says that it is one, with status 200.
    case error200 = "error-200"
    case unauthorized
    /// 426 beyond the first page, as a free plan has it.
    case upgrade
    case outage
    /// Half of an answer.
    case cut
    /// A page that is given twice.
    case repeated
  }

  package let corpus: NewsCorpus
  package let key: String
  private let server: SimulatorServer
  private let clock: CorpusClock
  package let social: SocialSimulator
  package let transcripts: TranscriptSimulator
  private let state = Mutex(State())

  private struct State {
    var faults: [(mode: Mode, times: Int)] = []
    var requests: [String: Int] = [:]
  }

  package init(
    _ corpus: NewsCorpus, social: SocialCorpus? = nil, key: String = "key", start: Int = Int(WallClock.seconds()),
    ticks: Bool = true, server: SimulatorServer = SimulatorServer("news-simulator")
  ) {
    (self.corpus, self.key, self.server) = (corpus, key, server)
    clock = CorpusClock(start: start, ticks: ticks)
    self.social = SocialSimulator(social ?? SocialCorpus(seed: 0, texts: 0), clock: clock, key: key)
    transcripts = TranscriptSimulator(key: key)
  }

  package var port: Int { server.port }
  package var url: String { server.url }

  package static func serving<Value: Sendable>(
    _ corpus: NewsCorpus, social: SocialCorpus? = nil, ticks: Bool = true,
    _ body: @Sendable (NewsSimulator) async throws -> Value
  ) async throws -> Value {
    let simulator = NewsSimulator(corpus, social: social, ticks: ticks)
    return try await simulator.server.serving({ simulator.router() }) { try await body(simulator) }
  }

  /// Serves until SIGTERM or SIGINT.
  package func run(_ listen: ListenOptions) async throws { try await listen.run(server, router()) }

  package func misbehave(_ mode: Mode, times: Int = 1) { state.withLock { $0.faults.append((mode, times)) } }
  package func setClock(_ seconds: Int) { clock.set(seconds) }
  package var requests: [String: Int] { state.withLock { $0.requests } }

  // MARK: Answers

  private func router() -> Router {
    let router = Router()
    social.addRoutes(to: router)
    transcripts.addRoutes(to: router)
    router.get("/v2/everything") { request, _ in self.everything(request) }
    router.get("/_news/truth") { _, _ in
      Self.response(.ok, self.corpus.stories.map { story in
        "\(story.symbol) \(story.sign) \(story.outlets.sorted().joined(separator: ","))"
      }.joined(separator: "\n") + "\n")
    }
    router.get("/_news/stats") { _, _ in
      Self.response(.ok, self.requests.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        .joined(separator: "\n") + "\n")
    }
    router.post("/_news/fault") { request, _ in
      guard let mode = request.uri.queryParameters["mode"].flatMap({ Mode(rawValue: String($0)) }) else {
        return Self.response(.badRequest, "mode: \(Mode.allCases.map(\.rawValue).joined(separator: ", "))\n")
      }
      self.misbehave(mode, times: request.uri.queryParameters["times"].flatMap { Int($0) } ?? 1)
      return Self.response(.ok, "")
    }
    router.post("/_news/clock") { request, _ in
      self.setClock(request.uri.queryParameters["seconds"].flatMap { Int($0) } ?? 0)
      return Self.response(.ok, "")
    }
    return router
  }

  private func everything(_ request: Request) -> Response {
    let query = request.uri.queryParameters
    func parameter(_ name: String) -> String? {
      query[Substring(name)].map(String.init)
    }
    let given = parameter("apiKey") ?? request.headers[HTTPField.Name("X-Api-Key")!]
    guard given == key else { return refusal(.unauthorized, given == nil ? "apiKeyMissing" : "apiKeyInvalid") }
    let page = parameter("page").flatMap { Int($0) } ?? 1
    let size = min(100, parameter("pageSize").flatMap { Int($0) } ?? 100)
    let fault = nextFault(page)
    switch fault {
    case .rateLimited: return refusal(.tooManyRequests, "rateLimited")
    case .error200: return refusal(.ok, "rateLimited")
    case .unauthorized: return refusal(.unauthorized, "apiKeyInvalid")
    case .upgrade: return refusal(.init(code: 426), "maximumResultsReached")
    case .outage: return refusal(.internalServerError, "unexpectedError")
    case .cut, .repeated, nil: break
    }
    guard let wanted = parameter("q"), !wanted.isEmpty, wanted.count <= 500 else {
      return refusal(.badRequest, "parametersMissing")
    }
    let rows = rows(wanted, from: parameter("from"), to: parameter("to"))
    let first = (fault == .repeated ? 0 : page - 1) * size
    let shown = first < rows.count ? rows[first..<min(rows.count, first + size)] : []
    count("ok")
    let body = "{\"status\":\"ok\",\"totalResults\":\(rows.count),\"articles\":[" + shown.joined(separator: ",") + "]}"
    return Self.response(.ok, fault == .cut ? String(body.prefix(body.count / 2)) : body)
  }

  private func nextFault(_ page: Int) -> Mode? {
    state.withLock { state in
      let index = state.faults.firstIndex { fault in
        page > 1 || fault.mode != .upgrade && fault.mode != .repeated
      }
      guard let index else { return nil }
      let mode = state.faults[index].mode
      state.faults[index].times -= 1
      if state.faults[index].times <= 0 { state.faults.remove(at: index) }
      return mode
    }
  }

  private func rows(_ wanted: String, from: String?, to: String?) -> [String] {
    let words = wanted.components(separatedBy: " OR ").map { $0.replacing("\"", with: "").lowercased() }
    let now = clock.seconds
    let shown = corpus.articles.filter { article in
      let text = "\(article.title) \(article.description ?? "")".lowercased()
      guard article.appears <= now, words.contains(where: { text.contains($0) }) else { return false }
      let time = Self.text(clock.start - article.age)
      return (from.map { time >= $0.prefix(19) } ?? true) && (to.map { time <= $0.prefix(19) + "Z" } ?? true)
    }
    return shown.sorted { ($0.age, $0.number) < ($1.age, $1.number) }.map { article in
      article.withdrawn.map { $0 <= now } == true ? removed(article) : row(article)
    }
  }

  private func row(_ article: NewsCorpus.Article) -> String {
    let description = article.description.map(Self.quoted) ?? "null"
    return """
      {"source":{"id":null,"name":\(Self.quoted(article.outlet))},"author":null,"title":\(Self.quoted(article.title)),\
      "description":\(description),"url":\(Self.quoted(article.url)),"urlToImage":null,\
      "publishedAt":"\(Self.text(clock.start - article.age))","content":"\(article.number) \\u2026 [+2219 chars]"}
      """
  }

  private func removed(_ article: NewsCorpus.Article) -> String {
    """
    {"source":{"id":null,"name":"[Removed]"},"author":null,"title":"[Removed]","description":"[Removed]",\
    "url":"https://removed.com","urlToImage":null,"publishedAt":"\(Self.text(clock.start - article.age))",\
    "content":"[Removed]"}
    """
  }

  private func refusal(_ status: HTTPResponse.Status, _ code: String) -> Response {
    count(code)
    return Self.response(status, "{\"status\":\"error\",\"code\":\"\(code)\",\"message\":\"as it was told\"}")
  }

  private func count(_ answer: String) { state.withLock { $0.requests[answer, default: 0] += 1 } }

  private static func response(_ status: HTTPResponse.Status, _ body: String) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// `2026-11-30T12:00:00Z`
  static func text(_ seconds: Int) -> String {
    let date = CivilDate(daysSinceEpoch: Int64(seconds / 86_400))
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let rest = seconds % 86_400
    return "\(date)T\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
  }
}
