import Core
import CoreMetrics
import FeedHTTP
import Feeds
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

  let client: FeedClient

  /// Questions that are asked at once; `--max-fetches-per-host` may allow fewer.
  static let atOnce = 32

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
      let answer = try await FeedPages.read(question) { path in
        try await ask(path)
      } read: { page, question, asked in
        let found = try outlet.refill(page, question, gaps: gaps, closedBefore: closedBefore, knownNs: asked)
        result.added.merge(found.added, uniquingKeysWith: +)
        result.known.merge(found.known, uniquingKeysWith: +)
        return found.next
      } waits: { try await waits($0) }
      for (symbol, error) in answer.refused { result.refused[symbol] = "\(question.channel.rawValue): \(error)" }
    } catch where ErrorClass(of: error) == .configuration {
      for symbol in question.symbols { result.refused[symbol] = "\(question.channel.rawValue): \(error)" }
    }
    return result
  }

  private func ask(_ path: String) async throws -> [UInt8] {
    do {
      let body = try await client.page(path)
      StreamerMetrics.asked("ok")
      return body
    } catch {
      StreamerMetrics.asked(publicCode(of: error))
      throw error
    }
  }
}
