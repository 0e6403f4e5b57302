/// Messages of TradingView as they were captured.
enum Capture {
  /// With the ids of the client's session, as the server writes them for that client.
  static func renamed(_ message: String, session: String) -> String {
    var text = ""
    for payload in payloads(of: message) {
      let own = payload.replacing(#/"cs_[A-Za-z0-9]+"/#, with: "\"\(session)\"")
        .replacing(#/"sds_[0-9]+"/#, with: "\"s1\"")
        .replacing(#/"(?:sds_)?sym_[0-9]+"/#, with: "\"symbol_1\"")
      text += TradingViewSimulator.framed(own)
    }
    return text
  }

  private static func payloads(of message: String) -> [String] {
    var payloads: [String] = []
    var rest = message[...]
    while let mark = rest.prefixMatch(of: #/~m~([0-9]+)~m~/#) {
      rest = rest[mark.range.upperBound...]
      let end = rest.utf16.index(rest.startIndex, offsetBy: Int(mark.output.1) ?? 0, limitedBy: rest.endIndex)
      payloads.append(String(rest[..<(end ?? rest.endIndex)]))
      rest = rest[(end ?? rest.endIndex)...]
    }
    return payloads
  }
}
