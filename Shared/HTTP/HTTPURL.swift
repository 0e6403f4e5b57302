import CCurl

/// An `http` or `https` URL as libcurl reads it.
///
/// Parsed and joined by libcurl's own parser, the one that will open the connection: two parsers that disagree
/// about where the host ends are how address checks are evaded. Non-ASCII and blanks are percent-encoded,
/// fragments dropped, credentials refused.
package struct HTTPURL: Hashable, Sendable {
  /// The normalised text that is requested. It may hold a secret in its query: show `description` instead.
  package let text: String
  package let scheme: String
  /// Without the brackets of an IPv6 literal.
  package let host: String
  package let port: Int
  /// Percent-encoded, begins with `/`.
  package let path: String
  /// Percent-encoded, without `?`; nil when there is none.
  package let query: String?

  /// - Parameter pathAsIs: keeps `.` and `..` segments, for object keys, where they are only characters.
  /// - Throws: `HTTPError` of kind `.urlRefused` naming the reason, never the text.
  package init(_ text: String, pathAsIs: Bool = false) throws(HTTPError) {
    try self.init(joining: [text], pathAsIs: pathAsIs)
  }

  /// The URL that `location` (absolute or relative, RFC 3986 section 5) means on the page of this URL.
  package func resolving(_ location: String) throws(HTTPError) -> HTTPURL {
    try HTTPURL(joining: [text, location], pathAsIs: false)
  }

  /// The value of the `Host` header: the port only when it is not the scheme's own.
  package var hostHeader: String {
    let shown = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    return port == (scheme == "https" ? 443 : scheme == "ftp" ? 21 : 80) ? shown : "\(shown):\(port)"
  }

  /// Scheme, host and port: what a header with a credential may be repeated to.
  package var origin: String { "\(scheme)://\(hostHeader)" }

  /// Of scheme `ftp`: for `FTPURL`.
  init(ftp text: String) throws(HTTPError) { try self.init(joining: [text], pathAsIs: false, schemes: ["ftp"]) }

  private init(joining parts: [String], pathAsIs: Bool, schemes: [String] = ["http", "https"]) throws(HTTPError) {
    guard let handle = curl_url() else { throw HTTPError(.internalFailure, "libcurl is out of memory") }
    defer { curl_url_cleanup(handle) }
    let flags = CURLU_URLENCODE | CURLU_DISALLOW_USER | (pathAsIs ? CURLU_PATH_AS_IS : 0)
    for part in parts {
      // A C string would end at a NUL that the caller's string carries on behind.
      guard !part.utf8.contains(0) else { throw HTTPError(.urlRefused, "the URL holds a NUL byte") }
      let code = curl_url_set(handle, CURLUPART_URL, part, UInt32(flags))
      guard code == CURLUE_OK else {
        throw HTTPError(.urlRefused, "not an acceptable URL: \(String(cString: curl_url_strerror(code)))")
      }
    }
    _ = curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0)
    func part(_ part: CURLUPart, _ flags: Int32 = 0) -> String? {
      var value: UnsafeMutablePointer<CChar>?
      guard curl_url_get(handle, part, &value, UInt32(flags)) == CURLUE_OK, let value else { return nil }
      defer { curl_free(value) }
      return String(cString: value)
    }
    guard let scheme = part(CURLUPART_SCHEME), schemes.contains(scheme) else {
      throw HTTPError(
        .urlRefused, "only \(schemes.joined(separator: " and ")) can be fetched this way, the URL has another scheme")
    }
    guard let text = part(CURLUPART_URL), let host = part(CURLUPART_HOST), !host.isEmpty,
          let port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT).flatMap(Int.init), port > 0 else {
      throw HTTPError(.urlRefused, "the URL has no usable host or port")
    }
    self.text = text
    self.scheme = scheme
    self.host = host.hasPrefix("[") ? String(host.dropFirst().prefix { $0 != "]" }) : host
    self.port = port
    path = part(CURLUPART_PATH) ?? "/"
    query = part(CURLUPART_QUERY)
  }
}

extension HTTPURL: CustomStringConvertible {
  /// For logs and errors: the query is left out, because signed links keep their secret there.
  package var description: String { "\(origin)\(path)\(query == nil ? "" : "?…")" }
}
