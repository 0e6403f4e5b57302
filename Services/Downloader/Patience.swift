import Runtime

/// Since when a source fails: what decides between trying again and giving up. Pure; the caller brings the time.
///
/// Only failures of sources count. An outage of our own store or broker hits every job alike and is waited out.
/// Both the job and the host are watched: the first finds the one file that never comes, the second keeps a dead
/// portal from holding every one of its files for the whole of the limit, one after the other.
struct Patience<ID: Hashable & Sendable>: Sendable {
  private struct Failing {
    var since: ContinuousClock.Instant
    var last: ContinuousClock.Instant
  }
  private var jobs: [ID: Failing] = [:]
  private var hosts: [String: Failing] = [:]
  /// nil: patience without end.
  let limit: Duration?
  /// Jobs handed to another instance never report back: beyond this many, the oldest are forgotten.
  private let capacity: Int

  init(limit: Duration?, capacity: Int = 65_536) {
    self.limit = limit
    self.capacity = capacity
  }

  /// - Returns: for how long the job or its host has only failed, when that reaches the limit; else nil.
  mutating func failed(_ job: ID, host: String, at now: ContinuousClock.Instant) -> Duration? {
    guard let limit else { return nil }
    let age = max(note(job, in: &jobs, now, limit), note(host, in: &hosts, now, limit))
    guard age >= limit else { return nil }
    jobs[job] = nil
    return age
  }

  /// The job has its verdict.
  /// - Parameter host: the host that gave a proper answer, be it a refusal; nil when it was not asked.
  mutating func settled(_ job: ID, host: String?) {
    jobs[job] = nil
    if let host { hosts[host] = nil }
  }

  var count: Int { jobs.count }

  private func note<Key>(
    _ key: Key, in table: inout [Key: Failing], _ now: ContinuousClock.Instant, _ limit: Duration
  ) -> Duration {
    var failing = table[key] ?? Failing(since: now, last: now)
    // Two failures with a long silence between say nothing about the time between them.
    if now - failing.last >= limit { failing.since = now }
    failing.last = now
    if table[key] == nil, table.count >= capacity, let oldest = table.min(by: { $0.value.last < $1.value.last })?.key {
      table[oldest] = nil
    }
    table[key] = failing
    return now - failing.since
  }
}
