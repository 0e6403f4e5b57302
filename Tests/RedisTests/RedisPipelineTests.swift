import Core
import LocalServers
@testable import Redis
import Testing
import TestSupport

@Suite struct RedisPipelineTests {
  @Test(arguments: [
    (Int64(0), 0, "0"), (5, 0, "5"), (-5, 2, "-0.05"), (12_345, 2, "123.45"), (1_000, 3, "1.000"),
    (1, 18, "0.000000000000000001"),
    (-999_999_999_999_999_999, 18, "-0.999999999999999999"), (.max, 0, "9223372036854775807"),
  ])
  func numbersAreWrittenWithTheirDigits(mantissa: Int64, scale: Int, text: String) {
    var pipeline = RedisPipeline()
    pipeline.number(mantissa, scale: scale)
    #expect(String(decoding: pipeline.bytes, as: UTF8.self) == "$\(text.utf8.count)\r\n\(text)\r\n")
  }

  /// Replies of every kind, cut at every place.
  @Test func repliesAreReadHoweverTheyArrive() throws {
    let text = "+OK\r\n:12\r\n$5\r\na\r\nbc\r\n$-1\r\n*3\r\n:1\r\n-ERR TSDB: invalid value\r\n*2\r\n$1\r\nx\r\n:2\r\n"
      + "*0\r\n"
      + "-OOM command not allowed\r\n*-1\r\n:-7\r\n"
    let bytes = Array(text.utf8)
    for cut in 0...bytes.count {
      var reader = ReplyReader(expecting: 9)
      for part in [bytes[..<cut], bytes[cut...]] {
        try part.withUnsafeBytes { try reader.take($0) }
      }
      #expect(reader.isComplete)
      #expect(reader.answers.integers == [.init(command: 1, value: 12), .init(command: 8, value: -7)])
      #expect(reader.answers.failures.map(\.command) == [4, 6])
      #expect(reader.answers.failures.map(\.element) == [1, nil])
      #expect(reader.answers.failures.map(\.error.code) == ["redis_sample_refused", "redis_oom"])
    }
    var reader = ReplyReader(expecting: 1)
    #expect(throws: RedisError.self) {
      try Array("?\r\n".utf8).withUnsafeBytes { try reader.take($0) }
    }
  }

  @Test(.timeLimit(.minutes(15))) func aRealServerAnswersWithThePlaceOfEachError() async throws {
    let server = try await TestServers.redisWithModules()
    let client = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    let name = TestServers.uniqueName()
    for command in [
      RedisCommand("TS.CREATE", "ts:\(name)", "RETENTION", "1000", "DUPLICATE_POLICY", "LAST"),
      RedisCommand("SET", name, String(repeating: "x", count: 300_000)),
    ] { _ = try await client.send(command) }
    var pipeline = RedisPipeline()
    pipeline.append(RedisCommand("GET", name))
    pipeline.begin(words: 13)
    pipeline.word("TS.MADD")
    for (key, stamp) in [("ts:\(name)", 1_000_000), ("ts:\(name)", 5), ("absent:\(name)", 1), (name, 2)] {
      pipeline.framed(RedisPipeline.frame(key))
      pipeline.number(Int64(stamp))
      pipeline.number(15, scale: 1)
    }
    pipeline.append(RedisCommand("NONSENSE"))
    pipeline.append(RedisCommand("STRLEN", name))
    let answers = try await client.run(pipeline)
    #expect(answers.integers == [.init(command: 3, value: 300_000)])
    #expect(answers.failures.map(\.error.code)
      == ["redis_outside_retention", "redis_no_series", "redis_no_series", "redis_unknown_command"])
    #expect(answers.failures.map(\.element) == [1, 2, 3, nil])
    // The connection goes on with commands of the other kind.
    #expect(try await client.send(RedisCommand("TS.GET", "ts:\(name)")).array?.last?.text == "1.5")
  }
}
