import Core
import Logging
import ServiceKit
import Synchronization
import Testing

@Suite struct OutageRetryTests {
  private let health = Health()
  private let quick = Backoff(base: .nanoseconds(1), cap: .nanoseconds(1))
  private let outage = Failure(.transient, code: "away", "the host name is not for everybody")

  @Test func whatWaitsIsNotReadyAndSaysWhyByTheCodeAlone() async throws {
    let readiness = health.readiness("sink")
    let heartbeat = health.liveness("worker", maxAge: .seconds(60))
    let counted = Mutex<[String]>([])
    let retry = OutageRetry(
      quick, readiness: readiness, heartbeat: heartbeat, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) { code in counted.withLock { $0.append(code) } }
    var attempts = 0
    let value = try await retry("flush", until: Interruption()) {
      attempts += 1
      if attempts > 1 {
        #expect(!readiness.current.ready)
        #expect(readiness.current.reason == "flush: away")
        #expect(health.livenessReport.entries.first?.reason == "retrying: flush: away")
      }
      if attempts < 3 { throw outage }
      return 7
    }
    #expect(value == 7)
    #expect(readiness.current.ready)
    #expect(counted.withLock { $0 } == ["away", "away"])
  }

  @Test func whatGivesWayStaysNotReady() async throws {
    let readiness = health.readiness("sink")
    let retry = OutageRetry(
      quick, readiness: readiness, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let value: Void? = try await retry("flush", until: Interruption(), while: { false }) { throw outage }
    #expect(value == nil)
    #expect(!readiness.current.ready)
  }

  @Test func aServiceThatIsDrainedDoesNotBeginToWait() async throws {
    let context = ServiceContext(
      name: "test", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, health: health)
    context.drain.raise()
    let value: Void? = try await context.wait(for: "the store", health.readiness("store"), quick) {
      Issue.record("must not be called")
    }
    #expect(value == nil)
  }
}
