import Core
import Logging
import Synchronization

/// Reads the whole of a compacted topic and follows it, in no group: every instance of a service sees every record.
///
/// One thread makes every call on the handle. Records come as batches, in the order of their partitions, on that
/// thread; while a batch is being applied nothing more is taken. The table is *current* once everything that was there
/// at the start has been applied, and stays so: what comes later is applied as it comes.
///
/// Records that were deleted before they could be read (a retention on a topic that should have none, or the embedded
/// broker, which keeps about 5 MB of a partition) are reported and counted, and reading goes on with what is there: a
/// table that lacks a row is better than none.
package final class TableReader: Sendable {
  package enum State: Sendable {
    case reading
    case current
    case failed(any ClassifiedError)
    case closed
  }

  /// What the thread and its owner share.
  final class Mailbox: Sendable {
    struct Content {
      var state = State.reading
      var isClosing = false
      var applied = 0
      var lost = 0
      var wake: (@Sendable () -> Void)?
    }
    let content = Mutex(Content())
    /// Raised at the first change of the state.
    let settled = Interruption()
    /// Raised when the thread is done.
    let ended = Interruption()
  }

  private let mailbox = Mailbox()
  package let configuration: Configuration

  /// Connects and reads in the background.
  /// - Parameter apply: called on the reader's thread for every batch.
  /// - Throws: `Failure(.configuration)` for a property librdkafka refuses.
  package init(_ configuration: Configuration, apply: @escaping @Sendable (RecordBatch) -> Void) throws {
    self.configuration = configuration
    try TableThread.start(configuration, mailbox: mailbox, apply: apply)
  }

  deinit { close() }

  /// Waits until the table is current.
  /// - Parameter drain: gives up when raised.
  /// - Returns: false when it was given up.
  /// - Throws: a `ClassifiedError` of class `configuration` or `fatal`: the topic is missing, or may not be read.
  package func waitUntilCurrent(orUntil drain: Interruption) async throws -> Bool {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.mailbox.settled.wait() }
      group.addTask { await drain.wait() }
      await group.next()
      group.cancelAll()
    }
    switch state {
    case .current: return true
    case .failed(let error): throw error
    case .reading, .closed: return false
    }
  }

  package var state: State { mailbox.content.withLock { $0.state } }
  /// Records given to `apply`, tombstones included.
  package var applied: Int { mailbox.content.withLock { $0.applied } }
  /// Records that were deleted before they were read.
  package var lost: Int { mailbox.content.withLock { $0.lost } }

  /// Stops reading; returns at once.
  package func close() {
    let wake = mailbox.content.withLock { content in
      content.isClosing = true
      return content.wake
    }
    wake?()
  }

  /// Waits until nothing is read any more: it was closed, or it failed.
  package func waitUntilEnded() async { await mailbox.ended.wait() }

  /// Stops reading and waits until the last batch has been applied.
  package func closeAndWait() async {
    close()
    await mailbox.ended.wait()
  }
}

extension TableReader {
  package struct Configuration: Sendable {
    /// Everything librdkafka is told.
    package var properties: [String: String]
    package var topic: String
    /// Only these partitions; nil for all.
    package var partitions: Set<Int32>?
    /// Whether the topic is meant to lose its oldest records; what is gone before the reading begins is then no loss.
    package var isTrimmed = false
    /// Begins at the end: what was there before is not read.
    package var beginsAtEnd = false
    /// Begins at these offsets instead of at the first, by partition. One whose records are gone begins at the first.
    package var starts: [Int32: Int64] = [:]
    package var maxBatchRecords = 2_000
    /// How long the topic may be missing before that is a configuration error.
    package var missingTopicGrace: Duration = .seconds(60)
    package var logger: Logger

    package init(properties: [String: String], topic: String, logger: Logger) {
      self.properties = properties
      self.topic = topic
      self.logger = logger
    }
  }
}

/// How far a table was read, and whether that is as far as it reached when the reading began. A pure value.
///
/// The last offsets of a partition may hold no records (markers of transactions, compacted rows), so a partition is
/// done when its last record or its end was seen, whichever comes first.
struct TableProgress: Equatable {
  /// The next offset to read of every partition.
  private(set) var positions: [TopicPartition: Int64]
  /// Where each partition ended when the reading began; those reached are taken out.
  private var targets: [TopicPartition: Int64]

  /// - Parameters:
  ///   - atEnd: leaves out what is there.
  ///   - starts: where partitions begin that do not begin at their first record.
  init(_ marks: [TopicPartition: Watermarks] = [:], atEnd: Bool = false, starts: [Int32: Int64] = [:]) {
    var begin: [TopicPartition: Int64] = [:]
    for (partition, mark) in marks {
      let wanted = starts[partition.partition] ?? mark.low
      begin[partition] = atEnd ? mark.high : min(max(wanted, mark.low), mark.high)
    }
    positions = begin
    targets = atEnd ? [:] : marks.filter { $0.value.high > begin[$0.key] ?? 0 }.mapValues(\.high)
  }

  var isCurrent: Bool { targets.isEmpty }

  /// - Returns: false for a record from before the partition was started anew.
  mutating func take(_ partition: TopicPartition, offset: Int64) -> Bool {
    guard offset >= positions[partition] ?? 0 else { return false }
    advance(partition, to: offset + 1)
    return true
  }

  /// - Parameter offset: the one the next record will have.
  mutating func reachedEnd(_ partition: TopicPartition, at offset: Int64) {
    targets[partition] = nil
    positions[partition] = max(offset, positions[partition] ?? 0)
  }

  /// The broker refused the position: reading goes on with what is there. A topic that was made anew may end before
  /// its old target; its end is seen then.
  mutating func restart(_ partition: TopicPartition, in marks: Watermarks) {
    let wanted = positions[partition] ?? 0
    positions[partition] = (marks.low...max(marks.low, marks.high)).contains(wanted) ? wanted : marks.low
    if positions[partition]! >= targets[partition] ?? .max { targets[partition] = nil }
  }

  private mutating func advance(_ partition: TopicPartition, to next: Int64) {
    positions[partition] = next
    if let target = targets[partition], next >= target { targets[partition] = nil }
  }
}
