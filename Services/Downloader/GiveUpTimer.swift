/// Measures how long each job and each host has only failed, to choose between a retry and giving up. Pure; the caller
/// passes the time.
///
/// Only failures of sources count; an outage of the store or of Kafka never gives a job up. The job's time finds a
/// single file that never arrives. The host's time keeps a dead portal from holding each of its files for the whole
/// limit, one after the other.
struct GiveUpTimer<ID: Hashable & Sendable>: Sendable {
  private struct Failing {
    var since: ContinuousClock.Instant
    var last: ContinuousClock.Instant
  }
  private var jobs: [ID: Failing] = [:]
  private var hosts: [String: Failing] = [:]
  /// nil: never gives up.
  let limit: Duration?
  /// Jobs that moved to another instance are never settled here: beyond this number the oldest are dropped.
  private let capacity: Int

  init(limit: Duration?, capacity: Int = 65_536) {
    self.limit = limit
    self.capacity = capacity
  }

  /// - Returns: how long the job or its host has only failed, once that reaches the limit; else nil.
  mutating func failed(_ job: ID, host: String, at now: ContinuousClock.Instant) -> Duration? {
    guard let limit else { return nil }
    let age = max(note(job, in: &jobs, now, limit), note(host, in: &hosts, now, limit))
    guard age >= limit else { return nil }
    jobs[job] = nil
    return age
  }

  /// The job has ended.
  /// - Parameter host: the host that answered, even with a refusal; nil when it was not asked.
  mutating func settled(_ job: ID, host: String?) {
    jobs[job] = nil
    if let host { hosts[host] = nil }
  }

  var count: Int { jobs.count }

  private func note<Key>(
    _ key: Key, in table: inout [Key: Failing], _ now: ContinuousClock.Instant, _ limit: Duration
  ) -> Duration {
    var failing = table[key] ?? Failing(since: now, last: now)
    // The time between two failures far apart does not count.
    if now - failing.last >= limit { failing.since = now }
    failing.last = now
    if table[key] == nil, table.count >= capacity, let oldest = table.min(by: { $0.value.last < $1.value.last })?.key {
      table[oldest] = nil
    }
    table[key] = failing
    return now - failing.since
  }
}
