import Core
import Synchronization
import Testing
import TestSupport

@Suite struct PermitsTests {
  @Test func neverMoreAtOnceThanPermits() async {
    let permits = Permits(3)
    let gauge = Gauge()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<200 {
        group.addTask {
          #expect(await permits.acquire())
          gauge.move(by: 1)
          await Task.yield()
          gauge.move(by: -1)
          permits.release()
        }
      }
    }
    #expect(gauge.now == 0)
    #expect((1...3).contains(gauge.peak))
  }

  @Test func aCancelledWaiterTakesNothing() async {
    let permits = Permits(1)
    #expect(await permits.acquire())
    let waiter = Task { await permits.acquire() }
    waiter.cancel()
    #expect(await waiter.value == false)
    permits.release()
    #expect(await permits.acquire(), "the permit is still there")
  }

  @Test func aLargeShareIsNotOvertakenBySmallOnes() async throws {
    let permits = Permits(3)
    #expect(await permits.acquire())
    let large = Task { await permits.acquire(3) }
    try await eventually("in line") { permits.waiting == 1 }
    let small = Task { await permits.acquire() }
    try await eventually("behind it") { permits.waiting == 2 }
    permits.release()
    #expect(await large.value)
    #expect(permits.available == 0 && permits.waiting == 1)
    permits.release(3)
    #expect(await small.value)
    #expect(permits.available == 2)
  }

  @Test func aCancelledLargeShareLetsThoseBehindItThrough() async throws {
    let permits = Permits(2)
    #expect(await permits.acquire())
    let large = Task { await permits.acquire(2) }
    try await eventually("in line") { permits.waiting == 1 }
    let small = Task { await permits.acquire() }
    try await eventually("behind it") { permits.waiting == 2 }
    large.cancel()
    #expect(await large.value == false)
    #expect(await small.value)
  }

  @Test func closedPermitsRefuseThoseWhoWaitAndThoseWhoCome() async throws {
    let permits = Permits(1)
    #expect(await permits.acquire())
    let waiter = Task { await permits.acquire() }
    try await eventually("in line") { permits.waiting == 1 }
    permits.close()
    #expect(await waiter.value == false)
    permits.release()
    #expect(await permits.acquire() == false)
  }
}

/// The current and the highest number of jobs at work.
final class Gauge: Sendable {
  private let state = Mutex((now: 0, peak: 0))

  func move(by step: Int) {
    state.withLock {
      $0.now += step
      $0.peak = max($0.peak, $0.now)
    }
  }
  var now: Int { state.withLock { $0.now } }
  var peak: Int { state.withLock { $0.peak } }
}
