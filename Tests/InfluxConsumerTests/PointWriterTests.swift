import Influx
import Kafka
import Synchronization
import Testing
import TestSupport

@testable import InfluxConsumerService

/// A server in memory: refuses bodies with a line that holds `bad`, drops lines that hold `old`, and takes no body
/// above a size.
private final class FakeServer: PointDestination {
  private let state = Mutex<(lines: [String], requests: Int)>(([], 0))
  let maxBytes: Int

  init(maxBytes: Int = .max) { self.maxBytes = maxBytes }

  var lines: [String] { state.withLock { $0.lines } }
  var requests: Int { state.withLock { $0.requests } }

  func write(_ body: [UInt8]) async throws -> WriteAnswer {
    let lines = String(decoding: body, as: UTF8.self).split(separator: "\n").map(String.init)
    return state.withLock { state in
      state.requests += 1
      if body.count > maxBytes { return .tooLarge }
      // As InfluxDB does, the good ones are written.
      state.lines += lines.filter { !$0.contains("bad") && !$0.contains("old") }
      if lines.contains(where: { $0.contains("bad") }) { return .refused("bad") }
      let old = lines.count { $0.contains("old") }
      return old > 0 ? .outsideRetention(dropped: old) : .written
    }
  }
}

@Suite struct PointWriterTests {
  /// - Parameter texts: the lines of each partition.
  private func buffers(_ texts: [[String]]) throws -> [TopicPartition: PointBuffer] {
    var buffers: [TopicPartition: PointBuffer] = [:]
    for (partition, lines) in texts.enumerated() {
      buffers[TopicPartition("t", Int32(partition))] = PointBuffer(lines: lines)
    }
    return buffers
  }

  @Test func everyPointIsInOneBodyAndAPartitionInOneLane() throws {
    var random = TestRandom("write plan")
    for _ in 0..<200 {
      let texts = (0..<Int.random(in: 0...6, using: &random)).map { partition in
        (0..<Int.random(in: 0...30, using: &random)).map { "p\(partition) \($0)" }
      }
      let buffers = try buffers(texts)
      let limits = WriteLimits(
        points: .random(in: 1...12, using: &random), bytes: .random(in: 1...60, using: &random),
        concurrency: .random(in: 1...4, using: &random))
      let plan = WritePlan(buffers, limits: limits)
      #expect(plan.lanes.count <= limits.concurrency)
      var seen: [TopicPartition: [Int]] = [:]
      var lanes: [TopicPartition: Int] = [:]
      for (lane, bodies) in plan.lanes.enumerated() {
        for body in bodies {
          #expect((1...limits.points).contains(body.count))
          let bytes = body.parts.reduce(0) { $0 + (buffers[$1.partition]?.bytes(of: $1.points).count ?? 0) }
          #expect(bytes <= limits.bytes || body.count == 1)
          for part in body.parts {
            seen[part.partition, default: []] += part.points
            #expect(lanes.updateValue(lane, forKey: part.partition) ?? lane == lane)
          }
        }
      }
      #expect(seen == buffers.filter { $0.value.count > 0 }.mapValues { Array(0..<$0.count) })
    }
  }

  @Test func halvesHoldEverythingOnce() {
    var body = PointBody()
    body.append(TopicPartition("t", 0), 3..<5)
    body.append(TopicPartition("t", 1), 0..<3)
    let (first, second) = body.halves
    #expect(first.parts == [.init(partition: TopicPartition("t", 0), points: 3..<5)])
    #expect(second.parts == [.init(partition: TopicPartition("t", 1), points: 0..<3)])
  }

  @Test func onlyInvalidPointsAreRefused() async throws {
    let server = FakeServer()
    let buffers = try buffers([["a", "bad 1", "b", "old"], [], ["bad 2"], ["c", "d", "e", "bad 3", "f"]])
    let writer = PointWriter(destination: server, buffers: buffers)
    let outcome = try await writer.write(WritePlan(buffers, limits: WriteLimits(points: 4, concurrency: 2)))
    let refused = outcome.refused.map { "\($0.partition.partition)@\($0.offset)" }.sorted()
    #expect(refused == ["0@1", "2@0", "3@3"])
    #expect(Set(server.lines) == ["a", "b", "c", "d", "e", "f"])
    #expect(outcome.outsideRetention == 1)
  }

  @Test func aBodyThatIsTooLargeIsHalved() async throws {
    let server = FakeServer(maxBytes: 10)
    let buffers = try buffers([["aaaa", "bbbb", "cccc", "much too long for it"]])
    let writer = PointWriter(destination: server, buffers: buffers)
    let outcome = try await writer.write(WritePlan(buffers, limits: WriteLimits()))
    #expect(outcome.refused.map(\.offset) == [3])
    #expect(server.lines.sorted() == ["aaaa", "bbbb", "cccc"])
  }

  @Test(arguments: [
    (204, "", WriteAnswer.written),
    (200, "{}", .written),
    (413, "", .tooLarge),
    (400, #"{"error":"partial write: points beyond retention policy dropped=2"}"#, .outsideRetention(dropped: 2)),
    (422, #"{"code":"unprocessable entity","message":"partial write: points beyond retention policy dropped=1"}"#,
      .outsideRetention(dropped: 1)),
    (400, #"{"error":"partial write: field type conflict: input field \"close\" is type float dropped=1"}"#,
      .refused(#"partial write: field type conflict: input field "close" is type float dropped=1"#)),
    (400, #"{"code":"invalid","message":"unable to parse 'x': missing fields"}"#,
      .refused("unable to parse '…': missing fields")),
    (400, #"{"error":"partial write of line protocol occurred","data":[{"line_number":2,"error_message":"no \"b\""}]}"#,
      .refused(#"partial write of line protocol occurred: no "b""#)),
    (400, "what?\n", .refused("what?")),
    (400, "{}", .refused("the server gives no reason")),
  ])
  func answersAreUnderstood(status: Int, body: String, answer: WriteAnswer) {
    #expect(WriteAnswer(status: status, body: body) == answer)
  }

  @Test(arguments: [401, 403, 404, 429, 500, 503]) func otherAnswersBlameNoPoint(status: Int) {
    #expect(WriteAnswer(status: status, body: "{}") == nil)
  }
}

extension PointBuffer {
  /// A buffer of finished lines, at offsets from 0 on.
  fileprivate init(lines texts: [String]) {
    self.init()
    for (offset, text) in texts.enumerated() {
      lines.append(Array(text.utf8))
      lines.append(UInt8(ascii: "\n"))
      ends.append(lines.count)
      offsets.append(Int64(offset))
      produced.append(-1)
    }
  }
}
