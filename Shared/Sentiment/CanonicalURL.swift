import Core

/// One spelling of the address of a text, so that links to it are equal whatever page or campaign they were found on.
///
/// The scheme becomes `https`, the host lower case without `www.`, `m.` and `amp.`; fragment, port 80 or 443, campaign
/// parameters, AMP suffixes and the slash at the end go; the other parameters are sorted. Links of redirectors
/// (`news.google.com`, `finance.yahoo.com`) stay what they are: where they lead is not known without asking.
package enum CanonicalURL {
  /// Parameters that say where a reader came from, not what is read.
  private static let campaign: Set<String> = [
    "fbclid", "gclid", "gclsrc", "dclid", "msclkid", "twclid", "igshid", "yclid", "mc_cid", "mc_eid", "cmpid", "cmp",
    "ref", "ref_src", "referrer", "ncid", "ocid", "soc_src", "soc_trk", "guccounter", "guce_referrer",
    "guce_referrer_sig", "src", "via", "taid", "ftag", "smid", "sr_share", "tsrc", "amp", "outputtype",
  ]

  /// - Returns: nil for what is no `http` or `https` address.
  package static func of(_ text: String) -> String? {
    let trimmed = text.drop { $0 == " " || $0.isNewline }
    guard let colon = trimmed.range(of: "://") else { return nil }
    let scheme = trimmed[..<colon.lowerBound].lowercased()
    guard scheme == "http" || scheme == "https" else { return nil }
    var rest = trimmed[colon.upperBound...].prefix { $0 != "#" && $0 != " " && !$0.isNewline }
    let hostEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    var host = rest[..<hostEnd].lowercased()
    rest = rest[hostEnd...]
    for port in [":443", ":80"] where host.hasSuffix(port) { host.removeLast(port.count) }
    if host.hasSuffix(".") { host.removeLast() }
    // Only in front of a whole name: `m.com` is one.
    for prefix in ["www.", "m.", "amp.", "mobile."]
    where host.hasPrefix(prefix) && host.dropFirst(prefix.count).contains(".") {
      host.removeFirst(prefix.count)
    }
    guard !host.isEmpty, !host.contains("@") else { return nil }
    let query = rest.firstIndex(of: "?").map { rest[rest.index(after: $0)...] } ?? ""
    var path = path(String(rest.prefix { $0 != "?" }))
    while path.hasSuffix("/") { path.removeLast() }
    let kept = query.split(separator: "&").filter { !isCampaign($0) }.sorted()
    return "https://\(host)\(path)" + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
  }

  private static func isCampaign(_ parameter: Substring) -> Bool {
    let name = parameter.prefix { $0 != "=" }.lowercased()
    return name.hasPrefix("utm_") || campaign.contains(name)
  }

  /// Percent-escapes in upper case, those of letters, digits, `-`, `.`, `_` and `~` resolved (RFC 3986, 6.2.2), without
  /// what marks an AMP page.
  private static func path(_ text: String) -> String {
    var bytes: [UInt8] = []
    let given = Array(text.utf8)
    var index = 0
    while index < given.count {
      if given[index] == 0x25, index + 2 < given.count, let high = Hex.value(given[index + 1]),
        let low = Hex.value(given[index + 2]) {
        let byte = high << 4 | low
        let isPlain = byte < 0x80 && (TextWords.isLetter(byte) || TextWords.isDigit(byte))
          || [0x2d, 0x2e, 0x5f, 0x7e].contains(byte)
        if isPlain { bytes.append(byte) } else { PercentEncoding.append(byte, to: &bytes) }
        index += 3
      } else {
        bytes.append(given[index])
        index += 1
      }
    }
    var path = String(decoding: bytes, as: UTF8.self)
    if path.hasPrefix("/amp/") { path.removeFirst(4) }
    for suffix in ["/amp/", "/amp", ".amp"] where path.hasSuffix(suffix) {
      path.removeLast(suffix.count)
      break
    }
    return path
  }
}

extension StringProtocol {
  /// The first place of a text, without Foundation.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
