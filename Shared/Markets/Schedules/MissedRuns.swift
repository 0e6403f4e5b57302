/// What becomes of the runs that nobody sent in time, because no scheduler ran.
package enum MissedRuns: String, CaseIterable, Hashable, Sendable {
  /// The latest of them, as many as the schedule's limit, oldest first.
  case catchUp = "catch_up"
  /// The latest one only.
  case latest
  /// None.
  case skip
}
