import Core
@testable import CrawlerService
import LocalServers
import Redis
import ServiceState
import Synchronization
import Testing

/// The contract of all three stores.
@Suite struct SeenStoreTests {
  enum Kind: String, CaseIterable { case memory, file, redis }

  private func withStore(_ kind: Kind, _ body: (SeenStore) async throws -> Void) async throws {
    switch kind {
    case .memory: try await body(SeenStore())
    case .file:
      let folder = try PrivateFolder("crawler")
      let store = try SeenStore.file(folder.file("new/seen.log"), retention: .seconds(3_600))
      try await body(store)
      await store.close()
    case .redis:
      let server = try await PrivateRedis.start()
      let client = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
      try await body(SeenStore.redis(client, retention: .seconds(3_600)))
      await server.stop()
    }
  }

  private func entry(_ chain: String, _ name: String, _ version: String = "1") -> SeenEntry {
    SeenEntry(chain: chain, fileName: name, fingerprint: Fingerprint(fileName: name, version: version))
  }

  @Test(arguments: Kind.allCases)
  func remembersOnlyMarkedFiles(kind: Kind) async throws {
    try await withStore(kind) { store in
      let (a, b) = (entry("x", "a"), entry("x", "b"))
      #expect(try await store.areSeen([a, b]) == [false, false])
      #expect(try await store.areSeen([a, b]) == [false, false])
      try await store.mark([a])
      #expect(try await store.areSeen([b, a]) == [false, true])
      try await store.mark([a])
      #expect(try await store.areSeen([a]) == [true])
      #expect(try await store.areSeen([]) == [])
      try await store.mark([])
      try await store.state.ping()
    }
  }

  @Test(arguments: Kind.allCases)
  func chainsAreIndependent(kind: Kind) async throws {
    try await withStore(kind) { store in
      try await store.mark([entry("x", "a")])
      #expect(try await store.areSeen([entry("y", "a"), entry("x", "a")]) == [false, true])
    }
  }

  @Test(arguments: Kind.allCases)
  func anotherPublicationUnderTheNameIsNew(kind: Kind) async throws {
    try await withStore(kind) { store in
      try await store.mark([entry("x", "a", "1")])
      #expect(try await store.areSeen([entry("x", "a", "2")]) == [false])
      try await store.mark([entry("x", "a", "2")])
      #expect(try await store.areSeen([entry("x", "a", "2"), entry("x", "a", "1")]) == [true, false])
    }
  }

  @Test(arguments: Kind.allCases)
  func takesThousandsAtOnce(kind: Kind) async throws {
    try await withStore(kind) { store in
      let entries = (0..<5_000).map { entry("x", "file\($0)") }
      try await store.mark(entries)
      #expect(try await store.areSeen(entries).allSatisfy { $0 })
    }
  }

  @Test func redisForgetsAfterTheRetention() async throws {
    let server = try await PrivateRedis.start()
    let client = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    let store = SeenStore.redis(client, retention: .seconds(1_000))
    try await store.mark([entry("x", "a")])
    let key = "souk:crawler:seen:x/a"
    let left = try #require(try await client.send(RedisCommand("TTL", key)).integer)
    #expect((1...1_000).contains(left))
    // Being listed renews it.
    try await client.sendAll([RedisCommand("EXPIRE", key, "10")])
    #expect(try await store.areSeen([entry("x", "a")]) == [true])
    #expect(try #require(try await client.send(RedisCommand("TTL", key)).integer) > 10)
    await server.stop()
  }

  @Test func aRedisThatIsDownIsTransient() async throws {
    let client = RedisClient(RedisConfiguration(url: RedisURL(host: "127.0.0.1", port: try FreePort.next())))
    let store = SeenStore.redis(client, retention: .seconds(1))
    let error = await #expect(throws: RedisError.self) { try await store.areSeen([entry("x", "a")]) }
    #expect(error?.errorClass == .transient)
  }

  @Test func readsStateLocations() throws {
    #expect(try StateLocation("memory:") == .memory)
    #expect(try StateLocation("file:///var/lib/souk/a%20b.log") == .file("/var/lib/souk/a b.log"))
    #expect(try StateLocation("redis://:p@h/1") == .redis("redis://:p@h/1"))
    for wrong in ["", "seen.log", "file:seen", "file://host/x", "file:///", "file:///folder/", "http://secret@x"] {
      let error = #expect(throws: Failure.self) { try StateLocation(wrong) }
      #expect(error?.errorClass == .configuration)
      #expect(error?.message.contains("secret") == false)
    }
  }
}
