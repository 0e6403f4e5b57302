import Core
import HTTP

/// Where to fetch a file, from the message's URL and the operator's permission, before anything is opened.
package enum FileLocation: Hashable, Sendable {
  case web(HTTPURL)
  case ftp(FTPURL)
  /// An absolute path below the permitted root by its text; checked again on the open file.
  case file(path: String, root: String)

  /// - Parameter fileRoot: absolute, without links; nil refuses every `file:` URL.
  /// - Throws: `DownloadError` or `HTTPError`, of class data.
  package init(url: String, fileRoot: String?) throws {
    guard let path = Self.path(ofFileURL: url) else {
      self = FTPURL.isFTP(url) ? .ftp(try FTPURL(url)) : .web(try HTTPURL(url))
      return
    }
    guard let fileRoot else {
      throw DownloadError(.fileURLRefused, "file: URLs are only fetched with --allow-file-root")
    }
    let base = fileRoot == "/" ? "/" : fileRoot + "/"
    let climbs = path.split(separator: "/", omittingEmptySubsequences: false).contains { $0 == ".." }
    guard path.utf8.starts(with: base.utf8), !climbs, !path.utf8.contains(0) else {
      throw DownloadError(.fileURLRefused, "the file: URL points outside --allow-file-root")
    }
    self = .file(path: path, root: fileRoot)
  }

  /// Files with the same value fail together: the origin of a web URL; one name for all local files.
  static func host(of url: String) -> String {
    (try? HTTPURL(url))?.origin ?? (try? FTPURL(url))?.origin ?? "file:"
  }

  /// The decoded path of `file:///path` or `file://localhost/path` (RFC 8089); nil for another scheme. A broken
  /// escape or another host gives an empty path, which lies below no root.
  static func path(ofFileURL url: String) -> String? {
    guard url.prefix(5).lowercased() == "file:" else { return nil }
    var rest = url.utf8.dropFirst(5)
    if rest.starts(with: "//".utf8) {
      rest = rest.dropFirst(2)
      let host = rest.prefix { $0 != 0x2f }
      guard host.isEmpty || host.elementsEqual("localhost".utf8) else { return "" }
      rest = rest.dropFirst(host.count)
    }
    return PercentEncoding.decode(Substring(rest)) ?? ""
  }
}
