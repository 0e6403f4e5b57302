import Influx
import Kafka

/// A server of points, or a test's substitute.
package protocol PointDestination: Sendable {
  func write(_ lines: [UInt8]) async throws -> WriteAnswer
}

extension InfluxClient: PointDestination {}

/// Sends request bodies, and isolates the points that the server refuses.
struct PointWriter: Sendable {
  let destination: any PointDestination
  let buffers: [TopicPartition: PointBuffer]
  var progress: @Sendable () -> Void = {}

  struct Outcome: Sendable {
    /// Refused points with the server's reason.
    var refused: [(partition: TopicPartition, offset: Int64, reason: String)] = []
    /// Points the server dropped because they are older than it keeps.
    var outsideRetention = 0
    var requests = 0

    mutating func add(_ other: Outcome) {
      refused += other.refused
      outsideRetention += other.outsideRetention
      requests += other.requests
    }
  }

  /// - Throws: an outage or a configuration error. Any part may have been written; the caller may write all again.
  func write(_ plan: WritePlan) async throws -> Outcome {
    try await withThrowingTaskGroup(of: Outcome.self) { group in
      for lane in plan.lanes {
        group.addTask {
          var outcome = Outcome()
          for body in lane { outcome.add(try await write(body)) }
          return outcome
        }
      }
      var outcome = Outcome()
      for try await part in group { outcome.add(part) }
      return outcome
    }
  }

  /// Writes a body. When the server refuses it, writes its halves, down to the single refused point. Writing a point
  /// twice changes nothing, so the valid points of a half may be written again.
  private func write(_ body: PointBody) async throws -> Outcome {
    var outcome = Outcome(requests: 1)
    let answer = try await destination.write(bytes(of: body))
    progress()
    switch answer {
    case .written: break
    case .outsideRetention(let dropped): outcome.outsideRetention += min(dropped, body.count)
    case .refused(let reason): try await bisect(body, reason, &outcome)
    case .tooLarge: try await bisect(body, "more bytes than the server takes", &outcome)
    }
    return outcome
  }

  private func bisect(_ body: PointBody, _ reason: String, _ outcome: inout Outcome) async throws {
    if body.count == 1 {
      outcome.refused = places(of: body).map { ($0.partition, $0.offset, reason) }
      return
    }
    let (first, second) = body.halves
    outcome.add(try await write(first))
    outcome.add(try await write(second))
  }

  private func bytes(of body: PointBody) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(body.parts.reduce(0) { $0 + (buffers[$1.partition]?.bytes(of: $1.points).count ?? 0) })
    for part in body.parts { bytes += buffers[part.partition]?.bytes(of: part.points) ?? [] }
    return bytes
  }

  private func places(of body: PointBody) -> [(partition: TopicPartition, offset: Int64)] {
    body.parts.flatMap { part in
      part.points.compactMap { point in buffers[part.partition].map { (part.partition, $0.offsets[point]) } }
    }
  }
}

/// The size of a request, and how many are in flight at once.
package struct WriteLimits: Hashable, Sendable {
  package var points = 10_000
  package var bytes = 4 << 20
  package var concurrency = 4
}

/// Which bodies are sent in sequence and which in parallel.
///
/// The points of one partition stay in one lane and in order: of two records for one point the later is also written
/// later, and the last write counts.
struct WritePlan: Hashable, Sendable {
  /// Lanes run in parallel, the bodies of one lane in sequence.
  var lanes: [[PointBody]] = []

  init(_ buffers: [TopicPartition: PointBuffer], limits: WriteLimits) {
    let waiting = buffers.filter { $0.value.count > 0 }
      .sorted { ($0.value.count, $1.key.description) > ($1.value.count, $0.key.description) }
    guard !waiting.isEmpty else { return }
    // The fullest partition to the emptiest lane, so that all lanes end at about the same time.
    var shares = Array(repeating: [TopicPartition](), count: min(limits.concurrency, waiting.count))
    var loads = Array(repeating: 0, count: shares.count)
    for (partition, buffer) in waiting {
      let lane = loads.indices.min { loads[$0] < loads[$1] } ?? 0
      shares[lane].append(partition)
      loads[lane] += buffer.count
    }
    lanes = shares.map { Self.bodies($0, buffers, limits) }
  }

  private static func bodies(
    _ partitions: [TopicPartition], _ buffers: [TopicPartition: PointBuffer], _ limits: WriteLimits
  ) -> [PointBody] {
    var bodies: [PointBody] = []
    var body = PointBody()
    var size = 0
    for partition in partitions {
      guard let buffer = buffers[partition] else { continue }
      var start = 0
      for point in 0..<buffer.count {
        let length = buffer.bytes(of: point..<(point + 1)).count
        let full = body.count + (point - start) >= limits.points || size + length > limits.bytes
        if full, body.count + (point - start) > 0 {
          body.append(partition, start..<point)
          bodies.append(body)
          (body, size, start) = (PointBody(), 0, point)
        }
        size += length
      }
      body.append(partition, start..<buffer.count)
    }
    if body.count > 0 { bodies.append(body) }
    return bodies
  }
}

/// The buffered points of one partition, in the order of their records.
struct PointBuffer: Sendable {
  var lines = LineBuffer()
  /// Where each point's line ends in `lines`.
  var ends: [Int] = []
  /// Offset of each point's record.
  var offsets: [Int64] = []
  /// The timestamp of each record: milliseconds since 1970, UTC; -1 without one.
  var produced: [Int64] = []

  var count: Int { ends.count }
  var byteCount: Int { lines.count }

  /// - Throws: `PointEncoder.Refusal`; the buffer is as it was.
  mutating func append(
    _ record: borrowing RecordBatch.Record, by encoder: inout PointEncoder
  ) throws(PointEncoder.Refusal) {
    try encoder.append(record.value, to: &lines)
    ends.append(lines.count)
    offsets.append(record.offset)
    produced.append(record.timestamp)
  }

  /// The lines of some of the points.
  func bytes(of points: Range<Int>) -> ArraySlice<UInt8> {
    guard !points.isEmpty else { return [] }
    let start = points.lowerBound == 0 ? 0 : ends[points.lowerBound - 1]
    return lines.bytes[start..<ends[points.upperBound - 1]]
  }

  mutating func clear() {
    lines.clear()
    ends.removeAll(keepingCapacity: true)
    offsets.removeAll(keepingCapacity: true)
    produced.removeAll(keepingCapacity: true)
  }
}

/// The points of one request: ranges of some buffers.
struct PointBody: Hashable, Sendable {
  struct Part: Hashable, Sendable {
    var partition: TopicPartition
    var points: Range<Int>
  }
  var parts: [Part] = []
  private(set) var count = 0

  mutating func append(_ partition: TopicPartition, _ points: Range<Int>) {
    guard !points.isEmpty else { return }
    parts.append(Part(partition: partition, points: points))
    count += points.count
  }

  /// The first half of the points and the others; both have at least one when there are two.
  var halves: (PointBody, PointBody) {
    var (first, second) = (PointBody(), PointBody())
    var left = count / 2
    for part in parts {
      let taken = min(left, part.points.count)
      let middle = part.points.lowerBound + taken
      first.append(part.partition, part.points.lowerBound..<middle)
      second.append(part.partition, middle..<part.points.upperBound)
      left -= taken
    }
    return (first, second)
  }
}
