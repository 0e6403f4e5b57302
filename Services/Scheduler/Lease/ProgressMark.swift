import Schemas

/// The text beside the lease's committed offset: how far the plan is done.
///
///     next=2026-03-02T10:15:00Z done=500 plan=9f2c01ab
package struct ProgressMark: Hashable, Sendable {
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

  /// Where to go on with a plan. With another one the jobs of the time that was begun are sent again: what was done
  /// of it cannot be told, and a job that is sent twice is done once.
  package func position(in plan: SchedulePlan) -> PlanPosition {
    self.plan == plan.digest ? position : PlanPosition(instant: position.instant)
  }
}
