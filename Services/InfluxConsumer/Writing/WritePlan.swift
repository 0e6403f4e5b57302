import Kafka

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
