import Kafka
import ServiceKit

/// Groups as a table and as data.
package struct LagReport {
  package enum Detail { case group, topic, partition }
  package let readings: [GroupLag]
  package let slowAfter: Duration

  package init(readings: [GroupLag], slowAfter: Duration) {
    (self.readings, self.slowAfter) = (readings, slowAfter)
  }

  package func report(by detail: Detail) -> Report {
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
