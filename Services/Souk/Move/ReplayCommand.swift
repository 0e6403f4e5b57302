import ArgumentParser
import Catalogue
import Core
import Kafka
import Operations
import Options
import ServiceKit
import Synchronization

/// `souk replay`
struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Copy the records of a time into another topic, or have a new group begin there.",
    discussion: """
      Into a topic: records of [--from, --to) keep their key, value, time and headers, and get souk-replayed-from with \
      their place. Progress is committed for the group souk-replay-<topic>-<into> after each part is acknowledged: the \
      same command goes on where it was stopped. Into a group: the offsets at --from are committed for a group that \
      has none, so that a service started with GROUP_ID=<group> begins there; it has no end, so --to is refused.

      Examples:
        souk replay gogobe.products.ingest --from 2h --to 1h --into topic:products-again
        souk replay market-bars --from 1d --into group:influx-again
      """)

  @Argument(help: "The topic.") var topic: String
  @Option(help: ArgumentHelp("From then on: 2h (so long ago), an RFC 3339 time, or 'earliest'.", valueName: "time"))
  var from: TapStart
  @Option(help: ArgumentHelp("Up to then, exclusive (default: now).", valueName: "time")) var to: Moment?
  @Option(help: ArgumentHelp("topic:<name> or group:<name>.", valueName: "target")) var into: ReplayTarget
  @Option(help: ArgumentHelp("Send at most so many records a second.", valueName: "records")) var rate = 1_000
  @Flag(help: "Say what would be copied, and copy nothing.") var dryRun = false
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  func validate() throws {
    if rate < 1 { throw ValidationError("--rate must be at least 1") }
    if into == .topic(topic) { throw ValidationError("a topic is not copied into itself") }
    if case .group = into, to != nil { throw ValidationError("--to is for topics: a group reads on behind it") }
    if let to, to.milliseconds <= from.milliseconds { throw ValidationError("--from is not before --to") }
  }

  func run() async throws {
    let replay = Replay(
      cluster: try Cluster(kafka), topic: topic, from: from.milliseconds, to: to?.milliseconds, rate: rate)
    switch into {
    case .topic(let target):
      let screen = Screen.standardOutput()
      let done = try await replay.copy(into: target, dryRun: dryRun, stop: stopSignals()) { screen.show([$0]) }
      screen.settle()
      print("\(dryRun ? "would copy" : "copied") \(done.text)")
    case .group(let group):
      let offsets = try await replay.begin(group, dryRun: dryRun)
      print("""
        \(dryRun ? "would commit" : "committed") \(counted(offsets, "offset")) of \(topic) for the new group \(group); \
        start a service with GROUP_ID=\(group), and watch it with kafka-consumer-groups or its /metrics
        """)
    }
  }
}

enum ReplayTarget: ExpressibleByArgument, Hashable, Sendable {
  case topic(String)
  case group(String)

  init?(argument: String) {
    let parts = argument.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else { return nil }
    switch parts[0] {
    case "topic": self = .topic(parts[1])
    case "group": self = .group(parts[1])
    default: return nil
    }
  }
}

/// Which offsets of each partition a replay copies. A pure value.
struct ReplayPlan: Hashable, Sendable {
  /// The rest of each partition, from its first offset to the one behind its last; empty ones are left out.
  private(set) var ranges: [TopicPartition: Range<Int64>] = [:]
  /// How many offsets earlier runs have passed.
  private(set) var passed: Int64 = 0

  /// - Parameters:
  ///   - starts: the first offset at or behind the begin.
  ///   - ends: the first offset at or behind the end.
  ///   - committed: how far earlier runs of the same replay came.
  init(
    marks: [TopicPartition: Watermarks], starts: [TopicPartition: Int64], ends: [TopicPartition: Int64],
    committed: [TopicPartition: Int64]
  ) {
    for (place, mark) in marks {
      let first = max(mark.low, starts[place] ?? mark.low)
      let end = min(mark.high, ends[place] ?? mark.high)
      let begin = min(max(first, committed[place] ?? first), max(first, end))
      passed += begin - first
      if begin < end { ranges[place] = begin..<end }
    }
  }

  var total: Int64 { ranges.values.reduce(0) { $0 + Int64($1.count) } }

  /// How many offsets were passed when these are the next ones.
  func done(_ positions: [TopicPartition: Int64]) -> Int64 {
    ranges.reduce(0) { sum, range in
      let next = positions[range.key] ?? range.value.lowerBound
      return sum + max(0, min(next, range.value.upperBound) - range.value.lowerBound)
    }
  }

  /// `3,200 of 10,000 offsets, 45 s left`
  func progress(_ positions: [TopicPartition: Int64], after took: Duration) -> String {
    let done = done(positions)
    let left = done > 0 && done < total ? took / Double(done) * Double(total - done) : nil
    return "\(grouped(Int(done))) of \(grouped(Int(total))) offsets" + (left.map { ", \(short($0)) left" } ?? "")
  }
}

/// Copies a part of a topic.
struct Replay: Sendable {
  let cluster: Cluster
  let topic: String
  /// Milliseconds since 1970.
  let from: Int64
  let to: Int64?
  let rate: Int

  struct Done: Hashable, Sendable {
    var records = 0
    var earlier: Int64 = 0
    var target: String
    var wasStopped = false

