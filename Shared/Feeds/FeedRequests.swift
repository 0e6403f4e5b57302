import Core
import Messages

/// What a feed is told, in messages of a bounded length.
package enum FeedRequests {
  /// Longest message; servers close connections over long ones.
  package static let maxBytes = 16 << 10

  package struct Request: Hashable, Sendable {
    package var bytes: [UInt8]
    /// It is a binary message.
    package var isPacked: Bool
  }

  /// - Parameter secret: Alpaca's; nil for Polygon.
  package static func login(_ feed: Feed, key: String, secret: String?, isPacked: Bool) -> Request {
    feed.isPolygon
      ? request([("action", ["auth"], false), ("params", [key], false)], isPacked: false)
      : request(
        [("action", ["auth"], false), ("key", [key], false), ("secret", [secret ?? ""], false)], isPacked: isPacked)
  }

  package enum Action: String, Sendable { case subscribe, unsubscribe }

  /// - Parameter interests: canonical symbols, `*` for all; channels that the feed does not have are left out.
  package static func change(
    _ action: Action, _ interests: [FeedInterest], of feed: Feed, isPacked: Bool
  ) -> [Request] {
    let wanted = interests.flatMap { interest -> [(list: String, symbol: String)] in
      let symbol = interest.symbol == "*" ? "*" : SymbolNames.name(of: interest.symbol, for: feed.dialect)
      return interest.channels.intersection(feed.channels).sorted().flatMap { channel in
        (feed.isPolygon ? [channel.polygonName] : channel.alpacaNames).map { ($0, symbol) }
      }
    }
    var requests: [Request] = []
    var rest = wanted[...]
    while !rest.isEmpty {
      var length = 0
      let chunk = rest.prefix {
        length += $0.list.utf8.count + $0.symbol.utf8.count + 4
        return length <= maxBytes - 256
      }
      rest = rest.dropFirst(chunk.count)
      if feed.isPolygon {
        let params = chunk.map { "\($0.list).\($0.symbol)" }.joined(separator: ",")
        requests.append(request([("action", [action.rawValue], false), ("params", [params], false)], isPacked: false))
      } else {
        var lists: [(String, [String], Bool)] = [("action", [action.rawValue], false)]
        for name in Set(chunk.map(\.list)).sorted() {
          lists.append((name, chunk.filter { $0.list == name }.map(\.symbol), true))
        }
        requests.append(request(lists, isPacked: isPacked))
      }
    }
    return requests
  }

  private static func request(_ fields: [(name: String, texts: [String], isList: Bool)], isPacked: Bool) -> Request {
    if isPacked {
      var text = MessagePackText()
      text.map(fields.count)
      for field in fields {
        text.text(field.name)
        if field.isList { text.array(field.texts.count) }
        for each in field.texts { text.text(each) }
      }
      return Request(bytes: text.bytes, isPacked: true)
    }
    var writer = JSONWriter()
    writer.beginObject()
    for field in fields {
      writer.key(named: field.name)
      if field.isList { writer.strings(field.texts) } else { writer.string(field.texts[0]) }
    }
    writer.endObject()
    return Request(bytes: writer.array(), isPacked: false)
  }
}

extension FeedChannel {
  package var polygonName: String {
    switch self {
    case .trades: "T"
    case .quotes: "Q"
    case .bars: "AM"
    case .seconds: "A"
    case .bands: "LULD"
    case .days, .statuses: ""
    }
  }

  /// With corrections and cancels, which come with trades unasked.
  package var alpacaNames: [String] {
    switch self {
    case .trades: ["trades"]
    case .quotes: ["quotes"]
    case .bars: ["bars", "updatedBars"]
    case .days: ["dailyBars"]
    case .statuses: ["statuses"]
    case .bands: ["lulds"]
    case .seconds: []
    }
  }
}
