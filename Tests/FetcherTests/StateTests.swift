import Core
@testable import FetcherService
import LocalServers
import Redis
import Testing
import TestSupport
import Values

/// Both stores keep one contract.
@Suite struct StateTests {
  enum Kind: CaseIterable { case memory, redis }

  private func store(_ kind: Kind) async throws -> any StateStore {
    switch kind {
    case .memory: MemoryStateStore()
    case .redis:
      RedisStateStore(RedisMultiplexer(
        RedisClient(RedisConfiguration(url: try RedisURL(try await TestServers.redis().url)))))
    }
  }

  private func histories(_ kind: Kind) async throws -> any HistoryStore<NewsHistory> {
    switch kind {
    case .memory: MemoryHistoryStore()
    case .redis:
      RedisHistoryStore(RedisMultiplexer(
        RedisClient(RedisConfiguration(url: try RedisURL(try await TestServers.redis().url)))))
    }
  }

  /// A process that was suspended between its question and its note puts back nothing that its successor noted.
  @Test(arguments: Kind.allCases) func aHistoryIsNotPutBack(kind: Kind) async throws {
    let (store, name) = (try await histories(kind), TestServers.uniqueName())
    func noted(_ names: String..., after known: Remembered<NewsHistory>) -> Remembered<NewsHistory> {
      var known = known
      for name in names { known.history.articles[name] = .init(publishedAt: 7, digest: "d") }
      known.history.newest = 7
      return known
    }
    func kept() async throws -> [String] { try await store.histories(of: [name])[0].history.articles.keys.sorted() }
    // An answer without any article is remembered as one.
    let nothing = try await store.histories(of: [name])[0]
    #expect(nothing.history == NewsHistory())
    try await store.keep([name: nothing])
    let suspended = try await store.histories(of: [name])[0]
    #expect(suspended.history == NewsHistory())
    let successor = try await store.histories(of: [name])[0]
    // Twice, as after an answer that was lost on its way.
    for _ in 0..<2 { try await store.keep([name: noted("a", "b", after: successor)]) }
    let other = "\(name)-other"
    try await store.keep([
      name: noted("a", after: suspended), other: noted("c", after: try await store.histories(of: [other])[0]),
    ])
    #expect(try await kept() == ["a", "b"])
    #expect(try await store.histories(of: [other])[0].history.articles.keys.sorted() == ["c"])
    try await store.keep([name: noted("d", after: try await store.histories(of: [name])[0])])
    #expect(try await kept() == ["a", "b", "d"])
  }

  private func key(_ kind: SeriesKind = .price) throws -> SeriesStateKey {
    SeriesStateKey(kind, try #require(RoutingKey("mena.\(TestServers.uniqueName()).polymer.pvc")))
  }

  private func state(_ seconds: Int64, _ value: String = "1.50", currency: String? = "EGP") throws -> SeriesState {
    SeriesState(
      observedAt: try #require(Timestamp(microseconds: seconds * 1_000_000 + 1)), value: decimal(value),
      currency: currency, unit: currency == nil ? nil : "t")
  }

  @Test func keysFollowTheContract() throws {
    let series = try #require(RoutingKey("mena.egypt.polymer.pvc"))
    #expect("\(SeriesStateKey(.price, series))" == "price:egypt:pvc")
    #expect("\(SeriesStateKey(.demand, series))" == "demand:egypt:pvc")
  }

  @Test(arguments: Kind.allCases) func theStateIsReadBackUnchanged(kind: Kind) async throws {
    let store = try await store(kind)
    let (price, demand) = (try key(), try key(.demand))
    #expect(try await store.last(price) == nil)
    let first = try state(1_700_000_000)
    #expect(try await store.record(first, price))
    #expect(try await store.last(price) == first)
    #expect(try await store.last(price)?.value.hasSameDigits(as: decimal("1.50")) == true)
    let bare = try state(1_700_000_000, "0", currency: nil)
    #expect(try await store.record(bare, demand))
    #expect(try await store.last(demand) == bare)
  }

  @Test(arguments: Kind.allCases) func anOlderOneNeverReplacesANewerOne(kind: Kind) async throws {
    let store = try await store(kind)
    let key = try key()
    #expect(try await store.record(try state(200), key))
    #expect(try await store.record(try state(199), key) == false)
    #expect(try await store.last(key) == (try state(200)))
    // One microsecond is enough to be older; the same time is a correction.
    var before = try state(200, "9")
    before.observedAt = try #require(Timestamp(microseconds: before.observedAt.microseconds - 1))
    #expect(try await store.record(before, key) == false)
    #expect(try await store.record(try state(200, "2"), key))
    #expect(try await store.last(key)?.value == decimal("2"))
    #expect(try await store.record(try state(-5), try self.key()))
  }

  @Test(arguments: Kind.allCases) func concurrentWritesLeaveTheNewest(kind: Kind) async throws {
    let key = try key()
    var random = TestRandom("concurrent records")
    for round in 0..<5 {
      let times = (1...200).map { Int64(round * 1_000 + $0) }.shuffled(using: &random)
      try await withThrowingTaskGroup(of: Void.self) { group in
        // Every writer has its own connection, as replicas do; memory is one for all.
        let shared = try await store(kind)
        for part in 0..<4 {
          let own = kind == .redis ? try await store(kind) : shared
          let mine = times[(part * 50)..<(part * 50 + 50)]
          group.addTask {
            try await withThrowingTaskGroup(of: Void.self) { inner in
              for time in mine {
                inner.addTask { _ = try await own.record(try self.state(time, "\(time)"), key) }
              }
              try await inner.waitForAll()
            }
          }
        }
        try await group.waitForAll()
        if kind == .redis {
          #expect(try await shared.last(key) == (try state(Int64(round * 1_000 + 200), "\(round * 1_000 + 200)")))
        }
      }
    }
  }

  @Test func aLostRedisIsAnOutage() async throws {
    let server = try await PrivateRedis.start()
    let store = RedisStateStore(RedisMultiplexer(RedisClient(RedisConfiguration(url: try RedisURL(server.url)))))
    let key = try key()
    #expect(try await store.record(try state(1), key))
    await server.halt(signal: 9)
    let error = await #expect(throws: RedisError.self) { try await store.last(key) }
    #expect(error?.errorClass == .transient)
    try await server.resume()
    try await eventually("Redis is back") {
      do { _ = try await store.last(key) } catch { return false }
      return true
    }
    #expect(try await store.last(key) == nil)
    #expect(try await store.record(try state(1), key))
    await server.stop()
  }
}
