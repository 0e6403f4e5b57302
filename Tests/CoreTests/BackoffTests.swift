import Core
import Testing
import TestSupport

@Suite struct BackoffTests {
  @Test func ceilingDoublesUpToTheCap() {
    var backoff = Backoff(base: .milliseconds(100), cap: .seconds(30))
    var ceilings: [Duration] = []
    for _ in 0..<11 {
      ceilings.append(backoff.ceiling)
      _ = backoff.next()
    }
    let expected = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]
    #expect(ceilings == expected.map { .milliseconds($0) })
    #expect(backoff.attempt == 11)
  }

  @Test func delaysSpreadOverTheWholeInterval() {
    var generator = TestRandom(seed: 7)
    var sum = Duration.zero
    for _ in 0..<2_000 {
      var backoff = Backoff(base: .seconds(1), cap: .seconds(1))
      let delay = backoff.next(using: &generator)
      #expect(delay >= .zero && delay <= .seconds(1))
      sum += delay
    }
    // The mean of a uniform distribution over [0, 1] s; its standard error here is 6.5 ms.
    #expect(sum > .milliseconds(965 * 1_000) && sum < .milliseconds(1_035 * 1_000))
  }

  @Test func retryAfterIsALowerBoundUpToALimit() {
    var backoff = Backoff(base: .milliseconds(1), cap: .seconds(1))
    #expect(backoff.next(retryAfter: .seconds(5)) == .seconds(5))
    #expect(backoff.next(retryAfter: .seconds(86_400)) == .seconds(10))
  }

  @Test func resetStartsOver() {
    var backoff = Backoff()
    for _ in 0..<50 { _ = backoff.next() }
    #expect(backoff.ceiling == .seconds(30))
    backoff.reset()
    #expect(backoff.ceiling == .milliseconds(100))
  }

  // MARK: Retrying

  private let quick = Backoff(base: .nanoseconds(1), cap: .nanoseconds(1))
  private let outage = Failure(.transient, code: "away", "away")

  @Test func outagesAreRetriedUntilTheOperationSucceeds() async throws {
    var attempts = 0
    var failed: [Int] = []
    let value = try await quick.retry {
      attempts += 1
      if attempts < 4 { throw outage }
      return attempts
    } pause: { failed.append($0.number) }
    #expect(value == 4)
    #expect(failed == [1, 2, 3])
  }

  @Test(arguments: [ErrorClass.data, .configuration, .fatal])
  func anythingButAnOutageIsThrownAtOnce(_ errorClass: ErrorClass) async {
    var pauses = 0
    await #expect(throws: Failure.self) {
      try await quick.retry { throw Failure(errorClass, code: "no", "no") } pause: { _ in pauses += 1 }
    }
    #expect(pauses == 0)
  }

  @Test func whatThePauseThrowsEndsTheRetry() async {
    var attempts = 0
    await #expect(throws: Failure.self) {
      try await quick.retry {
        attempts += 1
        throw outage
      } pause: { failed in if failed.number == 3 { throw failed.error } }
    }
    #expect(attempts == 3)
  }

  @Test func aRetryGivesWayToAnInterruption() async throws {
    let interruption = Interruption()
    let patient = Backoff(base: .seconds(3_600), cap: .seconds(3_600))
    var attempts = 0
    let value: Int? = try await patient.retry(until: interruption) {
      attempts += 1
      throw outage
    } isWanted: { _ in
      interruption.raise()
      return true
    }
    #expect(value == nil)
    #expect(attempts == 1)
  }

  @Test func aRetryThatIsNotWantedEndsWithoutWaiting() async throws {
    let patient = Backoff(base: .seconds(3_600), cap: .seconds(3_600))
    let value: Int? = try await patient.retry(until: Interruption()) { throw outage } isWanted: { _ in false }
    #expect(value == nil)
  }

  @Test func theOtherSidesWishIsKept() async throws {
    var delays: [Duration] = []
    var attempts = 0
    let minute = Backoff(base: .seconds(1), cap: .seconds(60))
    try await minute.retry {
      attempts += 1
      if attempts == 1 { throw Failure(.transient, code: "busy", "busy", retryAfter: .seconds(30)) }
    } pause: { delays.append($0.delay) }
    #expect(delays == [.seconds(30)])
  }
}
