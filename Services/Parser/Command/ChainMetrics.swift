import Metrics
import PriceFiles
import ServiceKit
import Synchronization
import Values

/// Files and rows by chain: the sums over all chains hide one that stops publishing, or whose files become empty.
final class ChainMetrics: Sendable {
  static let descriptions = [
    MetricDescription(
      "souk_chain_files_total", .counter, "Files read, by chain and content.", labels: ["chain", "kind"]),
    MetricDescription(
      "souk_chain_rows_total", .counter, "Rows kept, by chain and content: prices, promotions, stores.",
      labels: ["chain", "kind"]),
    MetricDescription(
      "souk_chain_newest_file_timestamp_seconds", .gauge,
      "Time of the newest file of the chain that this process has read rows of.", labels: ["chain"]),
  ]

  private let newest = Mutex<[String: Int64]>([:])
  private let maxChains: Int

  /// - Parameter maxChains: chains with a time; names come from messages, so their number is not bounded by itself.
  init(maxChains: Int = 500) { self.maxChains = maxChains }

  /// - Parameter now: a file with a later time counts as made now.
  func read(_ file: FileToParse, kind: PriceFileKind, rows: Int, now: Timestamp) {
    let labels = [("chain", file.chain), ("kind", kind.rawValue)]
    Counter(label: "souk_chain_files_total", dimensions: labels).increment()
    // Also when it is 0: no alert fires on a series that does not exist.
    Counter(label: "souk_chain_rows_total", dimensions: labels).increment(by: max(0, rows))
    guard rows > 0 else { return }
    let seconds = min(file.fileTime.microseconds, now.microseconds) / 1_000_000
    let latest: Int64? = newest.withLock { newest in
      if newest[file.chain] == nil, newest.count >= maxChains { return nil }
      let latest = max(seconds, newest[file.chain] ?? seconds)
      newest[file.chain] = latest
      return latest
    }
    guard let latest else { return }
    Gauge(label: "souk_chain_newest_file_timestamp_seconds", dimensions: [("chain", file.chain)]).record(latest)
  }
}
