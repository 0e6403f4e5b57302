import Catalogue
import Core
import Kafka
import Testing
import TestSupport

@testable import Pipeline

/// Refused records that are too large together with the headers that say why.
@Suite struct LargeDeadLetterTests {
  private let service = ServiceIdentity(name: "test", version: "1")

  private func letter(key: Int, value: Int, headers: [Header] = []) -> DeadLetter {
    let record = Job(
      topic: "input", partition: 3, offset: 41, timestamp: 7, key: Array(repeating: 0x6b, count: key),
      value: (0..<value).map { UInt8(truncatingIfNeeded: $0) }, headers: headers,
      lease: Lease(partition: TopicPartition("input", 3), epoch: 1))
    return DeadLetter(record, Rejection(code: "rotten", stage: "handle", "no good"))
  }

  /// The largest record that a producer with its defaults takes: 1,000,000 bytes with its own overhead.
  @Test(.timeLimit(.minutes(10))) func theLargestRecordIsDeadLetteredAndCommitted() async throws {
    let scenario = try await Scenario()
    let running = try scenario.jobs(ScriptedHandler { _, _ in throw Failure.rotten })
    let value = String(repeating: "0123456789", count: 99_990)
    try await scenario.feed([Scenario.Input(value, key: "large"), Scenario.Input("small", key: "small")])
    try await scenario.eventuallyCommitted(2)
    let letters = try await scenario.tap.wait(scenario.dead, 2)
    let large = try #require(letters.first { $0.key == Array("large".utf8) })
    let kept = large.text ?? ""
    #expect(kept.utf8.count > 990_000 && value.hasPrefix(kept))
    #expect(large.header(HeaderName.cut) == "value")
    #expect(large.header(HeaderName.valueBytes) == "999900")
    // printf '0123456789%.0s' $(seq 99990) | sha256sum
    #expect(large.header(HeaderName.valueSHA256) == "0a6c31e02ca0457c112a6b893f1c1fe333b77f178c08fa018486fc858dc97b4a")
    #expect(large.header(HeaderName.topic) == scenario.input && large.header(HeaderName.offset) != nil)
    let small = try #require(letters.first { $0.text == "small" })
    #expect(small.header(HeaderName.cut) == nil)
    #expect(try await running.drain().deadLettered == 2)
  }

  /// A letter with a large key, value or header fits the limit, and says what was cut.
  @Test(arguments: [
    (10, 5_000, 1, "value"), (10, 100, 5_000, "headers"), (5_000, 100, 1, "value,headers,key"),
    (5_000, 5_000, 5_000, "value,headers,key"), (0, 4_000, 10, "value"), (10, 5_000, 5_000, "value,headers"),
  ])
  func everyLetterFits(key: Int, value: Int, header: Int, cut: String) {
    let original = letter(
      key: key, value: value, headers: [Header("x", Array(repeating: UInt8(ascii: "h"), count: header))])
    let (letter, headers) = original.fitted(to: 2_000, from: service)
    let size = (letter.record.key?.count ?? 0) + (letter.record.value?.count ?? 0)
      + headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.count + 10 } + 100
    #expect(size <= 2_000, "\(size)")
    func text(_ name: String) -> String? { headers.last { $0.name == name }?.text }
    #expect(text(HeaderName.cut) == cut)
    #expect(text(HeaderName.valueBytes) == "\(value)")
    #expect(text(HeaderName.topic) == "input" && text(HeaderName.partition) == "3" && text(HeaderName.offset) == "41")
    #expect(original.record.value?.starts(with: letter.record.value ?? []) == true)
    #expect(original.record.key?.starts(with: letter.record.key ?? []) == true)
  }

  @Test func whatFitsIsLeftAsItIs() {
    let original = letter(key: 10, value: 500, headers: [Header("x", "y")])
    let (letter, headers) = original.fitted(to: 2_000, from: service)
    #expect(letter.record.value == original.record.value && letter.record.key == original.record.key)
    #expect(!headers.contains { HeaderName.cutLetter.contains($0.name) })
  }
}
