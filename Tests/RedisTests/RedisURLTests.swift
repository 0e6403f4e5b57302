import Core
import Redis
import Testing

@Suite struct RedisURLTests {
  @Test(arguments: [
    ("redis://cache", RedisURL(host: "cache")),
    ("redis://cache:6380/3", RedisURL(host: "cache", port: 6380, database: 3)),
    ("redis://:s3cret@cache/0", RedisURL(host: "cache", password: "s3cret")),
    ("redis://me:p%40ss%3A@cache", RedisURL(host: "cache", user: "me", password: "p@ss:")),
    ("redis://[::1]:7000", RedisURL(host: "::1", port: 7000)),
    ("redis://[::1]", RedisURL(host: "::1")),
    ("redis://cache/", RedisURL(host: "cache")),
  ])
  func reads(text: String, expected: RedisURL) throws {
    #expect(try RedisURL(text) == expected)
  }

  @Test(arguments: [
    "", "cache:6379", "http://cache", "redisss://cache", "redis://", "redis://:secret", "redis://secret@cache",
    "redis://cache:0", "redis://cache:70000", "redis://cache:", "redis://cache/one", "redis://cache/-1",
    "redis://[::1", "redis://[::1]x", "redis://:%zz@cache", "redis://cache?x=1",
  ])
  func refusesWithoutRepeatingTheSecret(text: String) {
    let error = #expect(throws: Failure.self) { try RedisURL(text) }
    #expect(error?.errorClass == .configuration)
    #expect(error?.description.contains("secret") == false)
  }

  @Test func hidesThePassword() throws {
    #expect(try RedisURL("redis://:secret@cache:1/2").description == "redis://***@cache:1/2")
  }
}
