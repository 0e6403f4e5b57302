import Commodities
import Core
import Messages
import Values

/// All jobs of a catalogue, as a function of time: the same catalogue always gives the same jobs, in the same order and
/// with the same ids. No clock and no I/O, once the time zones are read.
///
/// Jobs are in the order of their due times; jobs of one time in the order of the schedules, then of their series.
package struct SchedulePlan: Sendable {
  /// A schedule with the series of its runs.
  struct Entry: Sendable {
    var schedule: FetchSchedule
    var zone: ZoneTable
    var series: [CommoditySeries]
    /// Seconds after the run, by series.
    var delays: [Int64]
    var longestDelay: Int64
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
      let delays = series.map { Self.delay(of: $0, in: schedule, spread: spread) }
      entries.append(Entry(
        schedule: schedule, zone: zone, series: series, delays: delays, longestDelay: delays.max() ?? 0))
      identity += "\(schedule.name) \(schedule.task.rawValue) \(schedule.cron) \(schedule.zone) \(spread)\n"
      for one in series { identity += "\(one.key)\n" }
    }
    self.entries = entries
    digest = String(SHA256.hash(identity).hex.prefix(8))
  }

  package var schedules: [FetchSchedule] { entries.map(\.schedule) }
  package func name(of job: DueJob) -> String { entries[job.schedule].schedule.name }
  package func series(of job: DueJob) -> CommoditySeries { entries[job.schedule].series[job.series] }

  /// A series always has the same delay, however the catalogue changes otherwise.
  private static func delay(of series: CommoditySeries, in schedule: FetchSchedule, spread: Int64) -> Int64 {
    guard spread > 0 else { return 0 }
    let bytes = SHA256.hash("\(schedule.name) \(series.key)").bytes
    return Int64(bytes.prefix(6).reduce(0) { $0 << 8 | UInt64($1) } % UInt64(spread))
  }

  /// All jobs that are due in `range`, in order.
  package func jobs(in range: Range<Int64>) -> [DueJob] {
    var jobs: [DueJob] = []
    guard !range.isEmpty else { return jobs }
    for (index, entry) in entries.enumerated() {
      let runs = (range.lowerBound - entry.longestDelay)..<range.upperBound
      for run in entry.schedule.cron.times(in: runs, zone: entry.zone) {
        for (place, delay) in entry.delays.enumerated() where range.contains(run + delay) {
          jobs.append(DueJob(dueAt: run + delay, runAt: run, schedule: index, series: place))
        }
      }
    }
    jobs.sort { ($0.dueAt, $0.schedule, $0.series, $0.runAt) < ($1.dueAt, $1.schedule, $1.series, $1.runAt) }
    return jobs
  }

  /// The first time after `instant` at which a job is due; nil when none ever is.
  package func next(after instant: Int64) -> Int64? {
    var next: Int64?
    for entry in entries where !entry.series.isEmpty {
      guard let run = entry.schedule.cron.next(after: instant, zone: entry.zone) else { continue }
      var candidates = entry.longestDelay > 0
        ? entry.schedule.cron.times(in: (instant - entry.longestDelay)..<(instant + 1), zone: entry.zone) : []
      candidates.append(run)
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
  package func task(of job: DueJob, keepsDeadline: Bool = true) -> IngestionTask {
    let entry = entries[job.schedule]
    let series = entry.series[job.series]
    let due = Self.timestamp(job.dueAt)
    let deadline = keepsDeadline ? entry.schedule.deadline : nil
    return IngestionTask(
      task: entry.schedule.task, material: series.material.name, country: series.country?.name,
      region: series.key.region, category: series.material.category, source: entry.schedule.source,
      jobID: Self.jobID(
        schedule: entry.schedule.name, dueAt: due, task: entry.schedule.task, country: series.country?.name,
        material: series.material.name),
      schedule: entry.schedule.name, dueAt: due,
      deadline: deadline.map { Self.timestamp(job.dueAt + $0.components.seconds) })
  }

  /// The first 32 hexadecimal digits of the SHA-256 of the job's parts, one per line.
  package static func jobID(
    schedule: String, dueAt: Timestamp, task: IngestionTask.Kind, country: String?, material: String
  ) -> String {
    String(SHA256.hash("\(schedule)\n\(dueAt)\n\(task.rawValue)\n\(country ?? "")\n\(material)").hex.prefix(32))
  }

  static func timestamp(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) ?? .epoch }
}

/// One job of one run.
package struct DueJob: Hashable, Sendable {
  /// Seconds since 1970.
  package var dueAt: Int64
  /// Its run: the time of the cron expression, without the spread.
  package var runAt: Int64
  /// Indices of its schedule and its series in the plan.
  var schedule: Int
  var series: Int
}

/// How far a plan is done: all jobs due before `instant`, and the first `done` jobs that are due at it.
package struct PlanPosition: Hashable, Sendable {
  /// Seconds since 1970.
  package var instant: Int64
  package var done = 0
}
