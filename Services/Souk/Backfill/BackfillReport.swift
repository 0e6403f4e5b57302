import Core
import Feeds
import Markets
import Messages
import Operations
import ServiceKit
import Values

/// How far a back-fill is.
struct BackfillReport {
  let job: BackfillJob
  let total: Int
  let standing: BackfillPlan.Standing
  private let from: String
  private let until: String
  /// Some of what a provider refused, with its words.
  let refusals: [String]

  init(_ job: BackfillJob, _ known: BackfillPlan.Known) throws {
    let times = MarketTimes(try NYSECalendar())
    let plan = BackfillPlan(job)
    self.job = job
    total = plan?.size ?? 0
    standing = plan?.standing(known) ?? .init()
    (from, until) = (times.date(job.fromNs), times.date(job.untilNs - 1))
    let symbols = Set(job.symbols)
    refusals = known.values
      .filter {
        $0.state == .refused && symbols.contains($0.symbol) && $0.feed == job.feed && $0.interval == job.interval
          && $0.fromNs < job.untilNs && $0.untilNs > job.fromNs
      }
      .map { "\($0.symbol) \($0.period): \($0.reason ?? "")" }.sorted()
  }

  var remaining: Int { total - standing.done - standing.refused }

  static func print(_ reports: [BackfillReport], _ output: OutputFormat) {
    guard output == .table else {
      for report in reports {
        Swift.print(output.text(ofJSON: report.json(state: report.remaining == 0 ? "finished" : "open")))
      }
      return
    }
    guard !reports.isEmpty else { return Swift.print("there was no back-fill") }
    var table = TextTable([
      "JOB", "FEED", "BARS OF", .right("SYMBOLS"), "FROM", "TO", .right("DONE"), .right("OF"), .right("REFUSED"),
      .right("BARS"), "STARTED",
    ])
    for report in reports {
      let job = report.job
      table.append([
        job.jobID, job.feed, job.interval, grouped(job.symbols.count), report.from, report.until,
        grouped(report.standing.done), grouped(report.total), grouped(report.standing.refused),
        grouped(Int(report.standing.bars)), Timestamp(microseconds: job.startedNs / 1_000)?.description ?? "",
      ])
    }
    Swift.print(table.lines.joined(separator: "\n"))
  }

  func json(state: String, _ more: [DataValue.Field] = []) -> String {
    let fields: [DataValue.Field] = [
      .text("state", state), .text("job_id", job.jobID), .text("feed", job.feed), .text("interval", job.interval),
      .text("from", from), .text("to", until), .count("symbols", job.symbols.count), .count("periods", total),
      .count("done", standing.done), .count("refused", standing.refused), .count("remaining", remaining),
      .count("bars", Int(standing.bars)), .texts("refusals", Array(refusals.prefix(100))),
    ]
    return DataValue.object(fields + more).json
  }

  /// What a person is told in the end.
  func lines(_ reading: BackfillProgress.Reading) -> [String] {
    var lines = [
      "\(grouped(standing.done)) of \(grouped(total)) periods are done, \(grouped(Int(standing.bars))) bars",
      "this run fetched \(grouped(Int(reading.bars))) with \(grouped(reading.requests)) requests in "
        + "\(DurationSetting.rounded(reading.elapsed))"
    ]
    if reading.unreadable > 0 { lines.append("\(grouped(reading.unreadable)) rows could not be read") }
    if standing.refused > 0 {
      lines.append("\(grouped(standing.refused)) periods were refused (--retry-refused asks again):")
      lines += refusals.prefix(10).map { "  \($0)" }
      if refusals.count > 10 { lines.append("  and \(grouped(refusals.count - 10)) more") }
    }
    return lines
  }
}

/// What a back-fill would cost.
struct BackfillEstimate {
  private let plan: BackfillPlan
  private let standing: BackfillPlan.Standing
  private let cost: BackfillPlan.Cost
  private let source: DataSource
  private let time: Duration

  init(_ plan: BackfillPlan, _ known: BackfillPlan.Known, _ cost: BackfillPlan.Cost, _ source: DataSource) {
    self.plan = plan
    self.cost = cost
    self.source = source
    standing = plan.standing(known)
    time = BudgetTime.least(cost.requests, source.limits)
  }

