/// How fast records go: parts of a tenth of a second each.
package struct Pace: Sendable {
  package let rate: Int
  private var due = ContinuousClock.now

  package init(rate: Int) { self.rate = rate }

  private var part: Int { max(1, rate / 10) }

  package func parts(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: part).map { $0..<min($0 + part, count) }
  }

  /// Waits until the records that were sent are paid for.
  package mutating func wait(after count: Int) async throws {
    due = max(due, ContinuousClock.now - .seconds(1)) + .seconds(Double(count) / Double(rate))
    if due > .now { try await Task.sleep(until: due) }
  }
}
