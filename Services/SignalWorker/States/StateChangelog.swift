import Core
import Indicators
import Kafka
import Messages
import Pipeline
import Synchronization

/// Reads states when partitions are assigned.
package protocol StateSource: Sendable {
  /// - Returns: the states of the group, by partition.
  /// - Throws: `ClassifiedError`.
  func states(_ partitions: Set<Int32>, _ plan: SignalPlan) async throws -> [Int32: [SymbolName: SymbolSeries]]
}

/// The compacted topic of states. By the time of an assignment it holds all that the previous owner had acknowledged.
package struct StateChangelog: StateSource {
  let reader: ChangelogReader
  let group: String
  private let metrics = SignalMetrics()

  init(_ reader: ChangelogReader, group: String) {
    self.reader = reader
    self.group = group
  }

  package func states(
    _ partitions: Set<Int32>, _ plan: SignalPlan
  ) async throws -> [Int32: [SymbolName: SymbolSeries]] {
    let start = ContinuousClock.now
    let collection = Collection(prefix: Array("\(group)/".utf8))
    try await reader.read(partitions) { collection.take($0) }
    var found: [Int32: [SymbolName: SymbolSeries]] = [:]
    for (partition, states) in collection.states.withLock({ $0 }) {
      for bytes in states.values {
        guard let (name, series) = Self.series(bytes, group, plan) else {
          metrics.unreadableState()
          continue
        }
        if !series.isContinued { metrics.begunAnew() }
        found[partition, default: [:]][name] = series
      }
    }
    metrics.restored(in: .now - start)
    return found
  }

  /// - Returns: nil for a state that cannot be read: its symbol begins anew.
  static func series(_ bytes: [UInt8], _ group: String, _ plan: SignalPlan) -> (SymbolName, SymbolSeries)? {
    guard let message = try? SignalState(decoding: bytes), message.group == group,
      let state = Base64.decode(message.state), let series = try? SymbolSeries(plan, decoding: state)
    else { return nil }
    return (SymbolName(feed: message.feed, symbol: message.symbol), series)
  }

  /// The last record of each key, undecoded: most of a changelog that is not compacted yet is replaced by what follows.
  private final class Collection: Sendable {
    let states = Mutex<[Int32: [[UInt8]: [UInt8]]]>([:])
    private let prefix: [UInt8]

    init(prefix: [UInt8]) { self.prefix = prefix }

    func take(_ batch: RecordBatch) {
      states.withLock { states in
        batch.forEach { record in
          guard let key = record.key?.withUnsafeBytes({ Array($0) }), key.starts(with: prefix) else { return }
          states[record.partition, default: [:]][key] =
            record.isTombstone ? nil : record.value.withUnsafeBytes { Array($0) }
        }
      }
    }
  }
}
