import Core
import Redis
import Values

/// One value of one series.
struct Sample: Sendable {
  var series: Int32
  /// Digits of the value after the point.
  var scale: UInt8
  var mantissa: Int64
  /// Milliseconds since 1970.
  var stamp: Int64
  /// Of the record that it comes from.
  var offset: Int64

  var value: ExactDecimal { ExactDecimal(unchecked: mantissa, scale: scale) }
}

/// The newest trade or quote of a symbol in a flush, and what became of earlier ones.
struct LastValue: Sendable {
  var eventNs: Int64
  /// Names and values of the hash, as words of a pipeline.
  var words: [UInt8]
  var count: Int
}

/// A correction or a cancel of a trade, which concerns the hash of the last trade if that one is meant.
struct Change: Sendable {
  var symbol: Int
  var id: [UInt8]
  var exchange: [UInt8]
  var words: [UInt8]
  var count: Int
}

/// The state of a gap in a feed.
struct GapNote: Sendable {
  var symbol: [UInt8]
  var id: [UInt8]
  /// The record.
  var json: [UInt8]
}

/// What waits of one partition for the next flush.
struct PartitionBuffer: Sendable {
  var samples: [Sample] = []
  var trades: [Int: LastValue] = [:]
  var quotes: [Int: LastValue] = [:]
  var changes: [Change] = []
  var gaps: [GapNote] = []
  /// By symbol and interval.
  var features: [FeatureName: LastValue] = [:]
  private(set) var tail = Tail()
  /// The earliest timestamp of its records: milliseconds since 1970; `Int64.max` without one.
  var earliest = Int64.max
  var records = 0
  /// Bytes of the words above, roughly.
  var wordBytes = 0

  var bytes: Int { samples.count * MemoryLayout<Sample>.stride + tail.bytes.count + wordBytes }

  mutating func keepInTail(_ value: RawSpan, at offset: Int64, most: Int) { tail.append(value, at: offset, most: most) }

  mutating func clear() {
    samples.removeAll(keepingCapacity: true)
    trades.removeAll(keepingCapacity: true)
    quotes.removeAll(keepingCapacity: true)
    changes.removeAll(keepingCapacity: true)
    gaps.removeAll(keepingCapacity: true)
    features.removeAll(keepingCapacity: true)
    tail.clear()
    (earliest, records, wordBytes) = (.max, 0, 0)
  }

  /// The last records of a flush, as they came: no more than the stream keeps.
  struct Tail: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [Int] = []
    private(set) var offsets: [Int64] = []

    mutating func append(_ value: RawSpan, at offset: Int64, most: Int) {
      if offsets.count >= most * 2 { dropFirst(offsets.count - most) }
      value.withUnsafeBytes { bytes.append(contentsOf: $0) }
      ends.append(bytes.count)
      offsets.append(offset)
    }

    /// The last `most` of them.
    func last(_ most: Int) -> Range<Int> { max(0, offsets.count - most)..<offsets.count }

    func value(_ index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

    private mutating func dropFirst(_ count: Int) {
      let cut = ends[count - 1]
      bytes.removeSubrange(..<cut)
      ends.removeSubrange(..<count)
      for index in ends.indices { ends[index] -= cut }
      offsets.removeSubrange(..<count)
    }

    mutating func clear() {
      bytes.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
      offsets.removeAll(keepingCapacity: true)
    }
  }
}