    var text: String {
      "\(counted(records, "record")) into \(target)"
        + (earlier > 0 ? "; an earlier run had passed \(counted(Int(earlier), "offset"))" : "")
        + (wasStopped ? "; stopped, the same command goes on" : "")
    }
  }

  static let header = "souk-replayed-from"

  private var isEmbedded: Bool {
    get async throws { try await cluster.admin.clusterID().hasPrefix(EmbeddedBroker.clusterIDPrefix) }
  }

  private func plan(_ group: String) async throws -> ReplayPlan {
    let places = try await cluster.partitions(of: topic)
    let marks = try await cluster.admin.watermarks(places)
    let committed = try await cluster.admin.committed(group: group, places).mapValues(\.offset)
    let hasTimes = try await !isEmbedded
    let starts = from > 0 && hasTimes ? try await cluster.admin.offsets(places, at: from) : [:]
    var ends: [TopicPartition: Int64] = [:]
    if let to, hasTimes { ends = try await cluster.admin.offsets(places, at: to) }
    return ReplayPlan(marks: marks, starts: starts, ends: ends, committed: committed)
  }

  /// - Parameter tell: given the progress in words, about once a second.
  func copy(
    into target: String, dryRun: Bool = false, stop: Interruption, tell: @escaping @Sendable (String) -> Void
  ) async throws -> Done {
    _ = try await cluster.partitions(of: target)
    let group = "souk-replay-\(topic)-\(target)"
    let plan = try await plan(group)
    var done = Done(earlier: plan.passed, target: target)
    if dryRun || plan.ranges.isEmpty {
      done.records = dryRun ? Int(plan.total) : 0
      return done
    }
    try await cluster.withProducer { producer in
      var pace = Pace(rate: rate)
      let began = ContinuousClock.now
      var positions: [TopicPartition: Int64] = [:]
      var said = ContinuousClock.now
      for (place, range) in plan.ranges.sorted(by: { $0.key < $1.key }) {
        var next = range.lowerBound
        while next < range.upperBound, !stop.isRaised {
          let chunk = try await records(place, next..<range.upperBound, stop: stop)
          for part in pace.parts(chunk.records.count) {
            var batch = OutgoingBatch()
            for record in chunk.records[part] { append(record, to: &batch, target) }
            if !batch.isEmpty { try await producer.send(batch) }
            done.records += batch.count
            try await pace.wait(after: batch.count)
          }
          next = chunk.next
          positions[place] = next
          try await cluster.admin.commit(group: group, [place: next])
          if .now - said > .seconds(1) {
            tell(plan.progress(positions, after: .now - began))
            said = .now
          }
        }
      }
    }
    done.wasStopped = stop.isRaised
    return done
  }

  private func append(_ record: ReadRecord, to batch: inout OutgoingBatch, _ target: String) {
    if let time = record.timestamp, time < from || time >= to ?? .max { return }
    let header = Header(Self.header, "\(record.place.topic)[\(record.place.partition)]@\(record.offset)")
    batch.append(
      topic: target, key: record.key, value: record.value,
      headers: record.headers.filter { $0.name != Self.header } + [header], timestamp: record.timestamp,
      partitionBy: record.value.flatMap { try? MessageBook.read(topic, key: record.key, value: $0) }?.partitionKey)
  }

  /// The next records of a partition, some thousands or some MiB of them, and the offset behind them.
  private func records(
    _ place: TopicPartition, _ range: Range<Int64>, stop: Interruption
  ) async throws -> (records: [ReadRecord], next: Int64) {
    let enough = Interruption()
    let found = Mutex<(records: [ReadRecord], bytes: Int)>(([], 0))
    try await cluster.read(
      place.topic, from: [place.partition: range.lowerBound], partitions: [place.partition], stop: enough
    ) { record in
      guard record.offset < range.upperBound else { return enough.raise() }
      let copy = ReadRecord(record)
      let isFull = found.withLock { found in
        guard found.records.count < 5_000, found.bytes < 16 << 20 else { return true }
        found.records.append(copy)
        found.bytes += (copy.value?.count ?? 0) + (copy.key?.count ?? 0)
        return false
      }
      if isFull || stop.isRaised { enough.raise() }
    }
    let (records, bytes) = found.withLock { $0 }
    let isWhole = records.count < 5_000 && bytes < 16 << 20 && !stop.isRaised
    // Behind the last record of the range there may be markers of transactions only.
    return (records, isWhole ? range.upperBound : (records.last?.offset ?? range.lowerBound - 1) + 1)
  }

  /// - Returns: how many offsets were committed.
  /// - Throws: `Failure` of class configuration when the group has committed before: it would repeat that.
  func begin(_ group: String, dryRun: Bool) async throws -> Int {
    let places = try await cluster.partitions(of: topic)
    guard try await cluster.admin.committed(group: group, places).isEmpty else {
      throw Failure(
        .configuration, code: "group_exists",
        "group \(group) has read \(topic) before; name a new one, or use `souk rewind` for a service")
    }
    let marks = try await cluster.admin.watermarks(places)
    let starts: [TopicPartition: Int64]
    if from <= 0 {
      starts = marks.mapValues(\.low)
    } else if try await isEmbedded {
      throw Failure(.configuration, code: "no_times", "an embedded broker cannot look up times; use --from earliest")
    } else {
      starts = try await cluster.admin.offsets(places, at: from)
    }
    if !dryRun { try await cluster.admin.commit(group: group, starts) }
    return starts.count
  }
}
