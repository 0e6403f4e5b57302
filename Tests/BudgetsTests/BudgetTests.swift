@testable import Budgets
import Core
import LocalServers
import Redis
import Synchronization
import Testing
import TestSupport

@Suite struct BudgetTests {
  @Test func ratesAreParsed() {
    #expect(RateLimit("5/s") == RateLimit(count: 5, per: .seconds(1), burst: 5))
    #expect(RateLimit("300/m") == RateLimit(count: 300, per: .seconds(60), burst: 5))
    #expect(RateLimit("25/d") == RateLimit(count: 25, per: .seconds(86_400), burst: 1))
    #expect(RateLimit("10/h", burst: 7)?.burst == 7)
    for text in ["", "5", "/s", "0/s", "-1/s", "5/w", "5/s/s", "1.5/s", "99999999/s"] {
      #expect(RateLimit(text) == nil, "\(text)")
    }
  }

  @Test func aBucketFillsAtItsRateAndHoldsItsBurst() {
    var bucket = TokenBucket([RateLimit(count: 10, per: .seconds(1), burst: 3)], at: 0)
    #expect(bucket.take(upTo: 5, at: 0) == Grant(count: 3, wait: .milliseconds(100)))
    #expect(bucket.take(upTo: 1, at: 99_999) == Grant(count: 0, wait: .microseconds(1)))
    #expect(bucket.take(upTo: 1, at: 100_000) == Grant(count: 1, wait: .zero))
    // A second is ten tokens, but only three fit.
    #expect(bucket.take(upTo: 100, at: 1_100_000) == Grant(count: 3, wait: .milliseconds(100)))
    // A clock that goes back gives nothing, and takes nothing away.
    #expect(bucket.take(upTo: 1, at: 500_000).count == 0)
    #expect(bucket.take(upTo: 9, at: 600_000).count == 1)
  }

  /// A token is one of each level; the scarcest decides.
  @Test func levelsHoldTogether() {
    let limits = [RateLimit(count: 1, per: .seconds(1), burst: 1), RateLimit(count: 3, per: .seconds(86_400))]
    var bucket = TokenBucket(limits, at: 0)
    let day = BudgetDay(number: 20_000, left: 3_600_000_000)
    #expect(bucket.take(upTo: 5, at: 0, in: day) == Grant(count: 1, wait: .seconds(1)))
    #expect(bucket.take(upTo: 5, at: 1_000_000, in: day).count == 1)
    #expect(bucket.take(upTo: 5, at: 2_000_000, in: day) == Grant(count: 1, wait: .seconds(3_600), isSpent: true))
    #expect(bucket.take(upTo: 1, at: 9_000_000, in: day) == Grant(count: 0, wait: .seconds(3_600), isSpent: true))
    // Midnight; and a clock that goes back over it takes nothing away.
    let next = BudgetDay(number: 20_001, left: 86_400_000_000)
    #expect(bucket.take(upTo: 1, at: 10_000_000, in: next) == Grant(count: 1, wait: .zero))
    #expect(bucket.take(upTo: 1, at: 11_000_000, in: day) == Grant(count: 1, wait: .zero))
    #expect(bucket.take(upTo: 1, at: 12_000_000, in: next) == Grant(count: 1, wait: .zero))
    #expect(bucket.take(upTo: 1, at: 13_000_000, in: next).isSpent)
  }

  /// The days of New York on which clocks change have 23 and 25 hours.
  @Test(arguments: [
    // 2026-03-08T04:59:59Z is the last second of 7 March there.
    (1_772_945_999, 20_519, 1), (1_772_946_000, 20_520, 23 * 3_600), (1_772_946_000 + 23 * 3_600, 20_521, 86_400),
    // 2026-11-01T04:00:00Z is midnight there, before clocks go back.
    (1_793_505_600, 20_758, 25 * 3_600), (1_793_505_600 + 25 * 3_600, 20_759, 86_400),
  ] as [(Int64, Int64, Int64)])
  func aDayIsTheProviders(_ instant: Int64, _ number: Int64, _ left: Int64) throws {
    let day = BudgetDay(at: instant * 1_000_000, in: try ZoneTable(identifier: "America/New_York"))
    #expect(day == BudgetDay(number: number, left: left * 1_000_000))
  }

