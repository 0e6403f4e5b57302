import Core
import Messages
import Values

/// Makes rows of the lines of the batch layer's parts: messages of the live topics.
enum ViewLines {
  /// Bars of an interval. Of several of one begin the one counts that was known last, as in the hot store.
  static func bars(_ lines: [UInt8], interval: String) throws -> [ViewRow] {
    var bars = BarStates()
    try bars.take(lines, interval: interval)
    return bars.rows
  }

  /// The last state of each bar.
  struct BarStates {
    private var found: [Int64: (known: Int64, revision: Int64, members: [UInt8])] = [:]
    /// Passes over states that were known later, nanoseconds since 1970; rows then say when theirs was known.
    private let knownBy: Int64?

    init(knownBy: Int64? = nil) { self.knownBy = knownBy }

    /// - Parameter lines: messages of `market-bars`.
    mutating func take(_ lines: [UInt8], interval: String) throws {
      var decoder = FeedBarDecoder()
      try forEachLine(of: lines) { line throws(DecodingFailure) in
        let view = try decoder.decode(line)
        let values = view.fields.values
        guard view.interval.says(interval), values.knownNs <= knownBy ?? .max else { return }
        if let other = found[values.startNs], (other.known, other.revision) > (values.knownNs, values.revision) {
          return
        }
        found[values.startNs] = (values.knownNs, values.revision, members(of: values, withState: knownBy != nil))
      }
    }

    /// By their begins.
    var rows: [ViewRow] { ViewLines.rows(found.map { ($0.key, $0.value.members) }) }
  }

  private static func members(of bar: FeedBarValues, withState: Bool) -> [UInt8] {
    var writer = JSONWriter(capacity: 160)
    for (name, value) in [
      ("open", bar.open), ("high", bar.high), ("low", bar.low), ("close", bar.close), ("volume", bar.volume),
      ("vwap", bar.vwap),
    ] as [(String, ExactDecimal?)] {
      writer.key(named: name)
      if let value { writer.number(value) } else { writer.null() }
    }
    writer.key("trades")
    if let trades = bar.trades { writer.integer(trades) } else { writer.null() }
    if withState {
      writer.time("known_at", ns: bar.knownNs)
      writer.field("revision", bar.revision)
      writer.field("running", bar.isRunning)
    }
    return writer.array()
  }

  /// Signals of an interval.
  static func signals(_ lines: [UInt8], interval: String) throws -> [ViewRow] {
    var found: [Int64: (known: Int64, members: [UInt8])] = [:]
    try forEachLine(of: lines) { line throws(DecodingFailure) in
      let signal = try TechnicalSignal(decoding: line)
      guard signal.interval == interval else { return }
      if let other = found[signal.startNs], other.known > signal.knownNs { return }
      found[signal.startNs] = (signal.knownNs, members(of: signal))
    }
    return rows(found.map { ($0.key, $0.value.members) })
  }

  static func members(of signal: TechnicalSignal) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    writer.field("values", signal.values)
    writer.key("events")
    writer.beginArray()
    for event in signal.events { event.write(to: &writer) }
    writer.endArray()
    writer.time("known_at", ns: signal.knownNs)
    return writer.array()
  }

  /// Any lines that have `start_ns`, as they are.
  static func plain(_ lines: [UInt8]) throws -> [ViewRow] {
    var found: [(Int64, [UInt8])] = []
    try forEachLine(of: lines) { line throws(DecodingFailure) in
      var reader = try JSONReader(line)
      var cursor = try reader.beginObject()
      var start: Int64?
      while let name = try reader.nextName(&cursor) {
        if name == "start_ns" { start = try reader.integer() } else { try reader.skipValue() }
      }
      guard let start, line.byteCount > 2 else { return }
      found.append((start, line.extracting(1..<line.byteCount - 1).withUnsafeBytes { Array($0) }))
    }
    return rows(found)
  }

  private static func rows(_ found: [(start: Int64, members: [UInt8])]) -> [ViewRow] {
    found.map { ViewRow(start: $0.start.flooredDivision(by: 1_000_000).quotient, members: $0.members) }
      .sorted { $0.start < $1.start }
  }

  private static func forEachLine(
    of bytes: [UInt8], _ body: (RawSpan) throws(DecodingFailure) -> Void
  ) throws {
    let span = bytes.span.bytes
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
      if end > start {
        do throws(DecodingFailure) { try body(span.extracting(start..<end)) } catch {
          throw Failure(.fatal, code: "lake_unreadable", "a line of the batch layer cannot be read: \(error)")
        }
      }
      start = end + 1
    }
  }
}

extension RawSpan {
  fileprivate func says(_ text: String) -> Bool {
    withUnsafeBytes { bytes in bytes.elementsEqual(text.utf8) }
  }
}
