import Core
import Logging
import Synchronization

/// Asks a store that may be away or hang. An answer waits for it at most so long; and while it is away one answer in a
/// second asks it, the others do without.
final class StoreGate: Sendable {
  private struct State {
    var isAway = false
    var next = ContinuousClock.now
  }
  private let state = Mutex(State())
  private let limit: Duration
  private let pause: Duration
  private let logger: Logger

  init(limit: Duration = .seconds(5), pause: Duration = .seconds(1), logger: Logger) {
    (self.limit, self.pause, self.logger) = (limit, pause, logger)
  }

  /// Whether the store could not be asked when it was asked last.
  var isAway: Bool { state.withLock { $0.isAway } }

  /// - Throws: what `body` throws; `Failure(.transient)` when the store is away or takes too long.
  func ask<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
    let mayAsk = state.withLock { state in
      guard state.isAway else { return true }
      guard ContinuousClock.now >= state.next else { return false }
      state.next = .now + limit + pause
      return true
    }
    guard mayAsk else { throw Self.away }
    do {
      let answer = try await within(body)
      answered()
      return answer
    } catch let error as CancellationError {
      throw error
    } catch where ErrorClass(of: error) != .data {
      let wasAway = state.withLock { state in
        defer { (state.isAway, state.next) = (true, .now + pause) }
        return state.isAway
      }
      if !wasAway { logger.warning("the store of the batch layer is away", metadata: ["error": "\(error)"]) }
      throw error
    } catch {
      // That there is no such object is an answer, too.
      answered()
      throw error
    }
  }

  private func answered() {
    let wasAway = state.withLock { state in
      defer { state.isAway = false }
      return state.isAway
    }
    if wasAway { logger.notice("the store of the batch layer is back") }
  }

  private func within<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
    let limit = limit
    return try await withThrowingTaskGroup(of: T.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: limit)
        throw Failure(.transient, code: "store_slow", "the store has not answered within \(limit.components.seconds) s")
      }
      defer { group.cancelAll() }
      guard let first = try await group.next() else { throw Self.away }
      return first
    }
  }

  private static let away = Failure(.transient, code: "store_away", "the store of the batch layer is away")
}
