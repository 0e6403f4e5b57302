import ArgumentParser
import Catalogue
import Core
import Kafka
import Operations
import Options
import ServiceKit

/// `souk lag`
struct LagCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lag", abstract: "How far each consumer group is behind, in records and in time.",
    discussion: """
      LAG counts the records from the committed offsets to the ends of the topics. TIME LAG is the age of the oldest \
      of them, read from the topic. RATE is what the group commits a second between two looks, DRAIN how long the rest \
      takes at that rate and the present inflow. Verdicts: ok; slow (older than --slow-after, and working); stuck (the \
      same, and nothing was committed between the looks); stopped (no member); never ran (no member and no commit). \
      archiver and s3-consumer commit what they hold with its object, minutes later.

      Exits with 2 when a group is beyond --max-lag or --max-time-lag.

      Examples:
        souk lag
        souk lag db-writer --partitions
        souk lag --system prices --max-time-lag 15m || notify
        souk lag -o json | jq '.groups[] | select(.verdict != "ok") | .group'
      """)

  @Argument(help: "Only these groups; the name of a service stands for all of its groups.")
  var groups: [String] = []

  @Option(help: "Only the groups of this system.")
  var system: FleetSystem?

  @Flag(help: "One line for each topic of a group.")
  var topics = false

  @Flag(help: "One line for each partition, with committed and end offsets.")
  var partitions = false

  @Option(help: ArgumentHelp("Time between the two looks that rates are made of; 0s for one look.",
                             valueName: "duration"))
  var over = DurationSetting(.seconds(2))

  @Option(help: ArgumentHelp("How old the oldest waiting record may be before a group is slow or stuck.",
                             valueName: "duration"))
  var slowAfter = DurationSetting(.seconds(600))

  @Option(help: ArgumentHelp("Exit with 2 when a group is further behind.", valueName: "records"))
  var maxLag: Int?

  @Option(help: ArgumentHelp("Exit with 2 when a record waits longer.", valueName: "duration"))
  var maxTimeLag: DurationSetting?

  @OptionGroup var output: OutputOptions
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  func validate() throws { _ = try chosen() }

  private func chosen() throws -> [ConsumerGroup] {
    let services = system?.services ?? ServiceCatalogue.all
    if groups.isEmpty { return services.flatMap(\.groups) }
    return try groups.flatMap { name in
      let found = services.flatMap { service in
        service.groups.filter { $0.name == name || service.name == name }
      }
      guard found.isEmpty else { return found }
      let known = services.flatMap(\.groups).map(\.name)
      let near = nearestName(to: name, among: known).map { "did you mean '\($0)'?" }
      throw ValidationError("no group is called '\(name)'; \(near ?? "there are \(known.joined(separator: ", "))")")
    }
  }

  func run() async throws {
    let survey = LagSurvey(cluster: try Cluster(kafka))
    let readings = try await survey.read(try chosen(), window: over.duration)
    let detail: LagReport.Detail = partitions ? .partition : topics ? .topic : .group
    output.print(LagReport(readings: readings, slowAfter: slowAfter.duration).report(by: detail))
    if let silent = readings.first(where: { $0.silence != nil }) {
      throw Failure(
        .transient, code: "lag_unknown", """
        the brokers did not say how far \(readings.count { $0.silence != nil }) groups are; \(silent.group): \
        \(silent.silence ?? "")
        """)
    }
    if readings.contains(where: { $0.exceeds(records: maxLag, age: maxTimeLag?.duration) }) { throw ExitCode(2) }
  }
}

/// Groups as a table and as data.
struct LagReport {
  enum Detail { case group, topic, partition }
  let readings: [GroupLag]
  let slowAfter: Duration

  func report(by detail: Detail) -> Report {
    var columns: [Report.Column] = [.text("group", "GROUP")]
    if detail != .group { columns.append(.text("topic", "TOPIC", least: 12)) }
    if detail == .partition {
      columns += [
        .number("partition", "PART"), .number("committed", "COMMITTED", rank: 1), .number("end", "END", rank: 2),
      ]
    }
    columns += [
      .number("lag", "LAG"), .number("time_lag_seconds", "TIME LAG"),
      .number("rate_per_second", "RATE/s", rank: detail == .group ? 1 : 3), .number("drain_seconds", "DRAIN", rank: 4),
    ]
    if detail == .group { columns += [.text("state", "STATE", rank: 6), .number("members", "MEMBERS", rank: 2)] }
    columns.append(.text("verdict", "VERDICT"))
    columns.append(.number("deleted_unread", "DELETED UNREAD", rank: 5))
    var report = Report("groups", columns)
    for reading in readings {
      let verdict = reading.verdict(slowAfter: slowAfter)
      for part in parts(of: reading, by: detail) {
        append(part, of: reading, verdict, detail, to: &report)
      }
    }
    total(detail, in: &report)
    return report
  }

