import Core
import LocalServers
import Redis
import Testing
import TestSupport

/// Against a real redis-server on a free port.
@Suite struct RedisMultiplexerTests {
  private func queue(_ server: PrivateRedis) throws -> RedisMultiplexer {
    RedisMultiplexer(RedisClient(RedisConfiguration(url: try RedisURL(server.url), clientName: "tests")))
  }

  private let adding = RedisScript("""
    local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
    return {sum, ARGV[2]}
    """)

  @Test func manyTasksGetTheirOwnReplies() async throws {
    let server = try await PrivateRedis.start()
    let queue = try queue(server)
    let replies = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
      for index in 0..<500 {
        group.addTask { (index, try await queue.send(RedisCommand("ECHO", "\(index)")).text) }
      }
      return try await group.reduce(into: [Int: String?]()) { $0[$1.0] = $1.1 }
    }
    #expect(replies.count == 500 && replies.allSatisfy { "\($0.key)" == $0.value })
    await server.stop()
  }

  @Test func theRepliesOfOneQuestionStayTogether() async throws {
    let server = try await PrivateRedis.start()
    let queue = try queue(server)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<200 {
        group.addTask {
          let words = (0..<index % 4).map { "\(index)/\($0)" }
          let replies = try await queue.replies(to: words.map { RedisCommand("ECHO", $0) } + [RedisCommand("NONE")])
          #expect(replies.dropLast().map(\.text) == words)
          guard case .failure? = replies.last else {
            Issue.record("an error is an element")
            return
          }
        }
      }
      try await group.waitForAll()
    }
    await server.stop()
  }

  @Test func oneErrorIsOnlyItsOwnTasks() async throws {
    let server = try await PrivateRedis.start()
    let queue = try queue(server)
    _ = try await queue.send(RedisCommand("SET", "text", "a"))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<50 {
        group.addTask {
          guard index % 10 == 0 else {
            let text = try await queue.send(RedisCommand("GET", "text")).text
            return #expect(text == "a")
          }
          let error = await #expect(throws: RedisError.self) { try await queue.send(RedisCommand("INCR", "text")) }
          #expect(error?.isTransient == false)
        }
      }
      try await group.waitForAll()
    }
    await server.stop()
  }

  @Test func scriptsRunByDigestAndSurviveALostServer() async throws {
    let server = try await PrivateRedis.start()
    let queue = try queue(server)
    for index in 1...3 {
      let reply = try await queue.run(adding, keys: ["n"], arguments: ["2", "x"])
      #expect(reply.array == [.integer(Int64(2 * index)), .bytes(Array("x".utf8))])
    }
    _ = try await queue.send(RedisCommand("SCRIPT", "FLUSH"))
    #expect(try await queue.run(adding, keys: ["n"], arguments: ["1", "y"]).array?.first == .integer(7))
    await server.halt(signal: 9)
    let error = await #expect(throws: RedisError.self) {
      try await queue.run(adding, keys: ["n"], arguments: ["1", ""])
    }
    #expect(error?.errorClass == .transient)
    try await server.resume()
    try await eventually("Redis is back") { (try? await queue.ping()) != nil }
    #expect(try await queue.run(adding, keys: ["n"], arguments: ["5", "z"]).array?.first == .integer(5))
    await server.stop()
  }

  @Test func scriptsOfManyTasksAreOneStepEach() async throws {
    let server = try await PrivateRedis.start()
    let queues = [try queue(server), try queue(server)]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<400 {
        group.addTask { _ = try await queues[index % 2].run(adding, keys: ["n"], arguments: ["1", ""]) }
      }
      try await group.waitForAll()
    }
    #expect(try await queues[0].send(RedisCommand("GET", "n")).text == "400")
    await server.stop()
  }
}
