import Catalogue
import Values

/// What one group of workers remembers of one series: its latest observations, and where each was read.
///
/// `sentinel_series_windows`, a compacted changelog with the partitioning of the market data: partition p holds the
/// windows of the series in partition p, so that the consumer of the one can read the other. Points are written as
/// differences from the point before, because every observation writes its whole window again.
package struct SeriesWindow: FieldwiseMessage {
  /// One observation, by the record it came with.
  package struct Point: Hashable, Sendable {
    /// Microseconds since 1970, UTC.
    package var observedAt: Int64
    package var value: ExactDecimal
    /// Of the record in its partition of the market data.
    package var offset: Int64
    /// The record's own time, milliseconds since 1970, UTC; -1 when it has none.
    package var stamp: Int64
    /// Index in `measures`.
    package var measure: Int

    package init(observedAt: Int64, value: ExactDecimal, offset: Int64, stamp: Int64, measure: Int = 0) {
      self.observedAt = observedAt
      self.value = value
      self.offset = offset
      self.stamp = stamp
      self.measure = measure
    }
  }

  /// What a value counts.
  package struct Measure: Hashable, Sendable {
    package var currency: String?
    package var unit: String?

    package init(currency: String?, unit: String?) {
      self.currency = currency
      self.unit = unit
    }
  }

  package var group: String
  package var kind: SeriesKind
  package var series: RoutingKey
  package var measures: [Measure]
  /// Ascending by `observedAt`, then `offset`: an observation and its corrections stand together.
  package var points: [Point]

  package static let topic = Topics.seriesWindows

  package init(group: String, kind: SeriesKind, series: RoutingKey, measures: [Measure], points: [Point]) {
    self.group = group
    self.kind = kind
    self.series = series
    self.measures = measures
    self.points = points
  }

  package var key: [UInt8] { Self.key(group: group, kind: kind, series: series) }
  package var partitionKey: [UInt8] { series.bytes }

  /// `group/kind/series`.
  package static func key(group: String, kind: SeriesKind, series: RoutingKey) -> [UInt8] {
    Array("\(group)/\(kind.rawValue)/\(series.text)".utf8)
  }

  package static let blank = Self(group: "", kind: .price, series: .placeholder, measures: [], points: [])
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    var differences = Differences(points: points)
    try coder.required("group", &group, "The consumer group whose memory it is")
    try coder.required("kind", &kind, "Whether it is of prices or demands")
    try coder.required("series", &series, "`region.country.category.material`")
    try coder.required("measures", &measures, "Currency and unit of the points, which name them by number")
    try coder.required(
      "points", &differences,
      "Time in us, value, offset, stamp in ms, measure; times and offsets as steps")
    points = differences.points
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    guard points.allSatisfy({ measures.indices.contains($0.measure) }) else {
      throw DecodingFailure(.badValue, at: 0, "a point's measure is none of the window's", field: "points")
    }
  }
}

/// `["EGP", "t"]`
extension SeriesWindow.Measure: WrappingJSONValue {
  package static var wrapping: JSONWrapping { .list(String?.self) }

  package func write(to writer: inout JSONWriter) { [currency, unit].write(to: &writer) }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    let start = coder.reader.position
    let texts: [String?] = try coder.readList()
    guard texts.count == 2 else {
      throw DecodingFailure(.badValue, at: start, "a measure is [currency, unit]", field: coder.name)
    }
    return Self(currency: texts[0], unit: texts[1])
  }
}

/// `[[3600000000, 12.90, 1, 3600000, 0], ...]`: numbers but the value and the measure as differences from the point
/// before.
private struct Differences: WrappingJSONValue {
  static var wrapping: JSONWrapping { .list([Double].self) }

  var points: [SeriesWindow.Point]

  func write(to writer: inout JSONWriter) {
    writer.beginArray()
    var before = SeriesWindow.Point(observedAt: 0, value: .zero, offset: 0, stamp: 0)
    for point in points {
      writer.beginArray()
      writer.integer(point.observedAt - before.observedAt)
      writer.number(point.value)
      writer.integer(point.offset - before.offset)
      writer.integer(point.stamp - before.stamp)
      writer.integer(Int64(point.measure))
      writer.endArray()
      before = point
    }
    writer.endArray()
  }

  static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    var points: [SeriesWindow.Point] = []
    var list = try coder.reader.beginArray()
    while try coder.reader.nextElement(&list) { points.append(try point(&coder.reader, behind: points.last)) }
    return Self(points: points)
  }

  private static func point(
    _ reader: inout JSONReader, behind before: SeriesWindow.Point?
  ) throws(DecodingFailure) -> SeriesWindow.Point {
    let start = reader.position
    var numbers: [Int64] = []
    var value = ExactDecimal.zero
    var list = try reader.beginArray()
    while try reader.nextElement(&list) {
      if numbers.count == 1 { value = try reader.decimal(field: "points") }
      numbers.append(numbers.count == 1 ? 0 : try reader.integer())
    }
    guard numbers.count == 5, let measure = Int(exactly: numbers[4]) else {
      throw DecodingFailure(
        .badValue, at: start, "a point is [observed_at, value, offset, stamp, measure]", field: "points")
    }
    let sums = [
      (before?.observedAt ?? 0, numbers[0]), (before?.offset ?? 0, numbers[2]), (before?.stamp ?? 0, numbers[3]),
    ].map { $0.addingReportingOverflow($1) }
    guard sums.allSatisfy({ !$0.overflow }), Timestamp(microseconds: sums[0].partialValue) != nil else {
      throw DecodingFailure(.badValue, at: start, "beyond the years 0 to 9999", field: "points")
    }
    return SeriesWindow.Point(
      observedAt: sums[0].partialValue, value: value, offset: sums[1].partialValue, stamp: sums[2].partialValue,
      measure: measure)
  }
}