  func print(_ output: OutputFormat) {
    let limits = source.limits.limits.map(\.text)
    guard output == .table else {
      let fields: [DataValue.Field] = [
        .text("provider", source.name), .count("symbols", plan.symbols.count), .count("periods", plan.size),
        .count("done", standing.done), .count("refused", standing.refused), .count("to_fetch", cost.chunks),
        .count("requests_at_most", cost.requests), .count("bars_at_most", cost.bars),
        .count("seconds_at_least", Int(time / .seconds(1))), .texts("limits", limits),
      ]
      return Swift.print(output.text(ofJSON: DataValue.object(fields).json))
    }
    let settled = standing.done + standing.refused
    Swift.print("""
      \(grouped(plan.symbols.count)) symbols, \(grouped(plan.size)) periods: \(grouped(settled)) are settled, \
      \(grouped(cost.chunks)) are to be fetched from \(source.name)
      at most \(grouped(cost.requests)) requests and \(grouped(cost.bars)) bars
      at least \(DurationSetting.rounded(time)) under its limits (\(limits.isEmpty
        ? "none" : limits.joined(separator: ", "))), less what others spend of them
      """)
  }
}

/// Shows a back-fill's progress while it runs.
final class BackfillScreen: Sendable {
  private let plan: BackfillPlan
  private let progress: BackfillProgress
  private let output: OutputFormat
  private let screen = Screen.standardOutput()

  init(_ plan: BackfillPlan, _ progress: BackfillProgress, _ output: OutputFormat) {
    self.plan = plan
    self.progress = progress
    self.output = output
  }

  /// Until it is cancelled.
  func run() async {
    while !Task.isCancelled {
      let reading = progress.reading
      if output != .table {
        screen.say(output.text(ofJSON: Self.json(reading)))
      } else {
        screen.show([line(reading)])
      }
      try? await Task.sleep(for: screen.isTerminal ? .milliseconds(500) : .seconds(5))
    }
  }

  func end(_ report: BackfillReport, isFinished: Bool) {
    let reading = progress.reading
    if output != .table {
      let json = report.json(state: isFinished ? "finished" : "stopped", [
        .count("fetched_bars", Int(reading.bars)), .count("requests", reading.requests),
      ])
      return screen.say(output.text(ofJSON: json))
    }
    screen.settle()
    for line in report.lines(reading) { screen.say(line) }
  }

  private func line(_ reading: BackfillProgress.Reading) -> String {
    let eta = reading.remaining == 0 ? "" : reading.eta.map { ", \(DurationSetting.rounded($0)) left" } ?? ""
    let waiting = reading.waiting.map { "; waits: \($0)" } ?? ""
    return "\(plan.feed.rawValue) \(plan.interval.rawValue): \(grouped(reading.before + reading.settled)) of "
      + "\(grouped(reading.total)) periods, \(grouped(Int(reading.bars))) bars (\(grouped(reading.barsPerSecond))/s), "
      + "\(grouped(reading.requests)) requests\(eta)\(waiting)"
  }

  static func json(_ reading: BackfillProgress.Reading) -> String {
    var fields: [DataValue.Field] = [
      .text("state", "running"), .count("periods", reading.total),
      .count("done", reading.before + reading.settled - reading.refused), .count("refused", reading.refused),
      .count("remaining", reading.remaining), .count("fetched_bars", Int(reading.bars)),
      .count("requests", reading.requests),
    ]
    if let eta = reading.eta { fields.append(.count("eta_seconds", Int(eta / .seconds(1)))) }
    if let waiting = reading.waiting { fields.append(.text("waits", waiting)) }
    return DataValue.object(fields).json
  }
}

extension DataValue.Field {
  fileprivate static func text(_ name: String, _ text: String) -> Self { Self(name, .text(text)) }
  fileprivate static func texts(_ name: String, _ texts: [String]) -> Self {
    Self(name, .list(texts.map { .text($0) }))
  }
  fileprivate static func count(_ name: String, _ count: Int) -> Self { Self(name, .integer(Int64(count))) }
}

extension DurationSetting {
  /// For people: `42 s`, `12 min`, `3 h 20 min`, `4 d 3 h`.
  static func rounded(_ duration: Duration) -> String {
    let seconds = Int64((duration / .seconds(1)).rounded(.up))
    switch seconds {
    case ..<120: return "\(seconds) s"
    case ..<7_200: return "\(seconds / 60) min"
    case ..<172_800: return "\(seconds / 3_600) h \(seconds / 60 % 60) min"
    default: return "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
    }
  }
}
