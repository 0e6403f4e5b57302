/// A condition that did not hold before its deadline.
package struct ConditionNotMet: Error, CustomStringConvertible {
  package var description: String

  package init(description: String) { self.description = description }
}

/// Waits until `condition` holds: the one way in which tests wait. Checks every `interval`, and once more after the
/// deadline.
/// - Throws: `ConditionNotMet` with `what` and the place of the call; the errors of `condition`.
package func eventually(
  _ what: String = "the condition", timeout: Duration = .seconds(300), interval: Duration = .milliseconds(20),
  file: String = #fileID, line: Int = #line, _ condition: () async throws -> Bool
) async throws {
  _ = try await eventuallySome(what, timeout: timeout, interval: interval, file: file, line: line) {
    try await condition() ? true : nil
  }
}

/// Like `eventually`, and returns the first value that is not nil.
package func eventuallySome<Value>(
  _ what: String = "a value", timeout: Duration = .seconds(300), interval: Duration = .milliseconds(20),
  file: String = #fileID, line: Int = #line, _ value: () async throws -> Value?
) async throws -> Value {
  let deadline = ContinuousClock.now + timeout
  while true {
    let isLast = ContinuousClock.now >= deadline
    if let value = try await value() { return value }
    if isLast { throw ConditionNotMet(description: "\(what) did not come true within \(timeout) (\(file):\(line))") }
    try await Task.sleep(for: interval)
  }
}
