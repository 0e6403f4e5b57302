import Messages
import Values

/// A message of TradingView, as far as it is about bars.
package enum ServerMessage: Hashable, Sendable {
  /// The first frame, which greets.
  case hello
  case symbolResolved(session: String)
  case symbolError(session: String, text: String)
  /// Bars of one session: all that were asked for, or (`isUpdate`) those that just changed.
  /// - `lost`: bars that could not be read.
  case bars(session: String, [SourceBar], isUpdate: Bool, lost: Losses = Losses())
  /// - `end`: there are no older bars.
  case seriesCompleted(session: String, mode: String, end: Bool)
  case seriesError(session: String, text: String)
  case criticalError(session: String, text: String)
  case protocolError(text: String)
  /// Anything else, which is passed over.
  case other(String)

  /// - Throws: `DecodingFailure` for what is not JSON of the protocol's form.
  package init(parsing payload: [UInt8], maxBytes: Int) throws(DecodingFailure) {
    let tree = try JSONTree(payload, limits: JSONReader.Limits(maxBytes: maxBytes, maxDepth: 24))
    guard tree.fields != nil else { throw Self.unexpected }
    guard let name = tree["m"] else {
      self = .hello
      return
    }
    guard case .string(let method) = name else { throw Self.unexpected }
    let parameters = tree["p"]?.items ?? []
    let texts = parameters.compactMap { if case .string(let text) = $0 { text } else { nil } }
    let session = texts.first ?? ""
    func words(from place: Int) -> String { texts.dropFirst(place).joined(separator: ", ") }
    switch method {
    case "timescale_update", "du":
      let (bars, lost) = try Self.bars(parameters)
      self = .bars(session: session, bars, isUpdate: method == "du", lost: lost)
    case "series_completed":
      let isEnd = parameters.count > 4 && parameters[4]["data_completed"]?.text == "end"
      self = .seriesCompleted(session: session, mode: texts.count > 2 ? texts[2] : "", end: isEnd)
    case "symbol_resolved": self = .symbolResolved(session: session)
    case "symbol_error": self = .symbolError(session: session, text: words(from: 2))
    case "series_error": self = .seriesError(session: session, text: words(from: 3))
    case "critical_error": self = .criticalError(session: session, text: words(from: 1))
    case "protocol_error": self = .protocolError(text: words(from: 0))
    case let other where other.hasSuffix("_error") && other != "study_error":
      // Errors that are not documented: what was asked will not come. Studies are not asked for, and bars come
      // without them.
      self = .seriesError(session: session, text: ([other] + texts.dropFirst()).joined(separator: ", "))
    default: self = .other(method)
    }
    // Without parameters a message says nothing; those of another form are passed over where all would be.
    if tree["p"] == nil {
      self = .other(method)
    } else if tree["p"]?.items == nil, self != .other(method) {
      throw Self.unexpected
    }
  }

  private static let unexpected = DecodingFailure(.wrongType, at: 0, "not of the form of the protocol")

  /// `[session, {"s1": {"s": [{"i": 0, "v": [time, open, high, low, close, volume]}, …]}}, …]`; indices have no volume,
  /// and a bar without a price is passed over.
  private static func bars(_ parameters: [JSONTree]) throws(DecodingFailure) -> ([SourceBar], Losses) {
    var list = parameters.count > 1 ? parameters[1] : .null
    for name in [ClientMessage.seriesID, "s"] where list != .null {
      guard list.fields != nil else { throw unexpected }
      list = list[name] ?? .null
    }
    guard let entries = list == .null ? [] : list.items else { throw unexpected }
    var bars: [SourceBar] = []
    var lost = Losses()
    for (index, entry) in entries.enumerated() {
      let cells = (entry["v"]?.items ?? []).prefix(6)
      let numbers = cells.map(\.decimal)
      guard cells.count >= 5, zip(cells, numbers).allSatisfy({ $0.isAbsent || $1 != nil }),
        let time = numbers[0].flatMap(SourceBar.seconds)
      else {
        lost.add("bar \(index + 1) of a frame does not hold a time and four or five numbers")
        continue
      }
      if let bar = SourceBar(time: time, Array(numbers.dropFirst())) { bars.append(bar) }
    }
    return (bars, lost)
  }
}
