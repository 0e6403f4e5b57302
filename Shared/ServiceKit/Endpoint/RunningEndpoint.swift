import Runtime
import ServiceLifecycle
import Synchronization

/// The endpoint as a task: started, watched and stopped around a run.
final class RunningEndpoint: Sendable {
  private let endpoint: HealthEndpoint
  private struct State {
    var group: ServiceGroup?
    var port: Int?
    var failure: (any Error)?
    var stopping = false
  }
  private let state = Mutex(State())
  private let settled = Interruption()
  private let ended = Interruption()

  init(_ endpoint: HealthEndpoint) { self.endpoint = endpoint }

  /// - Returns: the port, once connections are taken.
  /// - Throws: `Failure(.configuration)` when the address cannot be listened on.
  func start() async throws -> Int {
    let group = endpoint.service { [self] port in
      state.withLock { $0.port = port }
      settled.raise()
    }
    state.withLock { $0.group = group }
    Task { [self] in
      do {
        try await group.run()
        ending(with: Failure(.fatal, code: "endpoint_ended", "the HTTP endpoint ended by itself"))
      } catch {
        ending(with: endpoint.explained(error))
      }
    }
    await settled.wait()
    let (port, failure) = state.withLock { ($0.port, $0.failure) }
    if let failure { throw failure }
    guard let port else { throw CancellationError() }
    return port
  }

  /// Returns when the endpoint ended: with the reason, or nil when it was stopped (or the wait cancelled).
  func failure() async -> (any Error)? {
    await ended.wait()
    return state.withLock { $0.failure }
  }

  /// Stops listening; open connections get a moment to end.
  ///
  /// - Returns: the reason if it had ended before.
  func stop() async -> (any Error)? {
    let group = state.withLock { state in
      state.stopping = true
      return state.group
    }
    await group?.triggerGracefulShutdown()
    _ = await ended.sleep(for: .seconds(2))
    return state.withLock { $0.failure }
  }

  /// Leaves the server as it is, for a process that ends at once. To shut it down just then would be worse: a
  /// connection that is accepted during the shutdown can crash the process, and turn a clean exit into a failed one.
  ///
  /// - Returns: the reason if it had ended before.
  func leave() -> (any Error)? {
    state.withLock { state in
      state.stopping = true
      return state.failure
    }
  }

  private func ending(with error: any Error) {
    state.withLock { if !$0.stopping { $0.failure = error } }
    settled.raise()
    ended.raise()
  }
}
