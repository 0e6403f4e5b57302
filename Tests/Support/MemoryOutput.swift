import Catalogue
import Core
import Kafka
import Messages
import Pipeline
import Synchronization

/// What a sink published, in memory, and its changelog as compaction leaves it. Its sends fail when a test says so.
package final class MemoryOutput: SinkOutput, StateSource {
  private struct State {
    var published: [[UInt8]] = []
    var states: [[UInt8]: [UInt8]] = [:]
    var failures: [Int] = []
  }
  private let state = Mutex(State())
  private let topic: String

  /// - Parameter topic: of what is published; the records of any other are the changelog.
  package init(of topic: Topic) { self.topic = topic.name }

  /// The records of the topic, in their order.
  package var published: [[UInt8]] { state.withLock { $0.published } }
  package var states: [[UInt8]: [UInt8]] { state.withLock { $0.states } }

  package func replace(_ key: [UInt8], by value: [UInt8]) { state.withLock { $0.states[key] = value } }

  /// Lets the next send fail after so many of its batches were acknowledged.
  func fail(after batches: Int) { state.withLock { $0.failures.append(batches) } }

  package func send(_ batches: [OutgoingBatch], for positions: [TopicPartition: Int64]) async throws {
    try state.withLock { state in
      let most = state.failures.popLast()
      for batch in batches.prefix(most ?? batches.count) {
        for record in batch.records {
          if record.topic == topic {
            if let value = record.value { state.published.append(value) }
          } else {
            state.states[record.key ?? []] = record.value
          }
        }
      }
      if most != nil { throw Failure(.transient, code: "outage", "staged") }
    }
  }

  package func states(_ partitions: Set<Int32>) async throws -> [Int32: [SymbolState]] {
    [0: states.values.compactMap { StateChangelog.state($0, of: "group") }]
  }
}

/// A sink on a `MemoryOutput`, as a test drives it.
package protocol RestartableSink: AnyObject {
  var output: MemoryOutput { get }
  func flush(to offset: Int) async throws
  /// As after a kill: all that was in memory is gone.
  func crash() async throws
}

extension RestartableSink {
  /// Takes records in until all are committed, with outages before, between and behind the acknowledgements, and kills
  /// there.
  ///
  /// - Parameters:
  ///   - round: how many records are flushed together, on the average.
  ///   - append: takes the record at an index in.
  package func takeDisturbed(
    _ count: Int, round: Int, _ random: inout TestRandom, _ append: (_ index: Int) -> Void
  ) async throws {
    var (position, committed) = (0, 0)
    while committed < count {
      append(position)
      position += 1
      guard position == count || Int.random(in: 0..<round, using: &random) == 0 else { continue }
      switch Int.random(in: 0..<6, using: &random) {
      case 0:
        // Killed, the commit not done.
        try await flushInVain(to: position, after: Int.random(in: 0...2, using: &random))
        try await crash()
        position = committed
        continue
      case 1:
        // An outage: the same flush again.
        try await flushInVain(to: position, after: Int.random(in: 0...1, using: &random))
      default: break
      }
      try await flush(to: position)
      committed = position
    }
  }

  private func flushInVain(to offset: Int, after batches: Int) async throws {
    output.fail(after: batches)
    do { try await flush(to: offset) } catch let error as Failure where error.code == "outage" { return }
    throw Failure(.fatal, code: "outage_hidden", "a flush returned although its output failed")
  }
}
