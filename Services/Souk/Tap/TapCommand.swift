import ArgumentParser
import Catalogue
import Core
import Kafka
import Operations
import ServiceKit
import Synchronization

/// `souk tap`
struct TapCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tap", abstract: "Show the records of a topic, live or from a time.",
    discussion: """
      Reads in no group and commits nothing. Without --from it begins at the end and shows what comes; with --from it \
      shows what is there since then and goes on, unless --no-follow. Conditions look into the JSON of the value: \
      chain=shufersal, items.price>10, reason~timeout. Secrets, passwords in URLs and signatures are hidden.

      Examples:
        souk tap gogobe.files.discovered
        souk tap market-bars --from 10m --key AAPL -n 20
        souk tap gogobe.products.ingest --from 1h --where chain=shufersal --no-follow -o json
      """)

  @Argument(help: "The topic.") var topic: String
  @Option(help: ArgumentHelp("Begin there: 10m (so long ago), an RFC 3339 time, or 'earliest'.", valueName: "time"))
  var from: TapStart?
  @Option(
    name: .customLong("where"), parsing: .singleValue,
    help: ArgumentHelp("Only records whose value has this (repeatable).", valueName: "field=value"))
  var conditions: [Condition] = []
  @Option(help: "Only records with this key.") var key: String?
  @Option(name: [.customShort("n"), .long], help: ArgumentHelp("Stop after so many records.", valueName: "records"))
  var number: Int?
  @Option(name: .customLong("partition"), parsing: .singleValue, help: "Only this partition (repeatable).")
  var partitions: [Int32] = []
  @Flag(inversion: .prefixedNo, help: "Go on behind the present end.") var follow = true
  @Flag(help: "Print headers, too.") var headers = false
  @OptionGroup var output: OutputOptions
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  func validate() throws {
    if let number, number < 1 { throw ValidationError("--number must be at least 1") }
    if from == nil, !follow { throw ValidationError("--no-follow shows nothing without --from") }
    if partitions.contains(where: { $0 < 0 }) { throw ValidationError("--partition must not be negative") }
  }

  func run() async throws {
    let stop = stopSignals()
    let terminal = Terminal.standardOutput.isWide(output.wide)
    let count = try await show(try Cluster(kafka), stop: stop, terminal) { print($0) }
    if count == 0, !follow { throw Failure(.data, code: "no_records", "no record matches; nothing was printed") }
  }

  /// - Parameter write: called on the reader's thread.
  /// - Returns: how many records were written.
  func show(
    _ cluster: Cluster, stop: Interruption, _ terminal: Terminal, write: @escaping @Sendable (String) -> Void
  ) async throws -> Int {
    let places = try await cluster.partitions(of: topic)
    if let wrong = partitions.first(where: { !places.contains(TopicPartition(topic, $0)) }) {
      throw Failure(
        .configuration, code: "no_such_partition", "\(topic) has \(places.count) partitions and no number \(wrong)")
    }
    let chosen = partitions.isEmpty ? places : places.filter { partitions.contains($0.partition) }
    let since = from?.milliseconds
    var starts: [Int32: Int64] = [:]
    if let since { starts = try await cluster.starts(chosen, at: since) }
    let shown = Mutex(0)
    try await cluster.read(
      topic, from: starts, partitions: Set(chosen.map(\.partition)), atEnd: from == nil, follows: follow, stop: stop
    ) { record in
      if stop.isRaised { return }
      let record = ReadRecord(record)
      if let since, let time = record.timestamp, time < since { return }
      guard matches(record) else { return }
      write(text(record, terminal))
      let count = shown.withLock { count in
        count += 1
        return count
      }
      if let number, count >= number { stop.raise() }
    }
    return shown.withLock { $0 }
  }

  private func matches(_ record: ReadRecord) -> Bool {
    if let key, record.key.map({ String(decoding: $0, as: UTF8.self) }) != key { return false }
    if conditions.isEmpty { return true }
    guard let value = record.value.flatMap({ DataValue(parsing: $0) }) else { return false }
    return conditions.allSatisfy { $0.matches(value) }
  }

  func text(_ record: ReadRecord, _ terminal: Terminal) -> String {
    let key = record.key.map { String(decoding: $0, as: UTF8.self) }
    let value = record.value.map { Masked.value($0) } ?? .null
    var fields: [DataValue.Field] = [
      .init("topic", .text(record.place.topic)), .init("partition", .integer(Int64(record.place.partition))),
      .init("offset", .integer(record.offset)), .init("time", DataValue(clockText(record.timestamp))),
      .init("key", DataValue(key)), .init("value", value),
    ]
    if headers {
      fields.append(.init("headers", .object(record.headers.map { .init($0.name, .text($0.text)) })))
    }
    return output.text(.object(fields), lines(record, key, value, terminal))
  }

  /// One line, and with `--headers` one more for each header.
  private func lines(_ record: ReadRecord, _ key: String?, _ value: DataValue, _ terminal: Terminal) -> [String] {
    let time = clockText(record.timestamp) ?? "-"
    let place = record.id.padded(to: 9)
    // Control characters in a record must not control the terminal.
    let body = (record.value == nil ? "(tombstone)" : value.json).map { $0.isNewline || $0 < " " ? " " : $0 }
    var line = "\(time.padded(to: 24))  \(place)  \(key ?? "-")  \(String(body))"
    if let width = terminal.width, line.count > width { line = line.prefix(width - 1) + "…" }
    if !headers { return [line] }
    return [line] + record.headers.map { "  \($0.name): \($0.text)" }
  }
}
