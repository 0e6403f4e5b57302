import Core
@testable import ServiceKit
import Synchronization
import Testing

@Suite struct HealthTests {
  /// A clock that only the test advances.
  final class Clock: Sendable {
    private let instant = Mutex(ContinuousClock.now)
    func advance(_ duration: Duration) { instant.withLock { $0 += duration } }
    var now: ContinuousClock.Instant { instant.withLock { $0 } }
  }
  let clock: Clock
  let health: Health

  init() {
    let clock = Clock()
    self.clock = clock
    health = Health(now: { clock.now })
  }

  /// The port answers before a service has said what it needs.
  @Test func nothingRegisteredIsStartingAndAlive() {
    #expect(!health.isReady && health.isAlive)
    #expect(health.readinessReport.entries == [.init(name: "start", ok: false, reason: "starting")])
    health.startDraining()
    #expect(health.readinessReport.entries.map(\.name) == ["drain"])
  }

  @Test func workThatNamesNoConditionIsReadyOnceItBegins() {
    health.began()
    #expect(health.readinessReport.entries == [.init(name: "work", ok: true)])
  }

  @Test func workIsNotReadyByBeginningWhereItNamesACondition() {
    let server = health.readiness("server")
    health.began()
    #expect(!health.isReady)
    server.set(ready: true)
    #expect(health.readinessReport.entries.map(\.name) == ["server"])
  }

  @Test func aConditionStartsNotReady() {
    let sink = health.readiness("postgres")
    #expect(!health.isReady)
    #expect(health.readinessReport.entries == [.init(name: "postgres", ok: false, reason: "starting")])
    sink.set(ready: true)
    #expect(health.isReady)
  }

  @Test func everyConditionMustHold() {
    health.readiness("a").set(ready: true)
    health.readiness("b").set(ready: false, reason: "no partitions yet")
    #expect(!health.isReady)
    #expect(health.readinessReport.entries.map(\.reason) == ["", "no partitions yet"])
  }

  @Test func sameNameIsTheSameCondition() {
    #expect(health.readiness("a") === health.readiness("a"))
    #expect(health.liveness("a", maxAge: .seconds(1)) === health.liveness("a", maxAge: .seconds(1)))
  }

  @Test func drainingIsNotReadyButAlive() {
    health.readiness("a").set(ready: true)
    health.startDraining()
    #expect(!health.isReady)
    #expect(health.isAlive)
  }

  @Test func silenceBeyondTheLimitIsNotAlive() {
    let poll = health.liveness("poll", maxAge: .seconds(10))
    clock.advance(.seconds(10))
    #expect(health.isAlive)
    clock.advance(.milliseconds(1))
    #expect(!health.isAlive)
    #expect(health.livenessReport.entries.first?.reason == "no sign of life for 10.0s, limit 10.0s")
    poll.beat()
    #expect(health.isAlive)
  }

  @Test func anIdleLoopMayBeSilent() {
    let worker = health.liveness("worker", maxAge: .seconds(10))
    worker.idle()
    clock.advance(.seconds(3_600))
    #expect(health.isAlive)
    worker.beat()
    clock.advance(.seconds(11))
    #expect(!health.isAlive)
  }

  /// An error message may name hosts, roles and tables; the port is open to anyone.
  @Test func onlyErrorCodesAreShown() {
    let error = Failure(.transient, code: "postgres_28p01", "role souk at db.internal:5432 was refused")
    health.readiness("sink").failed(error, at: "flush")
    health.readiness("other").failed(CancellationError())
    health.liveness("worker", maxAge: .seconds(1)).retrying(after: error, at: "flush", atMost: .seconds(1))
    #expect(health.readinessReport.entries.map(\.reason) == ["flush: postgres_28p01", "unknown"])
    #expect(!health.isReady)
    #expect(health.livenessReport.entries.map(\.reason) == ["retrying: flush: postgres_28p01"])
  }

  /// A slow statement that reports progress is alive however long it takes; a blocked one is not.
  @Test func longWorkIsAliveWhileItProgresses() {
    let worker = health.liveness("worker", maxAge: .seconds(10))
    for _ in 0..<30 {
      clock.advance(.seconds(9))
      worker.working("merge prices")
      #expect(health.isAlive)
    }
    #expect(health.livenessReport.entries.first?.reason == "merge prices")
    clock.advance(.seconds(11))
    #expect(!health.isAlive)
    #expect(
      health.livenessReport.entries.first?.reason == "no sign of life for 11.0s, limit 10.0s, in merge prices")
    worker.beat()
    #expect(health.livenessReport.entries.first?.reason == "")
  }

  @Test func declaredRetryIsAliveUntilItIsOverdue() {
    let worker = health.liveness("worker", maxAge: .seconds(10))
    worker.retrying("postgres: connection refused", atMost: .seconds(60))
    clock.advance(.seconds(70))
    #expect(health.isAlive)
    #expect(health.livenessReport.entries.first?.reason == "retrying: postgres: connection refused")
    clock.advance(.seconds(1))
    #expect(!health.isAlive)
    worker.retrying("postgres: connection refused", atMost: .seconds(60))
    #expect(health.isAlive)
  }
}
