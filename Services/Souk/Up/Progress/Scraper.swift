import LocalServers

/// Turns what the processes say on `/metrics` into one reading per stage.
struct Scraper: Sendable {
  /// The counters of one process that a reading is made of.
  private struct Counters: Sendable {
    var consumed = CounterSum()
    var kept = CounterSum()
    var filtered = CounterSum()
    var deadLettered = CounterSum()
    var returned = CounterSum()
    var produced = CounterSum()
    /// What the process that runs now has taken in and not yet accounted for. A process that is gone holds nothing.
    var inHand: Int { consumed.last - kept.last - filtered.last - deadLettered.last - returned.last }
    /// Sources of which a pass has succeeded.
    var passed: Set<String> = []
    /// The newest event of feeds at the last look, in seconds.
    private var newest = 0.0

    /// When a source was last looked at from end to end.
    private static let marks: Set = [
      "souk_crawler_last_success_timestamp_seconds", "souk_egx_last_poll_timestamp_seconds",
      "souk_scheduler_replay_ended",
    ]

    /// - Parameter process: its name, which is that of its feed.
    mutating func observe(_ samples: MetricSamples, of process: String) {
      func value(_ names: String...) -> Int { names.reduce(0) { $0 + Int(samples.sum($1) ?? 0) } }
      // What begins the flow consumes listings, bars, events or time, not topics.
      let bars = value("souk_egx_bars_published_total", "souk_scheduler_jobs_sent_total", "souk_feed_events_total")
      let leftOut = value("souk_egx_bars_unchanged_total", "souk_egx_bars_unusable_total")
      consumed.observe(
        value("souk_records_consumed_total", "souk_crawler_files_listed_total") + bars + leftOut)
      kept.observe(value("souk_records_kept_total", "souk_crawler_files_emitted_total") + bars)
      filtered.observe(value("souk_records_skipped_total", "souk_crawler_files_skipped_total") + leftOut)
      deadLettered.observe(value("souk_records_dead_lettered_total"))
      returned.observe(value("souk_records_returned_total"))
      produced.observe(value("souk_records_produced_total"))
      passed = Set(samples.samples.lazy
        .filter { Self.marks.contains($0.name) && $0.value > 0 }
        .map { $0.labels["source"] ?? $0.name })
      // A feed has no end: one that says nothing new between two looks, without a gap, has been
      // passed over.
      let latest = samples.sum("souk_feed_newest_timestamp_seconds") ?? 0
      let isListening = samples.sum("souk_feed_connections") ?? 0 > 0 && samples.sum("souk_feed_gaps_open") ?? 0 == 0
      if latest > 0, latest == newest, isListening { passed.insert(process) }
      newest = latest
    }
  }
  private var counters: [String: Counters] = [:]

  /// - Parameters:
  ///   - process: the process' name in the fleet.
  ///   - text: its `/metrics`.
  mutating func observe(_ process: String, _ text: String) {
    counters[process, default: Counters()].observe(MetricSamples(text: text), of: process)
  }

  /// The sum over the processes of one stage.
  func stage(_ name: String, processes: [String]) -> StageReading {
    var reading = StageReading(name: name)
    for process in processes {
      guard let counters = counters[process] else { continue }
      reading.consumed += counters.consumed.total
      reading.kept += counters.kept.total
      reading.filtered += counters.filtered.total
      reading.deadLettered += counters.deadLettered.total
      reading.produced += counters.produced.total
      reading.inHand += counters.inHand
    }
    return reading
  }

  /// How many sources these crawlers have passed over at least once; one that moved counts once.
  func passedSources(_ processes: [String]) -> Int {
    processes.reduce(into: Set<String>()) { $0.formUnion(counters[$1]?.passed ?? []) }.count
  }
}

/// Counters of a process that may be restarted: its numbers begin at 0 again, the sum goes on.
struct CounterSum: Hashable, Sendable {
  private var before = 0
  /// What the process that runs now has counted.
  private(set) var last = 0
  /// How often the numbers began again.
  private(set) var resets = 0

  var total: Int { before + last }

  mutating func observe(_ value: Int) {
    if value < last {
      before += last
      resets += 1
    }
    last = value
  }
}
