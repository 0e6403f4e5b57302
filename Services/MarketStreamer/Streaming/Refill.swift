import Core
import CoreMetrics
import Feeds
import HTTP
import Logging
import Messages

/// Asks a feed for what a gap has missed.
struct Refill: Sendable {
  struct Result: Sendable {
    var added: [String: Int64] = [:]
    var known: [String: Int64] = [:]
    /// By symbol, why the provider does not have it.
    var refused: [String: String] = [:]
  }

  let client: HTTPClient
  /// `https://host`, without a path.
  let base: String
  let headers: HTTPHeaders
  let limits: HTTPLimits
  /// Pages of one question.
  static let maxPages = 10_000

  /// Questions that are asked at once; `--max-fetches-per-host` may allow fewer.
  static let atOnce = 16

  /// - Parameter waits: called before another try; throws to give up.
  /// - Throws: errors of the network and of a busy provider once `waits` gives up.
  func run(
    _ questions: [FeedQuestion], gaps: [String: String], closedBefore: Int64, outlet: Outlet,
    waits: @escaping @Sendable (FailedAttempt) async throws -> Void
  ) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
      var (result, rest) = (Result(), questions[...])
      func askNext() {
        guard let question = rest.popFirst() else { return }
        group.addTask {
          try await answer(question, gaps: gaps, closedBefore: closedBefore, outlet: outlet, waits: waits)
        }
      }
      for _ in 0..<Self.atOnce { askNext() }
      while let next = try await group.next() {
        result.added.merge(next.added, uniquingKeysWith: +)
        result.known.merge(next.known, uniquingKeysWith: +)
        result.refused.merge(next.refused) { "\($0); \($1)" }
        askNext()
      }
      return result
    }
  }

  private func answer(
    _ question: FeedQuestion, gaps: [String: String], closedBefore: Int64, outlet: Outlet,
    waits: @Sendable (FailedAttempt) async throws -> Void
  ) async throws -> Result {
    var result = Result()
    do {
      var path: String? = question.path
      var seen: Set<String> = []
      while let page = path {
        guard seen.insert(page).inserted, seen.count <= Self.maxPages else {
          throw Failure(.data, code: "cyclic_pages", "the pages of the answer lead back to themselves")
        }
        let asked = WallClock.microseconds() * 1_000
        let body = try await Backoff(base: .milliseconds(500), cap: .seconds(30)).retry {
          try await ask(page)
        } pause: { try await waits($0) }
        let found: Outlet.Refilled
        do {
          found = try outlet.refill(body, question, gaps: gaps, closedBefore: closedBefore, knownNs: asked)
        } catch let failure as DecodingFailure {
          throw Failure(.data, code: "unreadable_answer", "the answer cannot be read: \(failure)")
        }
        result.added.merge(found.added, uniquingKeysWith: +)
        result.known.merge(found.known, uniquingKeysWith: +)
        path = found.next.map { question.path(of: $0) }
      }
    } catch where ErrorClass(of: error) == .data || ErrorClass(of: error) == .configuration {
      for symbol in question.symbols { result.refused[symbol] = "\(question.channel.rawValue): \(error)" }
    }
    return result
  }

  private func ask(_ path: String) async throws -> [UInt8] {
    do {
      let url = try HTTPURL(base + path)
      let response = try await client.execute(HTTPRequest("GET", url, headers: headers, limits: limits))
      try response.head.requireSuccess()
      StreamerMetrics.asked("ok")
      return response.body
    } catch {
      StreamerMetrics.asked(publicCode(of: error))
      throw error
    }
  }
}
