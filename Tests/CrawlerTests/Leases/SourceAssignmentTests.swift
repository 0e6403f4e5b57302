import Core
import LocalServers
import Redis
import ServiceKit
import Synchronization
import Testing
import TestSupport

@testable import CrawlerService

/// Replicas in one process over a real Redis; the tests act as their loops.
@Suite struct SourceAssignmentTests {
  /// One replica: acquires leases, and releases them when they end.
  private final class Replica: Sendable {
    let drain = Interruption()
    let assignment: SourceAssignment
    let relisting = RelistRequests()
    private let client: RedisClient
    private let running = Mutex<Task<Void, any Error>?>(nil)
    private let current = Mutex<[String: SourceLease]>([:])

    var held: Set<String> { current.withLock { Set($0.keys) } }
    func lease(_ source: String) -> SourceLease? { current.withLock { $0[source] } }

    /// - Parameter sources: sources with the same names as their leases.
    init(_ server: PrivateRedis, _ sources: [String], timeout: Duration = .seconds(3)) throws {
      client = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
      let assignment = SourceAssignment(
        leases: RedisLeases(client: client, retention: .seconds(3_600)),
        sources: Dictionary(uniqueKeysWithValues: sources.map { ($0, $0) }), timeout: timeout, name: "test",
        relisting: relisting, context: ServiceContext(name: "crawler", logger: quietLogger(), drain: drain))
      self.assignment = assignment
      let task = Task { [self] in
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await assignment.run() }
          for source in sources { group.addTask { await self.loop(source) } }
          try await group.waitForAll()
        }
      }
      running.withLock { $0 = task }
    }

    private func loop(_ source: String) async {
      while let lease = await assignment.lease(of: source) {
        current.withLock { $0[source] = lease }
        await lease.ended.wait()
        current.withLock { $0[source] = nil }
        await assignment.release(lease)
      }
    }

    func stop() async throws {
      drain.raise()
      try await running.withLock { $0 }?.value
    }
  }

  private static let sources = (0..<7).map { "chain\($0)" }

  private func withServer(_ body: (PrivateRedis, RedisClient) async throws -> Void) async throws {
    let server = try await PrivateRedis.start()
    do {
      try await body(server, RedisClient(RedisConfiguration(url: try RedisURL(server.url))))
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  private func entry(_ name: String) -> SeenEntry {
    SeenEntry(chain: "x", fileName: name, fingerprint: Fingerprint(fileName: name, version: "1"))
  }

  @Test func oneReplicaHoldsAllAndTwoHoldHalfEach() async throws {
    try await withServer { server, client in
      let first = try Replica(server, Self.sources)
      try await eventually("all are held") { first.held == Set(Self.sources) }
      let second = try Replica(server, Self.sources)
      try await eventually("each has its share") {
        // Never held twice, at every check.
        #expect(first.held.isDisjoint(with: second.held))
        return first.held.count + second.held.count == 7 && second.held.count >= 3 && first.held.count >= 3
      }
      try await first.stop()
      try await eventually("the second has all") { second.held == Set(Self.sources) }
      try await second.stop()
      // No key remains.
      #expect(try await client.send(RedisCommand("KEYS", "souk:crawler:*")).array == [])
    }
  }

  @Test func aLostLeaseEndsAndWritesNothing() async throws {
    try await withServer { server, client in
      let replica = try Replica(server, ["a"])
      try await eventually("it is held") { replica.held == ["a"] }
      let old = try #require(replica.lease("a"))
      let store = SeenStore.redis(client, retention: .seconds(60))
      try await old.mark([entry("before")])
      #expect(try await store.areSeen([entry("before")]) == [true])

      // As after a pause longer than the lease: another replica holds it.
      _ = try await client.send(RedisCommand("SET", "souk:crawler:lease:a", "another", "PX", "600000"))
      let error = await #expect(throws: Failure.self) { try await old.mark([entry("after")]) }
      #expect(error?.code == "lease_lost")
      #expect(error?.errorClass == .transient)
      #expect(try await store.areSeen([entry("after")]) == [false])
      #expect(old.ended.isRaised)
      #expect(!old.isHeld)
      #expect(throws: Failure.self) { try old.requireHeld() }
      // A lost lease is not released.
      #expect(try await client.send(RedisCommand("GET", "souk:crawler:lease:a")).text == "another")
      // After the other lease has expired, it is held again, under another fence.
      _ = try await client.send(RedisCommand("PEXPIRE", "souk:crawler:lease:a", "1"))
      try await eventually("it is held again") { replica.held == ["a"] }
      #expect(replica.lease("a")?.fence != old.fence)
      try await replica.stop()
    }
  }

  @Test func withoutRedisAllLeasesEndInTimeAndReturn() async throws {
    try await withServer { server, _ in
      let replica = try Replica(server, Self.sources, timeout: .seconds(2))
      try await eventually("all are held") { replica.held == Set(Self.sources) }
      let leases = Self.sources.compactMap { replica.lease($0) }
      await server.halt(signal: 9)
      try await eventually("all have ended") { leases.allSatisfy { $0.ended.isRaised && !$0.isHeld } }
      try await eventually("their loops have ended") { replica.held.isEmpty }
      try await server.resume()
      try await eventually("all are held again") { replica.held == Set(Self.sources) }
      try await replica.stop()
    }
  }

  /// A killed replica leaves its leases and its member entry; both expire.
  @Test func aDeadReplicasLeasesMove() async throws {
    try await withServer { server, client in
      let expiry = 32_503_680_000_000
      _ = try await client.send(RedisCommand("SET", "souk:crawler:lease:a", "dead-1/1", "PX", "600000"))
      let replica = try Replica(server, ["a", "b"])
      try await eventually("what is free is held") { replica.held == ["b"] }
      _ = try await client.send(RedisCommand("PEXPIRE", "souk:crawler:lease:a", "1"))
      try await eventually("the rest, too") { replica.held == ["a", "b"] }
      // A live member has its share even when it acquires no lease.
      _ = try await client.send(
        RedisCommand("HSET", "souk:crawler:members", "alive", "\(expiry)\na\nb"))
      try await eventually("half is given up") { replica.held.count == 1 }
      _ = try await client.send(RedisCommand("HSET", "souk:crawler:members", "alive", "1\na\nb"))
      try await eventually("and taken back") { replica.held == ["a", "b"] }
      #expect(try await client.send(RedisCommand("HEXISTS", "souk:crawler:members", "alive")).integer == 0)
      try await replica.stop()
    }
  }

  /// Any replica may consume an expired link; the owner of its chain lists it again.
  @Test func anExpiredLinkReachesTheOwnerOfItsChain() async throws {
    try await withServer { server, _ in
      let (first, second) = (try Replica(server, ["a", "b"]), try Replica(server, ["a", "b"]))
      try await eventually("one each") { first.held.count == 1 && second.held.count == 1 }
      let source = try #require(second.held.first)
      let asked = Task { await second.relisting.sleep(source, for: .seconds(600), drain: Interruption()) }
      try await first.assignment.relist(source)
      // The sleep ends long before its time.
      #expect(await asked.value == false)
      try await first.stop()
      try await second.stop()
    }
  }
}
