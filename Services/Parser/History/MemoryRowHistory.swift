import Synchronization

/// Forgets everything with the process.
package final class MemoryRowHistory: RowHistory {
  private let series = Mutex<[String: [RowCount]]>([:])

  package init() {}

  package func counts(of name: String) -> [RowCount] { series.withLock { $0[name] ?? [] } }
  package func remember(_ counts: [RowCount], of name: String) { series.withLock { $0[name] = counts } }
  package func ping() {}
  package func close() {}
}
