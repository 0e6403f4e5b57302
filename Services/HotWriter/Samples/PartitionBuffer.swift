import Core
import Features
import Redis
import Values

/// One value of one series, or that there is none any more.
struct Sample: Sendable {
  var series: Int32
  /// The record has no value: what the series holds at the stamp goes.
  var isGone = false
  /// Digits of the value after the point.
  var scale: UInt8
  var mantissa: Int64
  /// Milliseconds since 1970.
  var stamp: Int64
  /// Of the record that it comes from.
  var offset: Int64

  var value: ExactDecimal { ExactDecimal(unchecked: mantissa, scale: scale) }
}

/// The newest trade or quote of a symbol in a flush: the record itself, since only the last one is written.
struct LastValue: Sendable {
  var eventNs: Int64 = .min
  var record: [UInt8] = []
}

/// A correction or a cancel of a trade, which concerns the hash of the last trade if that one is meant.
struct Change: Sendable {
  var symbol: Int
  var id: [UInt8]
  var exchange: [UInt8]
  var words: [UInt8]
  var count: Int
}

/// States of bars of one symbol and interval that give the same fields, as words of the script that writes them.
struct BarChunk: Sendable {
  /// Of the fields, in the order of the words behind each stamp.
  var series: [Int32]
  /// Series of the fields that the bars have no value of: an earlier state may have had one.
  var lacking: [Int32] = []
  /// Of each bar its stamp and its fields.
  var words = RedisPipeline()
  var bars = 0
  /// The earliest and the latest stamp, milliseconds since 1970.
  var first = Int64.max, last = Int64.min

  /// Bars of one call of the script: Lua hands at most some thousand words on.
  static let most = 100

  var samples: Int { bars * series.count }
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
  var features: [FeatureName: Features] = [:]
  /// Declared features that need no more than their record.
  var rows: [FeatureRow] = []
  var texts: [TextNote] = []
  /// Of the vectors of passages: dimensions by model.
  var models: [String: Int] = [:]
  var bars: [BarChunk] = []
  /// The chunk that takes the next bar of a symbol, an interval and a set of fields.
  var openBars: [Int: Int] = [:]
  /// Samples of the bars.
  var barSamples = 0
  private(set) var tail = Tail()
  /// The earliest timestamp of its records: milliseconds since 1970; `Int64.max` without one.
  var earliest = Int64.max
  var records = 0
  /// Bytes of the words above, roughly.
  var wordBytes = 0

  var bytes: Int { samples.count * MemoryLayout<Sample>.stride + tail.bytes.count + wordBytes }

  mutating func note(trade record: RawSpan, of symbol: Int, at eventNs: Int64) {
    wordBytes += Self.note(record, eventNs, &trades[symbol, default: LastValue()])
  }
  mutating func note(quote record: RawSpan, of symbol: Int, at eventNs: Int64) {
    wordBytes += Self.note(record, eventNs, &quotes[symbol, default: LastValue()])
  }

  /// Of two with one time the later record counts.
  /// - Returns: how many bytes more are kept now.
  private static func note(_ record: RawSpan, _ eventNs: Int64, _ value: inout LastValue) -> Int {
    guard value.eventNs <= eventNs else { return 0 }
    let before = value.record.count
    value.eventNs = eventNs
    value.record.removeAll(keepingCapacity: true)
    record.withUnsafeBytes { value.record.append(contentsOf: $0) }
    return value.record.count - before
  }

  mutating func keepInTail(_ value: RawSpan, at offset: Int64, most: Int) { tail.append(value, at: offset, most: most) }

  mutating func clear() {
    samples.removeAll(keepingCapacity: true)
    trades.removeAll(keepingCapacity: true)
    quotes.removeAll(keepingCapacity: true)
    changes.removeAll(keepingCapacity: true)
    gaps.removeAll(keepingCapacity: true)
    features.removeAll(keepingCapacity: true)
    texts.removeAll(keepingCapacity: true)
    models.removeAll()
    rows.removeAll()
    bars.removeAll(keepingCapacity: true)
    openBars.removeAll(keepingCapacity: true)
    tail.clear()
    (earliest, records, wordBytes, barSamples) = (.max, 0, 0, 0)
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

    var count: Int { offsets.count }

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
