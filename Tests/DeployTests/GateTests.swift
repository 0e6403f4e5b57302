import Foundation
import LocalServers
import TestSupport
import Testing

/// `.ci/run` with a `make test` whose outcome is scripted.
@Suite struct GateTests {
  /// - Parameters:
  ///   - first: tests that fail among all the others; empty: none.
  ///   - second: those of them that fail again.
  /// - Returns: how the gate ended, and how often `make test` was called.
  private func gate(
    first: [String], second: [String] = [], forgiven: [String] = []
  ) async throws -> (outcome: ChildProcess.Outcome, calls: Int) {
    try await withTemporaryDirectory { folder in
      func write(_ lines: [String], _ name: String) throws {
        try lines.map { $0 + "\n" }.joined().write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
      }
      try FileManager.default.createDirectory(atPath: "\(folder)/.ci", withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: Repository.path(".ci/run"), toPath: "\(folder)/.ci/run")
      try write(["# name, last day, reason"] + forgiven, ".ci/unstable")
      try write(first, "first")
      try write(second, "second")
      try write([
        "test:",
        "\t@mkdir -p .build; echo call >> calls; rm -f .build/tests.failed; \\",
        "\tif [ $$(wc -l < calls) = 1 ]; then cp first .build/tests.failed; else cp second .build/tests.failed; fi; \\",
        "\t[ ! -s .build/tests.failed ]",
      ], "Makefile")
      let outcome = try await ChildProcess.run(Launch("\(folder)/.ci/run"))
      let calls = try String(contentsOfFile: "\(folder)/calls", encoding: .utf8).split(separator: "\n").count
      return (outcome, calls)
    }
  }

  @Test func whatPassesAtOncePasses() async throws {
    let (outcome, calls) = try await gate(first: [])
    #expect(outcome.status.isSuccess && calls == 1)
  }

  @Test func aSecondTryThatPassesFailsTheGate() async throws {
    let (outcome, calls) = try await gate(first: ["SuiteTests/one()", "SuiteTests/two(_:)"])
    #expect(outcome.status == .exited(1) && calls == 2)
    #expect(outcome.output.contains("passed alone: SuiteTests/one()"))
    #expect(outcome.output.contains("passed alone: SuiteTests/two(_:)"))
  }

  @Test func onlyTheListForgivesAndOnlyUntilItsDate() async throws {
    let list = ["SuiteTests/one()\t2999-01-01\twaits for a mend", "SuiteTests/two(_:)\t2020-01-01\ttoo old"]
    let listed = try await gate(first: ["SuiteTests/one()"], forgiven: list)
    #expect(listed.outcome.status.isSuccess && listed.calls == 2)
    #expect(listed.outcome.output.contains("forgiven until 2999-01-01: SuiteTests/one()"))
    let other = try await gate(first: ["SuiteTests/one()", "SuiteTests/three()"], forgiven: list)
    #expect(other.outcome.status == .exited(1))
    let expired = try await gate(first: ["SuiteTests/two(_:)"], forgiven: list)
    #expect(expired.outcome.status == .exited(1))
  }

  @Test func whatFailsTwiceIsNeverForgiven() async throws {
    let (outcome, calls) = try await gate(
      first: ["SuiteTests/one()"], second: ["SuiteTests/one()"], forgiven: ["SuiteTests/one()\t2999-01-01\tx"])
    #expect(outcome.status == .exited(1) && calls == 2)
    let many = try await gate(first: (0..<6).map { "SuiteTests/test\($0)()" })
    #expect(many.outcome.status == .exited(1) && many.calls == 1, "so many are a defect, and not tried again")
  }

  /// Each entry has a name, a date and a reason, and there are few.
  @Test func theListIsShortAndSaysWhy() throws {
    let text = try String(contentsOfFile: Repository.path(".ci/unstable"), encoding: .utf8)
    let entries = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(entries.count <= 5)
    for entry in entries {
      let fields = entry.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      #expect(fields.count == 3 && fields.allSatisfy { !$0.isEmpty }, "\(entry)")
      #expect(fields.count > 1 && fields[1].wholeMatch(of: /\d{4}-\d\d-\d\d/) != nil, "\(entry)")
    }
  }
}