  @Test func aPauseGivesNothingUntilItEnds() {
    var bucket = TokenBucket([RateLimit(count: 10, per: .seconds(1), burst: 3)], at: 0)
    #expect(bucket.pause(.asked(.seconds(2)), at: 0) == .seconds(2))
    #expect(bucket.pause(.asked(.seconds(1)), at: 0) == .seconds(2))
    #expect(bucket.take(upTo: 1, at: 500_000) == Grant(count: 0, wait: .milliseconds(1_500), isPaused: true))
    #expect(bucket.take(upTo: 5, at: 2_000_000) == Grant(count: 3, wait: .milliseconds(100)))
  }

  /// A provider that reports too many requests without a time: 40 jobs that always retry, for 45 seconds.
  @Test func growingPausesProbeOnceUntilASuccess() {
    var bucket = TokenBucket([], at: 0)
    let pause = Pause.growing(from: .seconds(1), atMost: .seconds(300))
    var (asked, now) = ([Int64](), Int64(0))
    // Five are under way when the first refusal comes: together they are one.
    #expect(bucket.take(upTo: 5, at: 0).count == 5)
    for _ in 0..<5 { #expect(bucket.pause(pause, at: 1_000) <= .seconds(1)) }
    while now < 45_000_000 {
      now += 10_000
      let grant = bucket.take(upTo: 40, at: now)
      guard grant.count > 0 else { continue }
      #expect(grant.count == 1 && grant.isProbe)
      asked.append(now)
      _ = bucket.pause(pause, at: now)
    }
    #expect(asked.map { $0 / 1_000_000 } == [1, 3, 7, 15, 31])
    // The success of a request from before the pause changes nothing; that of a probe ends the pause.
    bucket.recover(at: now)
    now += 100_000_000
    #expect(bucket.take(upTo: 40, at: now).isProbe)
    #expect(bucket.take(upTo: 40, at: now + 1) == Grant(count: 0, wait: .seconds(1), isPaused: true))
    bucket.recover(at: now + 2)
    #expect(bucket.take(upTo: 40, at: now + 3) == Grant(count: 40, wait: .zero))
    #expect(bucket.pause(pause, at: now + 4) == .seconds(1))
  }

  @Test func aProbeWithoutAnOutcomeIsFollowedByAnother() {
    var bucket = TokenBucket([], at: 0)
    _ = bucket.pause(.growing(from: .seconds(1), atMost: .seconds(1)), at: 0)
    #expect(bucket.take(upTo: 1, at: 1_000_000).isProbe)
    #expect(bucket.take(upTo: 1, at: 30_999_999).count == 0)
    #expect(bucket.take(upTo: 1, at: 31_000_000).isProbe)
  }

  /// In any time of length t at most burst + t * rate: all pairs of grants of a long random run.
  @Test func noWindowOfARandomRunExceedsTheRate() {
    var random = TestRandom("token bucket")
    let limit = RateLimit(count: 7, per: .seconds(1), burst: 4)
    var bucket = TokenBucket([limit], at: 0)
    var (now, granted): (Int64, [(at: Int64, count: Int)]) = (0, [])
    for _ in 0..<600 {
      now += Int64.random(in: 0...400_000, using: &random)
      let grant = bucket.take(upTo: Int.random(in: 1...6, using: &random), at: now)
      if grant.count > 0 { granted.append((now, grant.count)) }
    }
    for first in granted.indices {
      var sum = 0
      for last in first..<granted.count {
        sum += granted[last].count
        let allowed = 4 + Double(granted[last].at - granted[first].at) * 7 / 1_000_000
        #expect(Double(sum) <= allowed + 1e-6)
      }
    }
    // All requested tokens that the rate allows over the whole time are granted.
    #expect(granted.reduce(0) { $0 + $1.count } > 600)
  }

  // MARK: - Redis

  private func tokens(_ server: PrivateRedis, _ source: String, _ limits: RateLimit?...) throws -> RedisTokens {
    try RedisTokens(
      RedisMultiplexer(RedisClient(RedisConfiguration(url: try RedisURL(server.url)))), source: source,
      limits: RateLimits(limits.compactMap { $0 }, zone: "America/New_York"))
  }

  /// Two replicas of one account that has more requests a second than it uses, and 25 a day.
  @Test func replicasShareTheDay() async throws {
    let server = try await PrivateRedis.start()
    let limits = [RateLimit(count: 1_000, per: .seconds(1), burst: 1_000), RateLimit(count: 25, per: .seconds(86_400))]
    let replicas = try (0..<2).map { _ in try tokens(server, "day", limits[0], limits[1]) }
    let counts = try await withThrowingTaskGroup(of: Int.self) { group in
      for replica in replicas {
        group.addTask {
          var given = 0
          while true {
            let grant = try await replica.take(upTo: 2)
            given += grant.count
            if grant.isSpent { return given }
            if grant.count < 2 { try await Task.sleep(for: grant.wait) }
          }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(counts.reduce(0, +) == 25, "\(counts)")
    // Until midnight in New York, which is at most a day and an hour away.
    let spent = try await replicas[0].take(upTo: 1)
    #expect(spent.count == 0 && spent.isSpent && !spent.isPaused)
    let left = BudgetDay(at: WallClock.microseconds(), in: try ZoneTable(identifier: "America/New_York")).left
    #expect(abs(spent.wait / .seconds(1) - Double(left) / 1e6) < 3_700)
    // Yesterday's count is not today's.
    let client = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    let today = try #require(try await client.send(RedisCommand("HGET", RedisTokens.key(of: "day"), "day")).text)
    let yesterday = try #require(Int64(today)) - 1
    _ = try await client.send(RedisCommand("HSET", RedisTokens.key(of: "day"), "day", "\(yesterday)"))
    #expect(try await replicas[1].take(upTo: 3).count == 3)
    #expect(try await client.send(RedisCommand("HGET", RedisTokens.key(of: "day"), "used")).text == "3")
    await client.close()
    await server.stop()
  }

  /// The account of commodities with a rate of minutes and of market data with one of days, by one name.
  @Test func programsWithDifferentLimitsShareWhatBothKnow() async throws {
    let server = try await PrivateRedis.start()
    let minute = RateLimit(count: 5, per: .seconds(60), burst: 5)
    let one = try tokens(server, "both", minute)
    let two = try tokens(server, "both", minute, RateLimit(count: 100, per: .seconds(86_400)))
    #expect(try await one.take(upTo: 3).count == 3)
    #expect(try await two.take(upTo: 3).count == 2)
    #expect(try await one.take(upTo: 1).count == 0)
    await server.stop()
  }

  @Test func replicasShareABucketInRedis() async throws {
    let server = try await TestServers.redis()
    let name = TestServers.uniqueName()
    let rate = RateLimit(count: 100, per: .seconds(1), burst: 20)
    let replicas = try (0..<4).map { _ in try tokens(server, name, rate) }
    let start = ContinuousClock.now
    let given = try await withThrowingTaskGroup(of: Int.self) { group in
      for replica in replicas {
        group.addTask {
          var given = 0
          while given < 50 {
            let grant = try await replica.take(upTo: 3)
            given += grant.count
            if grant.count < 3 { try await Task.sleep(for: grant.wait) }
          }
          return given
        }
      }
      return try await group.reduce(0, +)
    }
    // By Redis' clock, which is this machine's: four replicas together got no more than one may.
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    #expect(given >= 200)
    #expect(Double(given) <= 20 + seconds * 100 + 1, "\(given) in \(seconds) s")
  }

  @Test func aPauseIsForAllReplicasAndALostRedisStartsFull() async throws {
    let server = try await PrivateRedis.start()
    let rate = RateLimit(count: 1, per: .seconds(60), burst: 2)
    let (one, two) = (try tokens(server, "p", rate), try tokens(server, "p", rate))
    #expect(try await one.take(upTo: 1).count == 1)
    #expect(try await one.pause(.asked(.seconds(60))) == .seconds(60))
    #expect(try await two.pause(.asked(.seconds(1))) > .seconds(50))
    let paused = try await two.take(upTo: 1)
    #expect(paused.isPaused && paused.count == 0 && paused.wait > .seconds(50))
    await server.halt(signal: 9)
    await #expect(throws: RedisError.self) { try await two.take(upTo: 1) }
    try await server.resume()
    try await eventually("Redis is back") { (try? await two.pause(.asked(.zero))) != nil }
    // The script is gone with the data, and is loaded again.
    let grant = try await two.take(upTo: 5)
    #expect(grant.count == 2 && grant.wait > .seconds(50) && !grant.isPaused)
    await server.stop()
  }

  @Test func growingPausesAreSharedByAllReplicasWithoutARateToo() async throws {
    let server = try await TestServers.redis()
    let name = TestServers.uniqueName()
    let (one, two) = (try tokens(server, name, nil), try tokens(server, name, nil))
    #expect(try await one.take(upTo: 40) == Grant(count: 40, wait: .zero))
    let short = Pause.growing(from: .milliseconds(1), atMost: .seconds(60))
    #expect(try await one.pause(short) == .milliseconds(1))
    // Replicas find the pause, then one of them the right to probe; the next pause is longer for both.
    try await eventually("a probe") { try await two.take(upTo: 40) == Grant(count: 1, wait: .zero, isProbe: true) }
    let waiting = try await one.take(upTo: 40)
    #expect(waiting.count == 0 && waiting.isPaused && waiting.wait == .seconds(1))
    let long = Pause.growing(from: .seconds(20), atMost: .seconds(60))
    #expect(try await two.pause(long) == .seconds(40))
    #expect(try await one.pause(long) <= .seconds(40))
    #expect(try await one.take(upTo: 40).isPaused)
    // Under way since before the pause: it does not end it.
    try await one.recover()
    #expect(try await two.take(upTo: 40).isPaused)
    let other = TestServers.uniqueName()
    let (three, four) = (try tokens(server, other, nil), try tokens(server, other, nil))
    _ = try await three.pause(.growing(from: .microseconds(1), atMost: .seconds(1)))
    try await eventually("the probe") { try await three.take(upTo: 1).isProbe }
    try await three.recover()
    #expect(try await four.take(upTo: 7) == Grant(count: 7, wait: .zero))
  }

  // MARK: - The queue

  private final class Scripted: TokenSource {
    let grants = Mutex<[Result<Grant, RedisError>]>([])
    let asked = Mutex<[Int]>([])

    func take(upTo wanted: Int) async throws -> Grant {
      asked.withLock { $0.append(wanted) }
      let next = grants.withLock { $0.isEmpty ? nil : $0.removeFirst() }
      return try next?.get() ?? Grant(count: 0, wait: .milliseconds(10))
    }
    func pause(_ pause: Pause) -> Duration { .zero }
    func recover() {}
    func give(_ grant: Grant) { grants.withLock { $0.append(.success(grant)) } }
  }

  private final class Served: Sendable {
    private let storage = Mutex<[Int]>([])
    var order: [Int] { storage.withLock { $0 } }

    func turn(_ index: Int, _ budget: RequestBudget) async {
      if case .granted = await budget.turn() { storage.withLock { $0.append(index) } }
    }
  }

  @Test func theQueueIsFirstInFirstOut() async throws {
    let source = Scripted()
    let budget = RequestBudget(source)
    let served = Served()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<5 {
        group.addTask { await served.turn(index, budget) }
        try await eventually { budget.waiting == index + 1 }
      }
      for count in 1...5 {
        source.give(Grant(count: 1, wait: .milliseconds(1)))
        try await eventually { served.order.count == count }
      }
      try await group.waitForAll()
    }
    #expect(served.order == Array(0..<5))
  }

  @Test func aSpentDayReachesAllThatItHasNothingFor() async throws {
    let source = Scripted()
    let budget = RequestBudget(source)
    let first = Task { await budget.turn() }
    let second = Task { await budget.turn() }
    try await eventually { budget.waiting == 2 }
    source.give(Grant(count: 1, wait: .seconds(7_200), isSpent: true))
    var answers: [String] = []
    for task in [first, second] { answers.append("\(await task.value)") }
    #expect(Set(answers.map { $0.prefix(7) }) == ["granted", "exhaust"], "\(answers)")
  }

  @Test func cancelledAndExpiredJobsLeaveTheQueue() async throws {
    let source = Scripted()
    let budget = RequestBudget(source)
    let cancelled = Task { await budget.turn() }
    try await eventually { budget.waiting == 1 }
    cancelled.cancel()
    guard case .cancelled = await cancelled.value else {
      Issue.record("not cancelled")
      return
    }
    let expired = await budget.turn(before: .now + .milliseconds(30))
    guard case .expired = expired else {
      Issue.record("\(expired)")
      return
    }
    #expect(budget.waiting == 0)
  }

  @Test func aPauseAndAFailureReachAllWaitingJobs() async throws {
    let source = Scripted()
    let budget = RequestBudget(source)
    source.give(Grant(count: 0, wait: .seconds(9), isPaused: true))
    guard case .paused(.seconds(9)) = await budget.turn() else {
      Issue.record("not paused")
      return
    }
    source.grants.withLock {
      $0.append(.failure(RedisError(code: "redis_closed", .transient, operation: "x", message: "gone")))
    }
    guard case .failed(let error as RedisError) = await budget.turn() else {
      Issue.record("no failure")
      return
    }
    #expect(error.code == "redis_closed")
    source.give(Grant(count: 1, wait: .zero))
    guard case .granted = await budget.turn() else {
      Issue.record("not granted after that")
      return
    }
  }
}
