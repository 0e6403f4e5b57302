import Foundation
import Logging
import ServiceKit
import Synchronization
import Testing

@Suite struct LoggingTests {
  final class Lines: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    var output: LogOutput { LogOutput { [self] line in bytes.withLock { $0 += line } } }
    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
    var lines: [Substring] { text.split(separator: "\n") }
  }
  let lines = Lines()

  func logger(_ format: LogFormat, label: String = "parser", time: Int64 = 1_737_383_452_123_456) -> Logger {
    let output = lines.output
    return Logger(label: label) { label in
      LineLogHandler(
        label: label, service: "parser", level: .info, format: format, output: output, now: { time })
    }
  }

  func record() throws -> [String: Any] {
    #expect(lines.text.hasSuffix("\n"))
    #expect(lines.lines.count == 1)
    return try #require(JSONSerialization.jsonObject(with: Data(lines.text.utf8)) as? [String: Any])
  }

  @Test func jsonHasTheFixedFieldsFirst() {
    logger(.json).info("hello", metadata: ["b": "x", "a": .stringConvertible(7)])
    #expect(lines.text == """
      {"time":"2025-01-20T14:30:52.123456Z","level":"info","service":"parser","message":"hello","a":7,"b":"x"}

      """)
  }

  @Test(arguments: [
    "quote \" backslash \\ slash /", "line\nfeed\r\n", "tab\tbell\u{7}null\u{0}", "חלב 3% 🥛", "\u{2028}", "",
    #"{"level":"info"}"#, "\u{7f}\u{1b}[31m",
  ])
  func anyTextSurvivesJSON(_ text: String) throws {
    logger(.json).error("\(text)", metadata: ["value": "\(text)", "\(text)k": "v"])
    let record = try record()
    #expect(record["message"] as? String == text)
    #expect(record["value"] as? String == text)
    #expect(record["\(text)k"] as? String == "v")
  }

  @Test func metadataKeepsItsShape() throws {
    logger(.json).info("m", metadata: [
      "list": ["a", "b"], "nested": ["x": .stringConvertible(1.5), "y": .stringConvertible(true)],
      "infinite": .stringConvertible(Double.infinity),
    ])
    let record = try record()
    #expect(record["list"] as? [String] == ["a", "b"])
    let nested = try #require(record["nested"] as? [String: Any])
    #expect(nested["x"] as? Double == 1.5)
    #expect(nested["y"] as? Bool == true)
    #expect(record["infinite"] as? String == "inf")
  }

  @Test func metadataCannotShadowTheFixedFields() throws {
    logger(.json).info("real", metadata: ["message": "forged", "time": "never"])
    let record = try record()
    #expect(record["message"] as? String == "real")
    #expect(record["field_message"] as? String == "forged")
    #expect(record["field_time"] as? String == "never")
  }

  @Test func otherLoggersAddTheirName() throws {
    logger(.json, label: "kafka").info("m")
    #expect(try record()["logger"] as? String == "kafka")
  }

  @Test func callersMetadataWinsOverTheLoggers() throws {
    var logger = logger(.json)
    logger[metadataKey: "partition"] = "1"
    logger[metadataKey: "topic"] = "t"
    logger.info("m", metadata: ["partition": "2"])
    #expect(try record()["partition"] as? String == "2")
    #expect(try record()["topic"] as? String == "t")
  }

  @Test func recordsBelowTheLevelAreDropped() {
    logger(.json).debug("m")
    #expect(lines.text.isEmpty)
  }

  @Test func humanLineIsOneLineWhateverTheMessage() {
    logger(.human).warning("two\nlines \u{1b}[31m", metadata: ["file": "a b", "n": .stringConvertible(3)])
    #expect(lines.text == #"""
      2025-01-20T14:30:52.123456Z warning  parser: two\nlines \u001b[31m file="a b" n=3

      """#)
  }

  @Test(arguments: [Int64(0), 951_782_400_000_000, 1_709_164_799_999_999, 4_102_444_799_000_001, -1])
  func timesAgreeWithFoundation(_ microseconds: Int64) throws {
    logger(.json, time: microseconds).info("m")
    let time = try #require(try record()["time"] as? String)
    let formatter = ISO8601DateFormatter()
    let seconds = Int64((Double(microseconds) / 1e6).rounded(.down))
    let expected = formatter.string(from: Date(timeIntervalSince1970: Double(seconds))).dropLast()
    let fraction = String(1_000_000 + microseconds - seconds * 1_000_000).dropFirst()
    #expect(time == "\(expected).\(fraction)Z")
  }

  @Test func linesOfManyTasksNeverMix() async throws {
    let logger = logger(.json)
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask { for n in 0..<250 { logger.info("\(task) \(n) \(String(repeating: "x", count: n))") } }
      }
    }
    #expect(lines.lines.count == 2_000)
    for line in lines.lines { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
  }
}
