import Commodities
import Core
import Feeds
import Markets
import Messages
import Values

/// All jobs of a catalogue, as a function of time: the same catalogue always gives the same jobs, in the same order and
/// with the same ids. No clock and no I/O, once the time zones are read.
///
/// Jobs are in the order of their due times; jobs of one time in the order of the schedules, then of their subjects.
package struct SchedulePlan: Sendable {
  /// A schedule with what each of its runs fetches.
  struct Entry: Sendable {
    var name: String
    var times: RunTimes
    var deadline: Duration?
    var missed: MissedRuns
    var missedLimit: Int
    var content: Content
    /// Seconds after the run, by the place in the content.
    var delays: [Int64]
    var longestDelay: Int64
  }
  enum Content: Sendable {
    case commodities(FetchSchedule, [CommoditySeries])
    /// The symbols of each task.
    case market(MarketSchedule, [[String]])
  }

  let entries: [Entry]
  /// Eight hexadecimal digits; catalogues with other jobs or another order have other digits.
  package let digest: String

  /// - Throws: a configuration `Failure` for an unknown time zone.
  package init(_ catalogue: CommodityCatalogue) throws(Failure) {
    var zones: [String: ZoneTable] = [:]
    var entries: [Entry] = []
    var identity = ""
    for schedule in catalogue.schedules {
      let zone: ZoneTable
      if let known = zones[schedule.zone] { zone = known } else {
        do {
          zone = try ZoneTable(identifier: schedule.zone)
        } catch {
          throw Failure(.configuration, code: error.code, "schedule '\(schedule.name)': zone: \(error.message)")
        }
        zones[schedule.zone] = zone
      }
      let series = catalogue.series(of: schedule)
      let spread = schedule.spread.components.seconds
      let delays = series.map { Self.delay(of: "\($0.key)", in: schedule.name, spread: spread) }
      entries.append(Entry(
        name: schedule.name, times: RunTimes(.cron(schedule.cron, zone)), deadline: schedule.deadline,
        missed: schedule.missed, missedLimit: schedule.missedLimit, content: .commodities(schedule, series),
        delays: delays, longestDelay: delays.max() ?? 0))
      identity += "\(schedule.name) \(schedule.task.rawValue) \(schedule.cron) \(schedule.zone) \(spread)\n"
      for one in series { identity += "\(one.key)\n" }
    }
    self.entries = entries
    digest = Self.digest(of: identity)
  }

  package init(_ catalogue: MarketCatalogue) {
    var identity = ""
    entries = catalogue.schedules.map { schedule in
      let tasks = schedule.tasks
      let (spread, delay) = (schedule.spread.components.seconds, schedule.delay.components.seconds)
      let delays = tasks.map { delay + Self.delay(of: $0.first ?? "", in: schedule.name, spread: spread) }
      identity += "\(schedule.name) \(schedule.subject) \(schedule.source.name) \(schedule.pace) \(delay) \(spread)\n"
      for task in tasks { identity += "\(task.joined(separator: " "))\n" }
      return Entry(
        name: schedule.name, times: schedule.times, deadline: schedule.deadline, missed: schedule.missed,
        missedLimit: schedule.missedLimit, content: .market(schedule, tasks), delays: delays,
        longestDelay: delays.max() ?? 0)
    }
    digest = Self.digest(of: identity)
  }

  private static func digest(of identity: String) -> String { String(SHA256.hash(identity).hex.prefix(8)) }

  package var names: [String] { entries.map(\.name) }
  package func name(of job: DueJob) -> String { entries[job.schedule].name }

  /// A subject always has the same delay, however the catalogue changes otherwise.
  private static func delay(of subject: String, in schedule: String, spread: Int64) -> Int64 {
    guard spread > 0 else { return 0 }
    let bytes = SHA256.hash("\(schedule) \(subject)").bytes
    return Int64(bytes.prefix(6).reduce(0) { $0 << 8 | UInt64($1) } % UInt64(spread))
  }

  /// All jobs that are due in `range`, in order.
  package func jobs(in range: Range<Int64>) -> [DueJob] {
    var jobs: [DueJob] = []
    guard !range.isEmpty else { return jobs }
    for (index, entry) in entries.enumerated() {
      let runs = (range.lowerBound - entry.longestDelay)..<range.upperBound
      for run in entry.times.times(in: runs) {
        for (place, delay) in entry.delays.enumerated() where range.contains(run + delay) {
          jobs.append(DueJob(dueAt: run + delay, runAt: run, schedule: index, place: place))
        }
      }
    }
    jobs.sort { ($0.dueAt, $0.schedule, $0.place, $0.runAt) < ($1.dueAt, $1.schedule, $1.place, $1.runAt) }
    return jobs
  }

  /// The first time after `instant` at which a job is due; nil when none ever is.
  package func next(after instant: Int64) -> Int64? {
    var next: Int64?
    for entry in entries where !entry.delays.isEmpty {
      // A run of the past may have jobs that are still due.
      var candidates = entry.longestDelay > 0
        ? entry.times.times(in: (instant - entry.longestDelay)..<(instant + 1)) : []
      if let run = entry.times.next(after: instant) { candidates.append(run) }
      for candidate in candidates {
        for delay in entry.delays where candidate + delay > instant {
          next = min(next ?? .max, candidate + delay)
        }
      }
    }
    return next
  }

  /// The message of a job. Its bytes depend on the catalogue and the due time only.
  /// - Parameter keepsDeadline: false for a replay, whose deadlines have long passed.
  package func task(of job: DueJob, keepsDeadline: Bool = true) -> PlannedTask {
    let entry = entries[job.schedule]
    let due = Self.timestamp(job.dueAt)
    let deadline = keepsDeadline ? entry.deadline.map { Self.timestamp(job.dueAt + $0.components.seconds) } : nil
    switch entry.content {
    case .commodities(let schedule, let all):
      let series = all[job.place]
      return .commodity(IngestionTask(
        task: schedule.task, material: series.material.name, country: series.country?.name,
        region: series.key.region, category: series.material.category, source: schedule.source,
        jobID: Self.jobID(
          schedule: entry.name, dueAt: due, task: schedule.task.rawValue, country: series.country?.name,
          material: series.material.name),
        schedule: entry.name, dueAt: due, deadline: deadline))
    case .market(let schedule, let tasks):
      let symbols = tasks[job.place]
      return .market(FetchTask(
        kind: schedule.kind, source: schedule.source.name, symbols: symbols, interval: schedule.interval?.rawValue,
        lookback: schedule.lookback?.components.seconds,
        jobID: Self.jobID(
          schedule: entry.name, dueAt: due, task: schedule.kind.rawValue, country: schedule.source.name,
          material: symbols.joined(separator: ",")),
        schedule: entry.name, dueAt: due, deadline: deadline))
    }
  }

  /// The first 32 hexadecimal digits of the SHA-256 of the job's parts, one per line.
  /// - Parameters:
  ///   - country: of market data the source.
  ///   - material: of market data the symbols.
  package static func jobID(
    schedule: String, dueAt: Timestamp, task: String, country: String?, material: String
  ) -> String {
    String(SHA256.hash("\(schedule)\n\(dueAt)\n\(task)\n\(country ?? "")\n\(material)").hex.prefix(32))
  }

  static func timestamp(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) ?? .epoch }
}

/// One job of one run.
package struct DueJob: Hashable, Sendable {
  /// Seconds since 1970.
  package var dueAt: Int64
  /// Its run: the time of the schedule, without delay and spread.
  package var runAt: Int64
  /// Indices of its schedule in the plan and of its subject there.
  var schedule: Int
  var place: Int
}

/// How far a plan is done: all jobs due before `instant`, and the first `done` jobs that are due at it.
package struct PlanPosition: Hashable, Sendable {
  /// Seconds since 1970.
  package var instant: Int64
  package var done = 0
}
