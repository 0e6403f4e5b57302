import Kafka
import Messages
import Pipeline
import Synchronization
import Values

/// Reads windows when partitions are assigned.
package protocol WindowSource: Sendable {
  /// - Parameter wanted: the categories and partitions to read.
  /// - Returns: the windows of the group, by category and partition.
  /// - Throws: `ClassifiedError`.
  func windows(_ wanted: Set<WindowPartition>) async throws -> [WindowPartition: [SeriesName: SeriesHistory]]
}

/// One partition of one topic of market observations, whose series have windows.
package struct WindowPartition: Hashable, Sendable {
  package var category: CommodityCategory
  package var partition: Int32

  package init(_ category: CommodityCategory, _ partition: Int32) {
    self.category = category
    self.partition = partition
  }
}

/// Reads partitions of the changelog to their ends, at every assignment: by then they hold all windows that the
/// previous owner had acknowledged.
package struct WindowChangelog: WindowSource {
  let reader: ChangelogReader
  let group: String
  private let metrics = WorkerMetrics()

  package func windows(_ wanted: Set<WindowPartition>) async throws -> [WindowPartition: [SeriesName: SeriesHistory]] {
    let start = ContinuousClock.now
    let found = try await read(Set(wanted.map(\.partition))) { wanted.contains($0) }
    metrics.restored(in: .now - start)
    return found
  }

  /// The windows of a whole category.
  package func windows(of category: CommodityCategory) async throws -> [SeriesName: SeriesHistory] {
    try await read(nil) { $0.category == category }.values.reduce(into: [:]) { $0.merge($1) { $1 } }
  }

  private func read(
    _ partitions: Set<Int32>?, _ isWanted: @escaping @Sendable (WindowPartition) -> Bool
  ) async throws -> [WindowPartition: [SeriesName: SeriesHistory]] {
    let found = Mutex<[WindowPartition: [SeriesName: SeriesHistory]]>([:])
    let prefix = Array("\(group)/".utf8)
    try await reader.read(partitions) { [group, metrics] batch in
      found.withLock { windows in
        batch.forEach { record in
          guard !record.isTombstone, let key = record.key, key.starts(with: prefix) else { return }
          guard let window = try? SeriesWindow(decoding: record.value) else { return metrics.unreadableWindow() }
          let place = WindowPartition(window.series.category, record.partition)
          guard window.group == group, isWanted(place) else { return }
          let name = SeriesName(window.series, window.kind)
          let history = SeriesHistory(window)
          // A worker that had lost the partition without noticing may have written after its successor.
          if let known = windows[place]?[name], known.newestOffset > history.newestOffset { return }
          windows[place, default: [:]][name] = history
        }
      }
    }
    return found.withLock { $0 }
  }
}

extension RawSpan {
  fileprivate func starts(with prefix: [UInt8]) -> Bool {
    guard byteCount >= prefix.count else { return false }
    return withUnsafeBytes { $0.prefix(prefix.count).elementsEqual(prefix) }
  }
}
