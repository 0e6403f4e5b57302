import Core
import Messages
import Redis
import Values

/// The last trade or quote of a symbol, out of the store or as it came from the topic, written as answers have it.
struct LastTick: Sendable {
  /// Nanoseconds since 1970.
  let eventNs: Int64
  private let json: [UInt8]

  /// The fields of an answer, in their order.
  private static let numbers = ["price", "size", "bid", "bid_size", "ask", "ask_size"]
  private static let words = ["id", "exchange", "bid_exchange", "ask_exchange", "corrects", "feed"]

  /// - Returns: nil for an empty hash.
  init?(hash reply: RedisReply) {
    let words = reply.array ?? []
    var texts: [String: String] = [:]
    for index in stride(from: 0, to: words.count - 1, by: 2) {
      if let name = words[index].text, let value = words[index + 1].text { texts[name] = value }
    }
    guard let stamp = texts["event_ns"].flatMap(Int64.init) else { return nil }
    self.init(stamp, texts)
  }

  init(_ tick: FeedTick) {
    var texts: [String: String] = [:]
    for (name, value) in [
      ("price", tick[\.price]), ("size", tick[\.size]), ("bid", tick[\.bid]), ("bid_size", tick[\.bidSize]),
      ("ask", tick[\.ask]), ("ask_size", tick[\.askSize]),
    ] {
      texts[name] = value.map { "\($0)" }
    }
    for (name, value) in [
      ("id", tick[\.id]), ("exchange", tick[\.exchange]), ("bid_exchange", tick[\.bidExchange]),
      ("ask_exchange", tick[\.askExchange]), ("feed", tick[\.feed]), ("conditions", tick[\.conditions]),
    ] as [(String, String?)] {
      texts[name] = value
    }
    self.init(tick[\.eventNs], texts)
  }

  /// - Parameter texts: as `market-ticks` writes them: numbers with the digits of the provider, `conditions` as JSON.
  private init(_ eventNs: Int64, _ texts: [String: String]) {
    self.eventNs = eventNs
    var writer = JSONWriter(capacity: 256)
    writer.beginObject()
    writer.time("event_time", ns: eventNs)
    writer.key("event_ns")
    writer.integer(eventNs)
    for name in Self.numbers {
      guard let text = texts[name], HotStore.isNumber(text) else { continue }
      writer.key(named: name)
      writer.raw(text.utf8Span.span.bytes)
    }
    for name in Self.words {
      guard let text = texts[name] else { continue }
      writer.key(named: name)
      writer.string(text)
    }
    if let conditions = texts["conditions"] {
      writer.key("conditions")
      writer.raw(conditions.utf8Span.span.bytes)
    }
    if texts["cancelled"] != nil {
      writer.key("cancelled")
      writer.bool(true)
    }
    writer.endObject()
    json = writer.array()
  }

  func write(to writer: inout JSONWriter) { writer.raw(json.span.bytes) }
}

extension JSONWriter {
  /// A time as RFC 3339 in UTC, to the nanosecond where it is no whole microsecond.
  /// - Parameter ns: nanoseconds since 1970; nil writes null.
  mutating func time(_ name: String, ns: Int64?) {
    key(named: name)
    guard let ns else { return null() }
    string(RFC3339.text(ns: ns))
  }

  mutating func time(_ name: String, ms: Int64?) { time(name, ns: ms.map { $0 * 1_000_000 }) }
}
