import Catalogue
import Core
import Kafka
import Logging
import Messages
import ServiceKit
import Synchronization

/// Reads states when partitions are assigned.
package protocol StateSource: Sendable {
  /// - Returns: the states of the group, by partition.
  /// - Throws: `ClassifiedError`.
  func states(_ partitions: Set<Int32>) async throws -> [Int32: [SymbolState]]
}

/// The compacted topic of the states of one group of workers. By the time of an assignment it holds all that the
/// previous owner had acknowledged.
package struct StateChangelog: StateSource {
  private let reader: ChangelogReader
  private let group: String
  private let unreadable: @Sendable () -> Void

  /// - Parameter unreadable: is told of every record that is no message.
  package init(_ reader: ChangelogReader, group: String, unreadable: @escaping @Sendable () -> Void) {
    (self.reader, self.group, self.unreadable) = (reader, group, unreadable)
  }

  package func states(_ partitions: Set<Int32>) async throws -> [Int32: [SymbolState]] {
    // The last record of each key, undecoded: most of a changelog that is not compacted yet is replaced by what
    // follows.
    let last = Mutex<[Int32: [[UInt8]: [UInt8]]]>([:])
    let prefix = Array("\(group)/".utf8)
    try await reader.read(partitions) { batch in
      last.withLock { last in
        batch.forEach { record in
          guard let key = record.key?.withUnsafeBytes({ Array($0) }), key.starts(with: prefix) else { return }
          last[record.partition, default: [:]][key] =
            record.isTombstone ? nil : record.value.withUnsafeBytes { Array($0) }
        }
      }
    }
    var found: [Int32: [SymbolState]] = [:]
    for (partition, states) in last.withLock({ $0 }) {
      for bytes in states.values {
        guard let state = Self.state(bytes, of: group) else {
          unreadable()
          continue
        }
        found[partition, default: []].append(state)
      }
    }
    return found
  }

  /// - Returns: nil for a record that is no message, or another group's.
  package static func state(_ bytes: [UInt8], of group: String) -> SymbolState? {
    guard let state = try? SymbolState(decoding: bytes), state.group == group else { return nil }
    return state
  }
}

extension Needs {
  /// The states that the group of a service keeps in a topic, read at each assignment.
  /// - Parameter unreadable: is told of every record that is no message.
  package func states(
    of consumer: ConsumerService, in topic: Topic, unreadable: @escaping @Sendable () -> Void
  ) -> Opened<StateChangelog> {
    add(Need("states", open: {
      StateChangelog(try consumer.changelog(topic), group: consumer.group, unreadable: unreadable)
    }))
  }
}

extension OutgoingBatch {
  /// Adds a state; the tombstone of one that is not needed any more.
  package mutating func append(
    _ state: SymbolState, to topic: Topic, isGone: Bool = false, headers: [Header], writer: inout JSONWriter
  ) {
    guard !isGone else {
      return append(topic: topic.name, key: state.key, value: nil, headers: headers, partitionBy: state.partitionKey)
    }
    writer.clear()
    state.encode(into: &writer)
    append(
      topic: topic.name, key: state.key, value: writer.bytes, headers: headers, partitionBy: state.partitionKey)
  }
}

/// Reads partitions of a changelog, a compacted topic, to their ends: at an assignment they hold all that the previous
/// owner of these partitions had acknowledged.
package struct ChangelogReader: Sendable {
  private let configuration: TableReader.Configuration
  /// Time for one read; beyond it the read counts as an outage and is retried.
  private let limit: Duration

  package init(_ configuration: TableReader.Configuration, limit: Duration = .seconds(60)) {
    self.configuration = configuration
    self.limit = limit
  }

  /// - Parameters:
  ///   - partitions: nil for all.
  ///   - take: is called with every batch, in the order of each partition, before this returns.
  /// - Throws: `ClassifiedError`.
  package func read(_ partitions: Set<Int32>?, _ take: @escaping @Sendable (RecordBatch) -> Void) async throws {
    var configuration = configuration
    configuration.partitions = partitions
    let reader = try TableReader(configuration, apply: take)
    let late = Interruption()
    let clock = Task {
      try await Task.sleep(for: limit)
      late.raise()
    }
    defer { clock.cancel() }
    let isCurrent: Bool
    do {
      isCurrent = try await reader.waitUntilCurrent(orUntil: late)
    } catch {
      await reader.closeAndWait()
      throw error
    }
    await reader.closeAndWait()
    guard isCurrent else {
      throw Failure(.transient, code: "changelog_unread", "\(configuration.topic) could not be read within \(limit)")
    }
  }
}
