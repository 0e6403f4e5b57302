/// Where a service keeps its own state: `redis://...`, `file:///path` or `memory:`.
package enum StateLocation: Hashable, Sendable {
  case memory
  case file(String)
  case redis(String)

  /// For logs: the kind without the address.
  package var kind: String {
    switch self {
    case .memory: "memory"
    case .file: "file"
    case .redis: "redis"
    }
  }

  /// - Throws: a configuration `Failure`; the text is not repeated, as it may hold a password.
  package init(_ text: String) throws(Failure) {
    if text == "memory:" || text == "memory" {
      self = .memory
    } else if text.hasPrefix("redis://") || text.hasPrefix("rediss://") {
      self = .redis(text)
    } else if text.hasPrefix("file:///"), text.utf8.count > 8, !text.hasSuffix("/") {
      let path = text.dropFirst(7)
      self = .file(PercentEncoding.decode(path, strict: false) ?? String(path))
    } else {
      throw Failure(
        .configuration, code: "bad_state_location",
        "--state is none of redis://[:password@]host:port/database, file:///absolute/path, memory:")
    }
  }
}
