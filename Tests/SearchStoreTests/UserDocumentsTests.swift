import Core
import Redis
@testable import SearchStore
import Testing
import TestSupport

@Suite(.timeLimit(.minutes(15))) struct UserDocumentsTests {
  @Test func anObjectIsKeptAsItWasWritten() async throws {
    let fixture = try await StoreFixture()
    let documents = UserDocuments(fixture.redis), user = "u-\(fixture.own)@x.example"
    #expect(try await documents.get(.profile, of: user) == nil)
    let json = #"{"name":"Zoë","symbols":["AAPL","BRK.B"],"risk":{"level":0.25},"n":9007199254740993}"#
    try await documents.set(.profile, of: user, to: Array(json.utf8))
    #expect(try await documents.get(.profile, of: user) == Array(json.utf8))
    #expect(try await documents.get(.portfolio, of: user) == nil)
    #expect(try await fixture.ask("TYPE", "profile:\(user)").text == "ReJSON-RL")
    try await documents.set(.profile, of: user, to: Array(" {} ".utf8))
    #expect(try await documents.get(.profile, of: user) == Array("{}".utf8))
    #expect(try await documents.remove(.profile, of: user))
    #expect(try await documents.remove(.profile, of: user) == false)
  }

  @Test func limitsAreKept() async throws {
    let fixture = try await StoreFixture()
    var limits = UserDocuments.Limits()
    (limits.bytes, limits.depth) = (100, 3)
    let documents = UserDocuments(fixture.redis, limits: limits)
    func refusal(_ json: String, user: String = fixture.own) async -> String? {
      do {
        try await documents.set(.portfolio, of: user, to: Array(json.utf8))
        return nil
      } catch {
        return publicCode(of: error)
      }
    }
    #expect(await refusal(#"{"a":{"b":[1]}}"#) == nil)
    for (json, code) in [
      (#"{"a":{"b":[[1]]}}"#, "bad_json"), ("[1]", "bad_json"), ("7", "bad_json"), ("{", "bad_json"), ("", "bad_json"),
      ("{} {}", "bad_json"), (#"{"a":"\#(String(repeating: "x", count: 100))"}"#, "too_large"),
      (#"{"a":1e400}"#, "bad_json"),
    ] { #expect(await refusal(json) == code, "\(json)") }
    for user in ["", "a b", "a:b", "é", String(repeating: "a", count: 129)] {
      #expect(await refusal("{}", user: user) == "bad_user")
    }
    // What was there stays.
    #expect(try await documents.get(.portfolio, of: fixture.own) == Array(#"{"a":{"b":[1]}}"#.utf8))
    try await fixture.ask("SET", "profile:\(fixture.own)", "text")
    let error = await #expect(throws: RedisError.self) { try await documents.get(.profile, of: fixture.own) }
    #expect(error?.code == "redis_wrongtype")
    try await fixture.ask("DEL", "profile:\(fixture.own)", "portfolio:\(fixture.own)")
  }
}
