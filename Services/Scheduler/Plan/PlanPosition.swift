/// How far a plan is done: everything due before `instant`, and the first `done` jobs that are due at it.
package struct PlanPosition: Hashable, Sendable {
  /// Seconds since 1970.
  package var instant: Int64
  package var done: Int

  package init(instant: Int64, done: Int = 0) {
    self.instant = instant
    self.done = done
  }
}
