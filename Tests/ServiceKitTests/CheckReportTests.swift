import Core
@testable import ServiceKit
import Testing

@Suite struct CheckReportTests {
  let report = CheckReport()

  @Test func probesAreListedInOrder() async {
    report.ok("settings")
    await report.probe("kafka") { "3 brokers" }
    await report.probe("postgres") { throw Failure(.transient, code: "refused", "connection refused") }
    #expect(report.lines == [
      .init(name: "settings"),
      .init(name: "kafka", detail: "3 brokers"),
      .init(name: "postgres", detail: "connection refused [refused]", failure: .transient),
    ])
    #expect(!report.ok)
  }

  /// The same codes as those of a process that fails for the same reason.
  @Test func theExitCodeSeparatesConfigurationFromOutages() {
    #expect(report.status == .drained)
    report.failed("kafka", Failure(.transient, code: "down", "no answer"))
    #expect(report.status == .failed, "a server that does not answer")
    report.failed("postgres", Failure(.configuration, code: "login", "wrong password"))
    #expect(report.status == .configuration, "outweighs it")
    let source = CheckReport()
    source.failed("source", Failure(.data, code: "unreadable", "no bar of COMI"))
    #expect(source.status == .configuration)
  }

  @Test func aProbeThatIgnoresCancellationIsAbandoned() async {
    let never = Core.Semaphore()
    defer { never.signal() }
    await report.probe("stuck", limit: .milliseconds(50)) {
      await Task.detached { never.wait() }.value
      return ""
    }
    #expect(report.lines == [.init(name: "stuck", detail: "no answer within 50ms", failure: .transient)])
  }
}
