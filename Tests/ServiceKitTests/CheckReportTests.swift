import Runtime
import ServiceKit
import Testing

@Suite struct CheckReportTests {
  let report = CheckReport()

  @Test func probesAreListedInOrder() async {
    report.ok("settings")
    await report.probe("kafka") { "3 brokers" }
    await report.probe("postgres") { throw Failure(.transient, code: "refused", "connection refused") }
    #expect(report.lines == [
      .init(name: "settings", ok: true, detail: ""),
      .init(name: "kafka", ok: true, detail: "3 brokers"),
      .init(name: "postgres", ok: false, detail: "connection refused [refused]"),
    ])
    #expect(!report.ok)
  }

  @Test func probeThatIgnoresItsCancellationIsLeftBehind() async {
    let never = Runtime.Semaphore()
    defer { never.signal() }
    await report.probe("stuck", limit: .milliseconds(50)) {
      await Task.detached { never.wait() }.value
      return ""
    }
    #expect(report.lines == [.init(name: "stuck", ok: false, detail: "no answer within 50ms")])
  }
}
