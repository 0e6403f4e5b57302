import Messages

/// The messages sent to TradingView.
package enum ClientMessage {
  package enum Parameter: Sendable {
    case text(String)
    case number(Int)
  }

  package static func setAuthToken(_ token: String) -> [UInt8] { frame("set_auth_token", .text(token)) }
  package static func createSession(_ session: String) -> [UInt8] {
    frame("chart_create_session", .text(session), .text(""))
  }
  package static func deleteSession(_ session: String) -> [UInt8] { frame("chart_delete_session", .text(session)) }

  /// - Parameter symbol: with its exchange: `EGX:COMI`.
  package static func resolve(_ symbol: String, _ session: String) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    for (key, value) in [("symbol", symbol), ("adjustment", "splits"), ("session", "regular")] {
      writer.key(named: key)
      writer.string(value)
    }
    writer.endObject()
    return frame(
      "resolve_symbol", .text(session), .text(symbolID), .text("=" + String(decoding: writer.array(), as: UTF8.self)))
  }
  package static func createSeries(_ session: String, resolution: String, count: Int) -> [UInt8] {
    frame(
      "create_series", .text(session), .text(seriesID), .text(seriesID), .text(symbolID), .text(resolution),
      .number(count))
  }
  package static func switchTimezone(_ session: String) -> [UInt8] {
    frame("switch_timezone", .text(session), .text("exchange"))
  }
  package static func moreData(_ session: String, count: Int) -> [UInt8] {
    frame("request_more_data", .text(session), .text(seriesID), .number(count))
  }

  package static let symbolID = "symbol_1"
  package static let seriesID = "s1"

  /// `cs_` and twelve lower-case letters.
  package static func newSession() -> String {
    "cs_" + String(decoding: (0..<12).map { _ in UInt8.random(in: 0x61...0x7a) }, as: UTF8.self)
  }

  private static func frame(_ method: String, _ parameters: Parameter...) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("m")
    writer.string(method)
    writer.key("p")
    writer.beginArray()
    for parameter in parameters {
      switch parameter {
      case .text(let text): writer.string(text)
      case .number(let number): writer.integer(Int64(number))
      }
    }
    writer.endArray()
    writer.endObject()
    return FrameDecoder.encode(String(decoding: writer.array(), as: UTF8.self))
  }
}
