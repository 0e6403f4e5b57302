import Synchronization

/// How often one file may be listed again because its link expired: a file whose links never work must not be
/// announced for ever.
package final class RelistBudget: Sendable {
  private struct Spent {
    var count: Int
    /// When its first re-listing was granted, in seconds since 1970.
    var since: Int64
  }
  private let spent = Mutex<[String: Spent]>([:])
  private let limit: Int
  /// In seconds; after it a file starts anew.
  private let window: Int64
  private let maxFiles: Int

  /// - Parameter maxFiles: files remembered at a time; beyond it those whose window ends first are forgotten.
  package init(limit: Int, window: Int64 = 86_400, maxFiles: Int = 200_000) {
    self.limit = limit
    self.window = window
    self.maxFiles = maxFiles
  }

  /// - Parameter now: seconds since 1970.
  /// - Returns: whether the file may be listed again; then it has been counted.
  package func grant(_ file: String, now: Int64) -> Bool {
    spent.withLock { spent in
      if spent.count >= maxFiles, spent[file] == nil {
        spent = spent.filter { now - $0.value.since < window }
        if spent.count >= maxFiles, let oldest = spent.min(by: { $0.value.since < $1.value.since }) {
          spent[oldest.key] = nil
        }
      }
      var entry = spent[file] ?? Spent(count: 0, since: now)
      if now - entry.since >= window { entry = Spent(count: 0, since: now) }
      guard entry.count < limit else { return false }
      entry.count += 1
      spent[file] = entry
      return true
    }
  }
}
