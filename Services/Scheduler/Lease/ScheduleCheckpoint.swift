import Values

/// How far the plan is done, as the metadata of the lease's committed offset:
///
///     next=2026-03-02T10:15:00Z done=500 plan=9f2c01ab
package struct ScheduleCheckpoint: Hashable, Sendable {
  package var position: PlanPosition
  /// The plan that `done` counts in.
  package var plan: String

  package init(_ position: PlanPosition, plan: String) {
    self.position = position
    self.plan = plan
  }

  package var text: String {
    "next=\(SchedulePlan.timestamp(position.instant)) done=\(position.done) plan=\(plan)"
  }

  /// - Returns: nil for any other text.
  package init?(_ text: String) {
    var fields: [Substring: Substring] = [:]
    for part in text.split(separator: " ") {
      guard let equals = part.firstIndex(of: "=") else { return nil }
      fields[part[..<equals]] = part[part.index(after: equals)...]
    }
    guard let next = fields["next"].flatMap({ Timestamp(String($0)) }), next.microseconds % 1_000_000 == 0,
      let done = fields["done"].flatMap({ Int($0) }), done >= 0, let plan = fields["plan"]
    else { return nil }
    self.init(PlanPosition(instant: next.microseconds / 1_000_000, done: done), plan: String(plan))
  }

  /// The position to continue a plan from. With another plan, all jobs of the unfinished time are sent again: their
  /// numbers differ, and a job that is sent twice has its effect once.
  package func position(in plan: SchedulePlan) -> PlanPosition {
    self.plan == plan.digest ? position : PlanPosition(instant: position.instant)
  }
}
