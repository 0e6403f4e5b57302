import Kafka

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