  private func parts(of reading: GroupLag, by detail: Detail) -> [GroupLag] {
    if detail == .group || reading.partitions.isEmpty { return [reading] }
    let parts: [[PartitionStanding]] = detail == .partition
      ? reading.partitions.map { [$0] }
      : Dictionary(grouping: reading.partitions, by: \.place.topic).sorted { $0.key < $1.key }.map(\.value)
    return parts.map { partitions in
      var part = reading
      part.partitions = partitions
      return part
    }
  }

  private func append(
    _ part: GroupLag, of whole: GroupLag, _ verdict: LagVerdict, _ detail: Detail, to report: inout Report
  ) {
    var cells: [Report.Cell] = [.text(part.group)]
    let first = part.partitions.first
    if detail != .group { cells.append(.text(first?.place.topic)) }
    if detail == .partition {
      cells.append(.count(first.map { Int($0.place.partition) }))
      cells += [.count(first?.committed), .count(first?.end)]
    }
    let isKnown = part.silence == nil
    cells += [
      .count(isKnown ? part.lag : nil), .time(isKnown ? part.timeLag : nil), Self.rate(isKnown ? part.rate : nil),
      Self.drain(part),
    ]
    if detail == .group {
      let state = part.state.map { Self.words($0.name) }
      cells += [.text(state), .count(part.state?.members.count)]
    }
    cells.append(.text(verdict.rawValue))
    cells.append(.count(part.deleted))
    report.append(cells, part.deleted > 0 ? .bad : verdict.tone)
  }

  private func total(_ detail: Detail, in report: inout Report) {
    let all = readings.flatMap(\.partitions)
    var sum = GroupLag(group: "total", partitions: all, window: .zero, now: readings.map(\.now).max() ?? 0)
    sum.window = readings.map(\.window).max() ?? .zero
    let verdicts = readings.map { $0.verdict(slowAfter: slowAfter) }
    report.fields = [.init("total", .object([
      .init("groups", .integer(Int64(readings.count))), .init("lag", .integer(sum.lag)),
      .init("time_lag_seconds", DataValue(seconds: sum.timeLag)),
      .init("deleted_unread", .integer(sum.deleted)),
      .init("verdicts", .object(LagVerdict.allCases.compactMap { verdict in
        let count = verdicts.count { $0 == verdict }
        return count > 0 ? .init(verdict.rawValue, .integer(Int64(count))) : nil
      })),
    ]))]
    let verdictCounts = LagVerdict.allCases.compactMap { verdict -> String? in
      let count = verdicts.count { $0 == verdict }
      return count > 0 ? "\(count) \(verdict.rawValue)" : nil
    }.joined(separator: ", ")
    let time = sum.timeLag.map { $0 > .zero ? ", the oldest waits \(short($0))" : "" } ?? ""
    report.notes = [
      "total: \(grouped(Int(sum.lag))) records\(time); \(Self.groups(readings.count)): \(verdictCounts)",
    ]
    for reading in readings where reading.deleted > 0 {
      let count = grouped(Int(reading.deleted))
      report.notes.append("\(reading.group): \(count) records were deleted by the retention before they were read")
    }
    for reading in readings { if let silence = reading.silence { report.notes.append("\(reading.group): \(silence)") } }
  }

  private static func groups(_ count: Int) -> String { counted(count, "group") }

  private static func rate(_ rate: Double?) -> Report.Cell {
    guard let rate else { return Report.Cell(.null, "-") }
    let rounded = rate < 10 ? (rate * 10).rounded() / 10 : rate.rounded()
    return Report.Cell(.number(rounded), rate < 10 ? "\(rounded)".replacing(".0", with: "") : grouped(Int(rounded)))
  }

  private static func drain(_ part: GroupLag) -> Report.Cell {
    if part.rate == nil || part.silence != nil { return Report.Cell(.null, "-") }
    return part.drain.map { .time($0) } ?? Report.Cell(.null, "never")
  }

  private static func words(_ state: String) -> String {
    switch state {
    case "PreparingRebalance", "CompletingRebalance": "rebalancing"
    case "Dead": "none"
    default: state.lowercased()
    }
  }
}
