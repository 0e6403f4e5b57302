import ArgumentParser
import Core
import Foundation
import LocalServers
import Redis
import RedisFlags
import Testing
import TestSupport

/// Against a real redis-server on a free port.
@Suite struct RedisClientTests {
  private func client(_ server: PrivateRedis, timeout: Duration = .seconds(5)) throws -> RedisClient {
    RedisClient(RedisConfiguration(url: try RedisURL(server.url), timeout: timeout, clientName: "tests"))
  }

  @Test func pipelinesInOrderAcrossChunks() async throws {
    let server = try await PrivateRedis.start()
    var configuration = RedisConfiguration(url: try RedisURL(server.url))
    configuration.pipelineDepth = 7
    let client = RedisClient(configuration)
    let replies = try await client.sendAll((1...50).map { _ in RedisCommand("INCR", "n") })
    #expect(replies.compactMap(\.integer) == Array(1...50))
    await server.stop()
  }

  @Test func carriesAnyBytes() async throws {
    let server = try await PrivateRedis.start()
    let client = try client(server)
    let value = (0...255).map { UInt8($0) } + Array("\r\n$-1\r\n".utf8)
    #expect(try await client.send(RedisCommand("SET", [Array("שוק".utf8), value])).text == "OK")
    #expect(try await client.send(RedisCommand("GET", "שוק")).bytes == value)
    #expect(try await client.send(RedisCommand("SET", [[], []])).text == "OK")
    #expect(try await client.send(RedisCommand("GET", [[]])).bytes == [])
    #expect(try await client.send(RedisCommand("GET", "nothing")).isNull)
    let array = try await client.send(RedisCommand("MGET", "nothing", "שוק")).array
    #expect(array == [.null, .bytes(value)])
    await server.stop()
  }

  @Test func anErrorReplyIsClassifiedAndLeavesTheConnectionUsable() async throws {
    let server = try await PrivateRedis.start()
    let client = try client(server)
    try await client.sendAll([RedisCommand("SET", "text", "a")])
    let wrongType = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("SADD", "text", "b")) }
    #expect(wrongType?.errorClass == .configuration)
    #expect(wrongType?.code == "redis_wrongtype")
    let unknown = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("NOSUCH")) }
    #expect(unknown?.errorClass == .configuration)
    #expect(unknown?.code == "redis_unknown_command")
    let mixed = try await client.replies(to: [
      RedisCommand("SADD", "text", "b"), RedisCommand("GET", "text"), RedisCommand("LLEN", "text"),
    ])
    #expect(mixed[1].text == "a")
    #expect(mixed.filter { if case .failure = $0 { true } else { false } }.count == 2)
    await server.stop()
  }

  @Test func aKilledServerIsTransientAndTheClientRecovers() async throws {
    let server = try await PrivateRedis.start()
    let client = try client(server)
    try await client.ping()
    await server.halt(signal: 9)
    for _ in 0..<3 {
      let error = await #expect(throws: RedisError.self) { try await client.ping() }
      #expect(error?.errorClass == .transient)
    }
    try await server.resume()
    try await eventually("the server answers again") { (try? await client.ping()) != nil }
    await server.stop()
  }

  @Test func aSilentServerTimesOut() async throws {
    let server = try await PrivateRedis.start()
    let client = try client(server, timeout: .seconds(2))
    // A reply that never comes.
    let error = await #expect(throws: RedisError.self) { _ = try await client.send(RedisCommand("BLPOP", "x", "0")) }
    #expect(error?.code == "redis_timeout")
    #expect(error?.errorClass == .transient)
    try await eventually("another connection is opened") { (try? await client.ping()) != nil }
    await server.stop()
  }

  @Test func wrongCredentialsAndDatabaseAreConfiguration() async throws {
    let server = try await PrivateRedis.start()
    let url = try RedisURL(server.url)
    for wrong in [
      RedisURL(host: url.host, port: url.port, password: "nope"),
      RedisURL(host: url.host, port: url.port, user: "nobody", password: "nope"),
      RedisURL(host: url.host, port: url.port, database: 4_000),
    ] {
      let client = RedisClient(RedisConfiguration(url: wrong))
      let error = await #expect(throws: RedisError.self) { try await client.ping() }
      #expect(error?.errorClass == .configuration)
      #expect(error?.description.contains("nope") == false)
    }
    await server.stop()
  }

  @Test func aPasswordIsUsed() async throws {
    let server = try await PrivateRedis.start()
    try await client(server).sendAll([RedisCommand("CONFIG", "SET", "requirepass", "open sesame")])
    let url = try RedisURL(server.url)
    let locked = try client(server)
    let error = await #expect(throws: RedisError.self) { try await locked.ping() }
    #expect(error?.code == "redis_noauth")
    let opened = RedisClient(
      RedisConfiguration(url: RedisURL(host: url.host, port: url.port, password: "open sesame")))
    try await opened.ping()
    await server.stop()
  }

  @Test func aReplacedPasswordIsUsedAtTheNextConnection() async throws {
    let server = try await PrivateRedis.start()
    let admin = try client(server)
    try await admin.sendAll([RedisCommand("CONFIG", "SET", "requirepass", "first")])
    let url = try RedisURL(server.url)
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/url"
      func write(_ password: String) throws {
        try "redis://:\(password)@\(url.host):\(url.port)/0\n".write(toFile: file, atomically: true, encoding: .utf8)
      }
      try write("first")
      var options = try RedisOptions.parse(["--redis-url", "file:\(file)"])
      let locked = try options.makeClient(clientName: "locked")
      try await locked.ping()
      try write("second")
      try await admin.sendAll([
        RedisCommand("CONFIG", "SET", "requirepass", "second"),
        RedisCommand("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
      ])
      try await eventually("it is let in again") {
        do { try await locked.ping() } catch { return false }
        return true
      }
      options.redisURL = "file:\(folder)/none"
      #expect(throws: Failure.self) { try options.makeClient(clientName: "none") }
    }
    await server.stop()
  }

  @Test func aRefusedConnectionIsTransient() async throws {
    let port = try FreePort.next()
    let client = RedisClient(RedisConfiguration(url: RedisURL(host: "127.0.0.1", port: port)))
    let error = await #expect(throws: RedisError.self) { try await client.ping() }
    #expect(error?.code == "redis_unreachable")
    #expect(error?.errorClass == .transient)
  }
}
