/// An `ftp` or `ftps` URL as libcurl reads it; without credentials, which are given apart.
///
/// `ftps` here means TLS of the explicit kind (RFC 4217): the control connection begins in the clear, on port 21 when
/// the URL names none, and nothing is said before `AUTH TLS` has succeeded. The data connections are encrypted too.
package struct FTPURL: Hashable, Sendable, CustomStringConvertible {
  /// With the scheme `ftp`, whatever `requiresTLS` says.
  let location: HTTPURL
  package let requiresTLS: Bool

  /// - Throws: `HTTPError` of kind `.urlRefused` naming the reason, never the text.
  package init(_ text: String) throws(HTTPError) {
    requiresTLS = text.prefix(7).lowercased() == "ftps://"
    location = try HTTPURL(ftp: requiresTLS ? "ftp://" + text.dropFirst(7) : text)
    // libcurl takes `;type=` off the path as its own instruction, and makes a listing of `;type=d`.
    guard !location.path.lowercased().contains(";type=") else {
      throw HTTPError(.urlRefused, "the FTP URL asks for a transfer type")
    }
  }

  /// Whether the text is one of this kind, be it usable or not.
  package static func isFTP(_ text: String) -> Bool {
    let scheme = text.prefix { $0 != ":" }.lowercased()
    return scheme == "ftp" || scheme == "ftps"
  }

  package var host: String { location.host }
  package var port: Int { location.port }
  /// Percent-encoded, begins with `/`. A folder ends in `/`.
  package var path: String { location.path }
  package var isFolder: Bool { path.hasSuffix("/") }
  /// Host and port as one name.
  package var origin: String { location.origin }
  package var description: String { location.description }
}
