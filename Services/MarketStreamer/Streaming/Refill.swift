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

  /// - Parameter waits: called before another try; throws to give up.
  /// - Throws: errors of the network and of a busy provider once `waits` gives up.
  func run(
    _ questions: [FeedQuestion], gaps: [String: String], closedBefore: Int64, outlet: Outlet,
    waits: @Sendable (FailedAttempt) async throws -> Void
  ) async throws -> Result {
    var result = Result()
    for question in questions {
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
