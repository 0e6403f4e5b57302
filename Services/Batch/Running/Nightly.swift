import Core
import Messages

/// The jobs of each night: what was archived is compacted, then signals are computed of it, then compared with what was
/// said live.
///
/// What is submitted follows from the clock and the topics alone: each job's `submitted_ns` is the instant that it was
/// due, so that a runner that starts again, or a second one, submits nothing twice.
struct Nightly: Sendable {
  /// Each begins when the one before it has ended. Who has no options and no news has nothing to do in theirs.
  static let jobs: [(name: String, kind: BatchJob.Kind, parameters: [(String, String)])] = [
    ("compact", .compact, []), ("features", .features, []), ("compare", .compare, []),
    ("compact-flow", .compact, [("dataset", "options-flow"), optional]),
    ("features-flow", .features, [("source", "flow"), optional]),
    ("compare-flow", .compare, [("source", "flow"), optional]),
    ("options_flow", .optionsFlow, [optional]),
    ("compact-sentiment", .compact, [("dataset", "sentiment-events"), optional]),
    ("features-sentiment", .features, [("source", "sentiment"), optional]),
    ("compare-sentiment", .compare, [("source", "sentiment"), optional]),
    ("sentiment_trends", .sentimentTrends, [optional]),
  ]
  private static let optional = ("may_be_empty", "yes")
  /// A night that is further back is not made good.
  static let patience: Int64 = 12 * 3_600

  private let hour, minute: Int
  private let calendar: NYSECalendar

  /// - Parameter text: `20:30`, on the clocks of New York.
  /// - Throws: `Failure` of class configuration.
  init(_ text: String) throws(Failure) {
    let words = text.split(separator: ":", omittingEmptySubsequences: false)
    guard words.count == 2, words.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(words[0]),
      let minute = Int(words[1]), (0..<24).contains(hour), (0..<60).contains(minute)
    else { throw Failure(.configuration, code: "invalid_nightly", "--nightly '\(text)' is not like 20:30") }
    (self.hour, self.minute) = (hour, minute)
    calendar = try NYSECalendar()
  }

  /// When the jobs were due last.
  /// - Parameter now: seconds since 1970.
  func due(at now: Int64) -> Int64 {
    let today = calendar.day(of: now)
    let due = instant(on: today)
    return due <= now ? due : instant(on: today - 1)
  }

  private func instant(on day: Int64) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    return calendar.zone.instant(
      year: date.year, month: date.month, day: date.day, hour: hour, minute: minute
    ).epochSeconds
  }

  /// The job to submit now: the first that has not ended, unless it was submitted already.
  func next(at now: Int64, _ book: JobBook) -> BatchJob? {
    let due = due(at: now)
    guard now - due < Self.patience else { return nil }
    for (place, each) in Self.jobs.enumerated() {
      let job = BatchJob(
        jobID: "nightly-\(each.name)", kind: each.kind, parameters: TextValues(each.parameters),
        submittedNs: due * 1_000_000_000 + Int64(place), by: "nightly")
      if book.hasEnded(job) { continue }
      return book.hasSeen(job) ? nil : job
    }
    return nil
  }
}
