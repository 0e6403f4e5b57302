import Core
import Feeds
import Messages
import Values

/// Events in each provider's format.
enum FeedWire {
  /// - Returns: the event's channel and its element; nil when the feed has no such event.
  static func element(_ event: SimulatedEvent, _ feed: Feed) -> (channel: String, json: String)? {
    feed.isPolygon ? polygon(event, feed) : alpaca(event, feed)
  }

  private static func polygon(_ event: SimulatedEvent, _ feed: Feed) -> (String, String)? {
    let symbol = SymbolNames.name(of: event.symbol, for: .polygon)
    let (price, time) = (SimulatedEvent.money(event.price), event.eventNs / 1_000_000)
    switch event.kind {
    case .trade where feed.hasOptions:
      return ("T", #"{"ev":"T","sym":"\#(symbol)","x":\#(event.exchange),"p":\#(price),"s":\#(event.size),"#
        + #""c":[\#(event.condition)],"t":\#(time),"q":\#(event.id)}"#)
    case .trade:
      return ("T", #"{"ev":"T","sym":"\#(symbol)","x":4,"i":"\#(event.id)","z":3,"p":\#(price),"s":\#(event.size),"#
        + #""c":[12,37],"t":\#(time),"q":\#(event.id)}"#)
    case .quote:
      let ask = SimulatedEvent.money(event.price + 2)
      return ("Q", #"{"ev":"Q","sym":"\#(symbol)","bx":4,"bp":\#(price),"bs":2,"ax":7,"ap":\#(ask),"as":3,"c":1,"#
        + #""t":\#(time),"q":\#(event.id),"z":3}"#)
    case .bar, .revised:
      let (high, low, close) = (
        SimulatedEvent.money(event.high), SimulatedEvent.money(event.low), SimulatedEvent.money(event.close))
      return ("AM", #"{"ev":"AM","sym":"\#(symbol)","v":\#(event.size),"vw":\#(price),"o":\#(price),"c":\#(close),"#
        + #""h":\#(high),"l":\#(low),"s":\#(time),"e":\#(time + 60_000)}"#)
    case .correction, .cancel, .status: return nil
    }
  }

  private static func alpaca(_ event: SimulatedEvent, _ feed: Feed) -> (String, String)? {
    let time = "\"\(rfc3339(event.eventNs))\""
    let head = #""S":"\#(event.symbol)","t":\#(time)"#
    let body = fields(event, feed)
    switch event.kind {
    case .trade: return ("trades", #"{"T":"t",\#(head),\#(body)}"#)
    case .quote: return ("quotes", #"{"T":"q",\#(head),\#(body)}"#)
    case .bar where !feed.hasOptions: return ("bars", #"{"T":"b",\#(head),\#(body)}"#)
    case .revised where !feed.hasOptions: return ("updatedBars", #"{"T":"u",\#(head),\#(body)}"#)
    case .correction where !feed.hasOptions: return ("trades", #"{"T":"c",\#(head),\#(body)}"#)
    case .cancel where !feed.hasOptions: return ("trades", #"{"T":"x",\#(head),\#(body)}"#)
    case .status where !feed.hasOptions: return ("statuses", #"{"T":"s",\#(head),\#(body)}"#)
    default: return nil
    }
  }

  /// OPRA's letters of Massive's numbers.
  private static let conditions = [201: "A", 204: "D", 209: "I", 219: "S", 232: "f"]

  /// Without the symbol and the time.
  static func fields(_ event: SimulatedEvent, _ feed: Feed) -> String {
    let price = SimulatedEvent.money(event.price)
    switch event.kind {
    case .trade where feed.hasOptions:
      let exchange = Character(UnicodeScalar(UInt8(0x41 + event.exchange % 26)))
      let condition = conditions[event.condition] ?? "I"
      return #""p":\#(price),"s":\#(event.size),"x":"\#(exchange)","c":"\#(condition)""#
    case .trade: return #""i":\#(event.id),"x":"V","p":\#(price),"s":\#(event.size),"c":["@"],"z":"C""#
    case .quote:
      let ask = SimulatedEvent.money(event.price + 2)
      return #""bx":"V","bp":\#(price),"bs":2,"ax":"Q","ap":\#(ask),"as":3,"c":["R"],"z":"C""#
    case .bar, .revised:
      let (high, low, close) = (
        SimulatedEvent.money(event.high), SimulatedEvent.money(event.low), SimulatedEvent.money(event.close))
      return #""o":\#(price),"h":\#(high),"l":\#(low),"c":\#(close),"v":\#(event.size),"n":\#(event.trades),"#
        + #""vw":\#(price)"#
    case .correction:
      let original = SimulatedEvent.money(event.originalPrice)
      return #""x":"V","oi":\#(event.originalID),"op":\#(original),"os":\#(event.size),"oc":["@"],"#
        + #""ci":\#(event.id),"cp":\#(price),"cs":\#(event.size),"cc":["@"],"z":"C""#
    case .cancel: return #""i":\#(event.id),"x":"V","p":\#(price),"s":\#(event.size),"a":"C","z":"C""#
    case .status: return #""sc":"H","sm":"Trading Halt","rc":"T12","rm":"","z":"C""#
    }
  }

  static func rfc3339(_ nanoseconds: Int64) -> String {
    let (seconds, rest) = nanoseconds.flooredDivision(by: 1_000_000_000)
    let whole = Timestamp(microseconds: seconds * 1_000_000)?.description.dropLast() ?? ""
    return "\(whole).\(zeroPadded(rest, 9))Z"
  }

  /// JSON as MessagePack; strings that are times become timestamps.
  static func packed(_ json: String) -> [UInt8] {
    var reader: JSONPacker = JSONPacker(Array(json.utf8))
    return reader.value()
  }
}

/// Converts the simulator's own JSON, which is well-formed, to MessagePack.
private struct JSONPacker {
  private let text: [UInt8]
  private var place = 0

  init(_ text: [UInt8]) { self.text = text }

  mutating func value() -> [UInt8] {
    switch text[place] {
    case UInt8(ascii: "["): return list(close: UInt8(ascii: "]"), fix: 0x90, wide: 0xdc)
    case UInt8(ascii: "{"): return list(close: UInt8(ascii: "}"), fix: 0x80, wide: 0xde)
    case UInt8(ascii: "\""):
      let bytes = string()
      if bytes.count == 30, let stamp = bytes.withUnsafeBytes({ FeedStamp.nanoseconds(rfc3339: $0.bytes) }) {
        let (seconds, rest) = stamp.flooredDivision(by: 1_000_000_000)
        return [0xd7, 0xff] + big(UInt64(rest) << 34 | UInt64(seconds))
      }
      return (bytes.count <= 31 ? [0xa0 | UInt8(bytes.count)] : [0xda] + big(UInt16(bytes.count))) + bytes
    default:
      let start = place
      while place < text.count, ![0x2c, 0x5d, 0x7d].contains(text[place]) { place += 1 }
      let number = String(decoding: text[start..<place], as: UTF8.self)
      if let whole = Int64(number) { return [0xd3] + big(UInt64(bitPattern: whole)) }
      return [0xcb] + big((Double(number) ?? 0).bitPattern)
    }
  }

  private mutating func string() -> [UInt8] {
    let start = place + 1
    place = start
    while text[place] != UInt8(ascii: "\"") { place += 1 }
    place += 1
    return Array(text[start..<place - 1])
  }

  private mutating func list(close: UInt8, fix: UInt8, wide: UInt8) -> [UInt8] {
    place += 1
    var (count, bytes): (Int, [UInt8]) = (0, [])
    while text[place] != close {
      if text[place] == UInt8(ascii: ",") { place += 1 }
      bytes += value()
      if text[place] == UInt8(ascii: ":") {
        place += 1
        bytes += value()
      }
      count += 1
    }
    place += 1
    return (count <= 15 ? [fix | UInt8(count)] : [wide] + big(UInt16(count))) + bytes
  }

  private func big<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian, Array.init)
  }
}
