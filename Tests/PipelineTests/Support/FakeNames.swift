import Core
import Kafka
import KafkaFlags
import ServiceKit
import Synchronization

@testable import Pipeline

/// An external system in memory where a name can only be overwritten: the contents of every name, and how often it was
/// written.
final class FakeNames: Sendable {
  struct State {
    var objects: [String: [String]] = [:]
    /// Every write of a name, in order.
    var writes: [String: [[String]]] = [:]
    var isDown = false
    /// Thrown after this many more names were written.
    var failsAfter: Int?
    var attempts = 0
  }
  private let state = Mutex(State())

  func change<Value: Sendable>(_ body: (inout State) throws -> Value) rethrows -> Value {
    try state.withLock { try body(&$0) }
  }
  var now: State { state.withLock { $0 } }
  /// All records of all names, sorted.
  var texts: [String] { now.objects.values.flatMap { $0 }.sorted() }
}

/// Two names for each generation: records with an `a` in them, and the others.
struct FakeNamesSink: GenerationSink {
  struct Draft: GenerationDraft {
    let name: String
    var rows: [String: [String]] = [:]
    var bytes = 0
    var outputs: Int { rows.count }

    mutating func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
      let text = String(decoding: record.valueBytes, as: UTF8.self)
      if text.hasPrefix("skip") { return .skip(reason: "useless") }
      if text.hasPrefix("rotten") { throw Failure.rotten }
      if text.hasPrefix("reject") { return .reject(Rejection(code: "rejected", stage: "decode", "not wanted")) }
      rows["\(name)/\(text.contains("a") ? "a" : "other")", default: []].append(text)
      bytes += text.utf8.count
      return .keep
    }

    mutating func finish() -> [String: [String]]? { rows.isEmpty ? nil : rows }
  }

  let names: FakeNames
  var text = "fake"

  func format(of partition: TopicPartition) -> String { text }

  func draft(of partition: TopicPartition, from first: Int64, format: String) throws -> Draft {
    Draft(name: "\(format)/\(partition.partition)/\(first)")
  }

  func store(_ contents: [String: [String]]) async throws {
    for (name, rows) in contents.sorted(by: { $0.key < $1.key }) {
      try names.change { state in
        state.attempts += 1
        if state.isDown { throw Failure.outage }
        if let left = state.failsAfter {
          if left == 0 { throw Failure(.fatal, code: "crashed", "as good as kill -9") }
          state.failsAfter = left - 1
        }
        state.objects[name] = rows
        state.writes[name, default: []].append(rows)
      }
    }
  }
}

extension Scenario {
  func generations(
    _ names: FakeNames, records: Int = 1 << 30, age: Duration = .milliseconds(20), budget: Int = 1 << 30,
    format: String = "fake", maxBatchRecords: Int = 5_000, _ change: (inout KafkaOptions) -> Void = { _ in }
  ) throws -> Running {
    let context = ServiceContext(name: "test", logger: Self.logger, drainTimeout: .seconds(20))
    let consumer = try consumer(externalOffsets: true, maxBatchRecords: maxBatchRecords, change)
    let producer = try producer()
    let pipeline = GenerationPipeline(
      service: ServiceIdentity(name: "test", version: "1.2.3"), consumer: consumer, producer: producer,
      sink: FakeNamesSink(names: names, text: format),
      policy: GenerationPolicy(records: records, bytes: 1 << 30, age: age, budget: budget),
      options: try Self.pipelineOptions(), context: context)
    let metrics = pipeline.metrics
    let task = Task {
      do { try await pipeline.run() } catch {
        await producer.close(within: .seconds(5))
        throw error
      }
      await producer.close()
    }
    return Running(context: context, consumer: consumer, metrics: metrics, task: task)
  }

  /// The committed offset and what stands beside it.
  func committedText(_ partition: Int = 0) async throws -> CommittedOffset? {
    let place = TopicPartition(input, Int32(partition))
    return try await admin.committed(group: group, [place])[place]
  }
}
