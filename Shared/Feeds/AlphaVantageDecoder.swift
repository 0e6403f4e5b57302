import Core
import Messages
import Values

/// Reads answers of Alpha Vantage about bars: objects of strings by the wall time of New York, the latest first.
///
/// What is wrong is said with status 200, in words that change, in place of the series: it is known by the absence of
/// the series' field.
struct AlphaVantageDecoder: ~Copyable {
  private var element: FeedElement
  private var zone: ZoneTable?

  init(maxSkewNs: Int64) { element = FeedElement(.alphaVantage, maxSkewNs: maxSkewNs) }

  /// - Throws: `DecodingFailure`, `FeedRefusal`; `Failure` of class configuration without a zone database.
  mutating func page<Visitor: FeedVisitor>(
    _ page: RawSpan, of question: FeedQuestion, knownNs: Int64, to visitor: inout Visitor
  ) throws {
    let zone = try self.zone ?? ZoneTable(identifier: NYSECalendar.zoneIdentifier)
    self.zone = zone
    element.begin()
    var bars: [FeedBarFields] = []
    var (isSeries, messages) = (false, [(name: String, text: String)]())
    var reader = try JSONReader(page, limits: .init(maxBytes: 64 << 20))
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) {
      if name.hasPrefix("Time Series"), reader.startsObject {
        isSeries = true
        var rows = try reader.beginObject()
        while let label = try reader.nextName(&rows) {
          let start = reader.offset
          try reader.skipValue()
          do throws(DecodingFailure) {
            let row = page.extracting(start..<reader.offset)
            var bar = try element.bar(
              question.interval.rawValue, Self.bar, row, knownNs, of: question.symbols[0],
              startNs: try Self.instant(label, in: zone, at: start))
            bar.values.isRunning = question.interval.isRunning(from: bar.values.startNs, at: knownNs)
            if question.range.contains(bar.values.startNs) { bars.append(bar) }
          } catch {
            visitor.refuse(error)
          }
        }
      } else if name == "Meta Data", reader.startsObject {
        try Self.requireEastern(&reader)
      } else if reader.kind == .string {
        messages.append((name, try reader.string()))
      } else {
        try reader.skipValue()
      }
    }
    try reader.finish()
    guard isSeries else { throw Self.refusal(messages) }
    bars.sort { $0.values.startNs < $1.values.startNs }
    for bar in bars { visitor.take(FeedBarView(page, element.scratch.bytes, bar)) }
  }

  private static let bar = FeedShape(
    ["1. open": .open, "2. high": .high, "3. low": .low, "4. close": .close, "5. volume": .volume],
    required: ["1. open", "2. high", "3. low", "4. close", "5. volume"])

  /// `2017-12-18 14:56:00` or `2017-12-18`, in nanoseconds since 1970. The hour that is lived twice is its first
  /// occurrence; nothing trades in it.
  private static func instant(_ text: String, in zone: ZoneTable, at offset: Int) throws(DecodingFailure) -> Int64 {
    let bytes = Array(text.utf8)
    func number(_ place: Int) -> Int? {
      guard bytes[place..<place + 2].allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
      return Int(bytes[place] - 0x30) * 10 + Int(bytes[place + 1] - 0x30)
    }
    if bytes.count == 10 || bytes.count == 19, let date = CivilDate(text.prefix(10)) {
      var clock: (Int, Int, Int)? = (0, 0, 0)
      if bytes.count == 19 {
        clock = nil
        let isForm = bytes[10] == 0x20 && bytes[13] == 0x3a && bytes[16] == 0x3a
        if isForm, let hour = number(11), let minute = number(14), let second = number(17),
          hour < 24, minute < 60, second < 60
        { clock = (hour, minute, second) }
      }
      if let (hour, minute, second) = clock {
        return zone.instant(
          year: date.year, month: date.month, day: date.day, hour: hour, minute: minute, second: second
        ).epochSeconds * 1_000_000_000
      }
    }
    throw DecodingFailure(.badTimestamp, at: offset, "not like 2017-12-18 14:56:00", field: "time")
  }

  /// Times without an offset mean something only in the zone that is meant.
  private static func requireEastern(_ reader: inout JSONReader) throws {
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) {
      guard name.hasSuffix("Time Zone"), reader.kind == .string else {
        try reader.skipValue()
        continue
      }
      let zone = try reader.string()
      guard ["US/Eastern", NYSECalendar.zoneIdentifier].contains(zone) else {
        throw FeedRefusal(.unreadable, "its times are in a zone that is not the exchange's")
      }
    }
  }

  private static func refusal(_ messages: [(name: String, text: String)]) -> FeedRefusal {
    let text = messages.map(\.text).joined(separator: " ").lowercased()
    let quoted = String(text.prefix(200)).filter { !$0.isNewline }
    func has(_ words: String...) -> Bool { words.contains { text.contains($0) } }
    if messages.contains(where: { $0.name == "Error Message" }) {
      // The words do not name the key, unlike those of other refusals, which repeat it.
      return has("apikey", "api key")
        ? FeedRefusal(.credentials, "Alpha Vantage refuses the key")
        : FeedRefusal(.unknownSymbol, "Alpha Vantage does not know it: \(quoted)")
    }
    if has("premium endpoint", "premium function") {
      return FeedRefusal(.plan, "the plan of Alpha Vantage does not have it")
    }
    if has("per minute", "per second", "sparingly") {
      return FeedRefusal(
        .minuteQuota, "Alpha Vantage has had too many requests", retryAfter: .seconds(has("per minute") ? 60 : 1))
    }
    if has("per day", "daily") {
      return FeedRefusal(.dayQuota, "the requests of the day to Alpha Vantage are used up", retryAfter: .seconds(300))
    }
    return FeedRefusal(.rateLimited, "Alpha Vantage sends a message in place of bars", retryAfter: .seconds(60))
  }
}
