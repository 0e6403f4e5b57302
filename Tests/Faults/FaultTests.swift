import Foundation
import Testing
import TestSupport

/// Random faults, repeatable by their seed, on real services and servers: nothing is lost, no effect is there twice,
/// and every dead letter is explained.
///
/// `SOUK_FAULT_SEEDS` names the seeds, as `1-300` or `7,9`; `make faults` sets it.
@Suite struct FaultTests {
  static var seeds: [UInt64] {
    let text = ProcessInfo.processInfo.environment["SOUK_FAULT_SEEDS"] ?? "1-10"
    return text.split(separator: ",").flatMap { part -> [UInt64] in
      let ends = part.split(separator: "-").compactMap { UInt64($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// `SOUK_FAULT_SYSTEM` runs all seeds on one system.
  static var system: FaultedSystem? {
    ProcessInfo.processInfo.environment["SOUK_FAULT_SYSTEM"].flatMap { FaultedSystem(rawValue: $0) }
  }

  @Test(.timeLimit(.minutes(20)), arguments: seeds) func seed(_ seed: UInt64) async throws {
    let outcome = try await FaultRun.run(FaultPlan(seed: seed, system: Self.system))
    print(outcome.row)
    // A slow seed is no failure, but something waited for longer than it had to.
    if Self.seeds.count == 1 || outcome.seconds > 120 { print(outcome.report) }
    #expect(outcome.problems.isEmpty, "\(outcome.report)")
  }

  @Test func aSeedAlwaysMeansTheSame() {
    func text(_ seed: UInt64) -> String {
      let plan = FaultPlan(seed: seed)
      return "\(plan.system) \(plan.steps)"
    }
    #expect((1..<100).allSatisfy { text($0) == text($0) })
    #expect(Set((1..<100).map(text)).count == 99)
    #expect(Set((1..<100).map { FaultPlan(seed: $0).system }) == Set(FaultedSystem.allCases))
  }

  @Test func whatIsLostRepeatedOrTooMuchIsSeen() {
    var ledger = Ledger("rows", expected: ["a", "b", "b", "c"])
    for row in ["a", "a", "b", "d"] { ledger.find(row) }
    #expect(ledger.problems == [
      "rows: a is repeated (there 2 times, expected 1)", "rows: b is lost (there 1 times, expected 2)",
      "rows: c is lost (there 0 times, expected 1)", "rows: d is not expected (there 1 times, expected 0)",
    ])
    ledger = Ledger("rows", expected: ["a"])
    ledger.find("a")
    #expect(ledger.problems.isEmpty)
  }
}
