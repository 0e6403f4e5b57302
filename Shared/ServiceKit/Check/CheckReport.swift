import Core
import Synchronization

/// Collects the probes of `--check`.
package final class CheckReport: Sendable {
  package struct Line: Hashable, Sendable {
    package var name: String
    /// What was found, or why it failed. Without secrets.
    package var detail = ""
    /// Nil when it did not fail.
    package var failure: ErrorClass?
    package var ok: Bool { failure == nil }
  }
  private let state = Mutex<[Line]>([])
  private let onLine: @Sendable (Line) -> Void

  /// - Parameter onLine: told each result as soon as it is known.
  package init(onLine: @escaping @Sendable (Line) -> Void = { _ in }) { self.onLine = onLine }

  package var lines: [Line] { state.withLock { $0 } }
  package var ok: Bool { lines.allSatisfy(\.ok) }
  /// What the process ends with: a setting that a person must change outweighs a server that does not answer now.
  package var status: ExitStatus {
    let failures = lines.compactMap(\.failure)
    // A source whose data cannot be read is a setting too: to ask again changes nothing.
    if failures.contains(where: { $0 == .configuration || $0 == .data }) { return .configuration }
    return failures.isEmpty ? .drained : .failed
  }

  package func ok(_ name: String, _ detail: String = "") {
    add(Line(name: name, detail: detail))
  }

  package func failed(_ name: String, _ error: any Error) {
    // The line of what it needs says why.
    if error is NotOpened { return }
    add(Line(name: name, detail: "\(error)", failure: ErrorClass(of: error)))
  }

  /// Runs one probe. It failed if it throws, or if it takes longer than `limit`: then it is cancelled and left
  /// behind, because a probe that hangs in a C library cannot be stopped.
  ///
  /// - Parameter probe: returns what it found ("3 brokers", "PostgreSQL 15.8"), or an empty text.
  package func probe(
    _ name: String, limit: Duration = .seconds(10), _ probe: @escaping @Sendable () async throws -> String
  ) async {
    switch await firstResult(within: limit, of: probe) {
    case .success(let detail): ok(name, detail)
    case .failure(let error): failed(name, error)
    case nil:
      add(Line(name: name, detail: "no answer within \(DurationSetting(limit))", failure: .transient))
    }
  }

  private func add(_ line: Line) {
    state.withLock { $0.append(line) }
    onLine(line)
  }
}

/// The outcome of `operation`, or nil once `limit` has passed; does not wait for an operation that ignores its
/// cancellation.
func firstResult<Value: Sendable>(
  within limit: Duration, of operation: @escaping @Sendable () async throws -> Value
) async -> Result<Value, any Error>? {
  let outcome = Mutex<Result<Value, any Error>?>(nil)
  let finished = Interruption()
  let work = Task {
    let result: Result<Value, any Error>
    do { result = .success(try await operation()) } catch { result = .failure(error) }
    outcome.withLock { $0 = result }
    finished.raise()
  }
  _ = await finished.sleep(for: limit)
  work.cancel()
  return outcome.withLock { $0 }
}
