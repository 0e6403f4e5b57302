import Core
import Kafka
import Synchronization

@testable import Pipeline

/// An external system in memory that outlives its sinks: rows by partition and offset, and the offsets behind them.
final class FakeStore: Sendable {
  struct State {
    var rows: [TopicPartition: [Int64: String]] = [:]
    /// How many times each row was written.
    var writes: [String: Int] = [:]
    var offsets: [TopicPartition: Int64] = [:]
    var isDown = false
    var failure: Failure?
    /// Blocks every write until it is raised.
    var gate: Interruption?
    /// Rows of every write that succeeded.
    var flushes: [Int] = []
    /// Without those that only moved offsets.
    var rowFlushes: [Int] { flushes.filter { $0 > 0 } }
    var attempts = 0
    var starts: [Set<TopicPartition>] = []
  }
  private let state = Mutex(State())

  func change<Value: Sendable>(_ body: (inout State) throws -> Value) rethrows -> Value {
    try state.withLock { try body(&$0) }
  }
  var now: State { state.withLock { $0 } }
  /// All rows, sorted.
  var texts: [String] { now.rows.values.flatMap(\.values).sorted() }
}

/// A sink over a `FakeStore`: one record is one row. Values say what is to happen: "skip …", "reject …",
/// "rotten …" (a thrown data error), "poison …" (refused by the store), "poison … in part" (the rest can be saved).
final class FakeSink: Sink, Sendable {
  private struct Row {
    var offset: Int64
    var text: String
  }
  private struct Part {
    /// The store's offset as this sink knows it; nil when it keeps none.
    var expected: Int64?
    var rows: [Row] = []
  }
  private let store: FakeStore
  /// Keeps offsets in the store, moved by compare-and-set.
  private let keepsOffsets: Bool
  private let parts = Mutex<[TopicPartition: Part]>([:])

  init(_ store: FakeStore, keepsOffsets: Bool = true) {
    self.store = store
    self.keepsOffsets = keepsOffsets
  }

  func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    let offsets = try store.change { state in
      state.starts.append(partitions)
      if state.isDown { throw Failure.outage }
      return state.offsets.filter { partitions.contains($0.key) }
    }
    guard keepsOffsets else { return [:] }
    parts.withLock { parts in
      for partition in partitions { parts[partition] = Part(expected: offsets[partition] ?? 0) }
    }
    return offsets
  }

  func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    let text = String(decoding: record.valueBytes, as: UTF8.self)
    switch text.split(separator: " ").first {
    case "skip": return .skip(reason: "useless")
    case "rotten": throw Failure.rotten
    case "reject": return .reject(Rejection(code: "rejected", stage: "decode", "not wanted"))
    case "wrong": throw Failure.misconfigured
    default: break
    }
    let (partition, offset) = (record.topicPartition, record.offset)
    parts.withLock { $0[partition, default: Part()].rows.append(Row(offset: offset, text: text)) }
    return .keep
  }

  func salvage(_ record: borrowing RecordBatch.Record, refusedFor reason: Rejection) throws -> Rejection {
    let text = "salvaged from " + String(decoding: record.valueBytes, as: UTF8.self)
    guard text.hasSuffix(" in part") else { return reason }
    let (partition, offset) = (record.topicPartition, record.offset)
    parts.withLock { $0[partition, default: Part()].rows.append(Row(offset: offset, text: text)) }
    var narrowed = reason
    narrowed.excerpts = ["one", "two"].map { .init(value: Array($0.utf8), code: $0, message: "part \($0)") }
    return narrowed
  }

  var load: SinkLoad {
    parts.withLock { parts in
      let rows = parts.values.flatMap(\.rows)
      return SinkLoad(rows: rows.count, bytes: rows.reduce(0) { $0 + $1.text.utf8.count })
    }
  }

  func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    if let gate = store.now.gate { await gate.wait() }
    return try write(positions)
  }

  private func write(_ positions: [TopicPartition: Int64]) throws -> FlushReport {
    try parts.withLock { parts in
      try store.change { state in
        state.attempts += 1
        if state.isDown { throw Failure.outage }
        if let failure = state.failure { throw failure }
        var report = FlushReport(rows: 0)
        for (partition, position) in positions {
          let part = parts[partition] ?? Part()
          if let expected = part.expected, state.offsets[partition] ?? 0 != expected {
            report.fenced.insert(partition)
            parts[partition] = nil
            continue
          }
          let culprit = part.rows.first { $0.text.hasPrefix("poison") }
          let next = culprit?.offset ?? position
          let good = part.rows.filter { $0.offset < next }
          for row in good {
            state.rows[partition, default: [:]][row.offset] = row.text
            state.writes[row.text, default: 0] += 1
          }
          report.rows = (report.rows ?? 0) + good.count
          if next > part.expected ?? 0 || culprit == nil { report.durable[partition] = next }
          if keepsOffsets { state.offsets[partition] = max(next, state.offsets[partition] ?? 0) }
          if let culprit {
            report.poison.append(
              PoisonRecord(
                partition: partition, offset: culprit.offset,
                rejection: Rejection(code: "refused", stage: "write", "the store refuses it")))
            parts[partition] = nil
          } else {
            parts[partition] = Part(expected: part.expected == nil ? nil : next)
          }
        }
        state.flushes.append(report.rows ?? 0)
        return report
      }
    }
  }

  func drop(_ partitions: Set<TopicPartition>) {
    parts.withLock { parts in
      for partition in partitions { parts[partition] = nil }
    }
  }
}
