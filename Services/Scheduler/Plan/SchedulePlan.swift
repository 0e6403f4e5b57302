import Markets
import Runtime
import Schemas

/// Everything that will ever be due, as a function of time: the same catalogue gives the same jobs, in the same order
/// and with the same ids, to whoever asks and however often. No clock and no I/O, once the zones are read.
///
/// Jobs are in the order of their due times; those of one time in the order of the schedules, then of their series.
package struct SchedulePlan: Sendable {
  /// A schedule with what each of its runs fetches.
  struct Entry: Sendable {
    var schedule: FetchSchedule
    var zone: ZoneTable
    var series: [MarketSeries]
    /// Seconds behind the run, by series.
    var delays: [Int64]
    var longestDelay: Int64
  }

  let entries: [Entry]
  /// Eight hexadecimal digits that differ between catalogues whose jobs differ in number or order.
  package let digest: String

  /// - Throws: a configuration `Failure` for a zone that the host does not know.
  package init(_ catalogue: MarketCatalogue) throws(Failure) {
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
  package func series(of job: DueJob) -> MarketSeries { entries[job.schedule].series[job.series] }

  /// A series is always at the same place of the spread, wherever else the catalogue changes.
  private static func delay(of series: MarketSeries, in schedule: FetchSchedule, spread: Int64) -> Int64 {
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
    // Schedules were gone through one after the other, and so were the runs and series of each.
    jobs.sort { ($0.dueAt, $0.schedule, $0.series, $0.runAt) < ($1.dueAt, $1.schedule, $1.series, $1.runAt) }
    return jobs
  }

  /// The first time after `instant` at which anything is due; nil when nothing ever is.
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
  /// - Parameter keepsDeadline: false for a replay of times whose deadlines are long over.
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

  /// The first 32 hexadecimal digits of the SHA-256 of what makes a job this one, one part a line.
  package static func jobID(
    schedule: String, dueAt: Timestamp, task: IngestionTask.Kind, country: String?, material: String
  ) -> String {
    String(SHA256.hash("\(schedule)\n\(dueAt)\n\(task.rawValue)\n\(country ?? "")\n\(material)").hex.prefix(32))
  }

  static func timestamp(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) ?? .epoch }
}
