import Core

/// How to reach a Redis and how long to wait for it.
package struct RedisConfiguration: Hashable, Sendable {
  package var url: RedisURL
  /// Where the text of `url` is, when it may change: the credentials are read there for each connection.
  package var source: Secret?
  package var connectTimeout: Duration
  /// The longest wait for the bytes of one reply.
  package var timeout: Duration
  /// Commands sent before their replies are read; bounds memory on both sides.
  package var pipelineDepth: Int
  /// PEM file of the certificate authorities to trust for `rediss://` instead of the system's.
  package var certificateAuthorityFile: String?
  /// Sent by CLIENT SETNAME; identifies the service in `CLIENT LIST`.
  package var clientName: String?

  package init(
    url: RedisURL, connectTimeout: Duration = .seconds(5), timeout: Duration = .seconds(5), pipelineDepth: Int = 1_000,
    clientName: String? = nil
  ) {
    precondition(pipelineDepth > 0, "a pipeline holds at least one command")
    self.url = url
    self.connectTimeout = connectTimeout
    self.timeout = timeout
    self.pipelineDepth = pipelineDepth
    self.clientName = clientName
  }
}

extension RedisConfiguration {
  /// With the user and password that are in force now; those of before while the new ones cannot be read.
  var currentURL: RedisURL {
    guard let text = try? source?.resolve(), let now = try? RedisURL(text) else { return url }
    var current = url
    (current.user, current.password) = (now.user, now.password)
    return current
  }
}

/// The address of a Redis server: `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS.
package struct RedisURL: Hashable, Sendable, CustomStringConvertible {
  package var host: String
  package var port: UInt16
  package var database: Int
  /// An ACL user of Redis 6 and later; nil for the default user.
  package var user: String?
  package var password: String?
  package var isTLS = false

  package init(host: String, port: UInt16 = 6379, database: Int = 0, user: String? = nil, password: String? = nil) {
    self.host = host
    self.port = port
    self.database = database
    self.user = user
    self.password = password
  }

  /// - Throws: a configuration `Failure` that says which part is wrong, without repeating the text (it may hold
  ///   the password).
  package init(_ text: String) throws(Failure) {
    guard let scheme = ["redis://", "rediss://"].first(where: text.hasPrefix) else {
      throw Self.wrong("it does not start with redis:// or rediss://")
    }
    isTLS = scheme == "rediss://"
    var rest = text.dropFirst(scheme.count)
    if let query = rest.firstIndex(where: { $0 == "?" || $0 == "#" }) {
      throw Self.wrong("nothing may follow the database number, but there is a \(rest[query])")
    }
    database = 0
    if let slash = rest.firstIndex(of: "/") {
      let number = rest[rest.index(after: slash)...]
      if !number.isEmpty {
        guard let value = Int(number), (0...1_000_000).contains(value) else {
          throw Self.wrong("the database after the host is not a number")
        }
        database = value
      }
      rest = rest[..<slash]
    }
    if let at = rest.lastIndex(of: "@") {
      let credentials = rest[..<at]
      rest = rest[rest.index(after: at)...]
      let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let userText = PercentEncoding.decode(parts[0]),
        let passwordText = PercentEncoding.decode(parts[1])
      else {
        throw Self.wrong("before @ there must be :password or user:password, percent-encoded")
      }
      user = userText.isEmpty ? nil : userText
      password = passwordText.isEmpty ? nil : passwordText
    }
    var portText: Substring = ""
    if rest.first == "[" {
      guard let close = rest.firstIndex(of: "]") else { throw Self.wrong("the address in [ ] is not closed") }
      host = String(rest[rest.index(after: rest.startIndex)..<close])
      rest = rest[rest.index(after: close)...]
      guard rest.isEmpty || rest.first == ":" else { throw Self.wrong("only :port may follow the address in [ ]") }
      portText = rest.dropFirst()
    } else if let colon = rest.lastIndex(of: ":") {
      host = String(rest[..<colon])
      portText = rest[rest.index(after: colon)...]
      if portText.isEmpty { throw Self.wrong("there is no port after the colon") }
    } else {
      host = String(rest)
    }
    guard !host.isEmpty else { throw Self.wrong("the host is missing") }
    guard portText.isEmpty || (UInt16(portText) ?? 0) > 0 else {
      throw Self.wrong("the port is not a number between 1 and 65535")
    }
    port = portText.isEmpty ? 6379 : UInt16(portText) ?? 6379
  }

  private static func wrong(_ what: String) -> Failure {
    Failure(
      .configuration, code: "bad_redis_url",
      "the Redis URL is not redis://[[user]:password@]host[:port][/database]: \(what)")
  }

  /// Without the credentials.
  package var description: String {
    let shown = host.contains(":") ? "[\(host)]" : host
    return "redis\(isTLS ? "s" : "")://\(password == nil ? "" : "***@")\(shown):\(port)/\(database)"
  }
}
