import Core

extension SchedulePlan {
  /// Why past jobs are not sent.
  package enum Omission: String, CaseIterable, Hashable, Sendable {
    /// The schedule says `missed: skip`.
    case skipped
    /// Older than the runs that the schedule catches up.
    case overLimit = "over_limit"
    /// Its deadline has passed.
    case expired
  }

  /// The jobs due from a position on.
  package struct Slice: Hashable, Sendable {
    /// Jobs to send, in order.
    package var jobs: [DueJob] = []
    /// Jobs that are never sent, by schedule.
    package var omitted: [String: [Omission: Int]] = [:]
    /// The position after them.
    package var end: PlanPosition
    /// No other job is due now.
    package var isLast: Bool
  }

  /// The jobs due from `position` to `now`, about `count` of them.
  ///
  /// A run more than `grace` before `now` was missed; its schedule's policy applies.
  package func due(from position: PlanPosition, now: Int64, grace: Duration, count: Int) -> Slice {
    var slice = Slice(end: position, isLast: true)
    guard position.instant <= now else { return slice }
    let late = now - grace.components.seconds
    let floors = entries.map { floor(of: $0, from: position.instant, late: late) }
    var start = position.instant
    var skip = position.done
    while true {
      // Whole seconds only; the time between two due times costs nothing.
      guard let instant = next(after: start - 1), instant <= now else {
        slice.end = PlanPosition(instant: now + 1)
        return slice
      }
      if instant > start { skip = 0 }
      for job in jobs(in: instant..<(instant + 1)).dropFirst(skip) {
        if let reason = omission(of: job, late: late, floor: floors[job.schedule], now: now) {
          slice.omitted[name(of: job), default: [:]][reason, default: 0] += 1
        } else {
          slice.jobs.append(job)
        }
      }
      start = instant + 1
      skip = 0
      if slice.jobs.count >= count {
        slice.end = PlanPosition(instant: start)
        slice.isLast = false
        return slice
      }
    }
  }

  /// The oldest missed run that is still sent.
  private func floor(of entry: Entry, from start: Int64, late: Int64) -> Int64 {
    guard start < late else { return .min }
    let limit = switch entry.missed {
    case .skip: 0
    case .latest: 1
    case .catchUp: entry.missedLimit
    }
    guard limit > 0 else { return late }
    // At most a year of minutes, however long no replica ran.
    let begin = max(start - entry.longestDelay, late - 366 * 86_400)
    let missed = entry.times.times(in: begin..<late)
    return missed.count > limit ? missed[missed.count - limit] : .min
  }

  private func omission(of job: DueJob, late: Int64, floor: Int64, now: Int64) -> Omission? {
    let entry = entries[job.schedule]
    if job.runAt < late, job.runAt < floor { return entry.missed == .skip ? .skipped : .overLimit }
    if let deadline = entry.deadline, job.dueAt + deadline.components.seconds <= now { return .expired }
    return nil
  }
}
