import Core

/// The user and password of SASL PLAIN and SCRAM, which may be replaced while a client runs.
struct LoginSecret {
  /// The property that names the operator's file of properties, when the password is from there; it is not one of the
  /// library.
  static let fileProperty = "souk.sasl.file"
  private static let (user, password) = ("sasl.username", "sasl.password")
  /// How often it is looked for another.
  static let interval = Duration.seconds(5)

  struct Login: Equatable {
    var user: String
    var password: String
  }
  private let file: WatchedFile?
  private let given: (user: Secret, password: Secret)
  private var known: Login
  private var next = ContinuousClock.now + interval

  /// Replaces what secret properties refer to (`env:NAME`, `file:/path`) by what is there.
  /// - Returns: nil when there is no login, or one that cannot change.
  /// - Throws: a configuration `Failure` that names the variable or the path.
  init?(_ properties: inout [String: String]) throws(Failure) {
    file = properties.removeValue(forKey: Self.fileProperty).map { WatchedFile($0) }
    given = (Secret(properties[Self.user] ?? ""), Secret(properties[Self.password] ?? ""))
    let mayChange = file != nil || properties[Self.password]?.hasPrefix("file:/") == true
    for (name, value) in properties where ClientProperties.isSecret(name) || name == Self.user {
      properties[name] = try Secret(value).resolve()
    }
    known = Login(user: properties[Self.user] ?? "", password: properties[Self.password] ?? "")
    if !mayChange { return nil }
  }

  /// - Returns: the login when it has changed since the last call. One that cannot be read is left for later.
  mutating func change(at now: ContinuousClock.Instant) -> Login? {
    guard now >= next else { return nil }
    next = now + Self.interval
    guard let found = try? current(), !found.password.isEmpty, found != known else { return nil }
    known = found
    return found
  }

  private func current() throws -> Login {
    var (user, password) = given
    for line in String(decoding: try file?.bytes() ?? [], as: UTF8.self).split(whereSeparator: \.isNewline) {
      let words = line.split(separator: "=", maxSplits: 1)
      guard words.count == 2, case let value = String(Self.trimmed(words[1])) else { continue }
      if Self.trimmed(words[0]) == Self.user { user = Secret(value) }
      if Self.trimmed(words[0]) == Self.password { password = Secret(value) }
    }
    return Login(user: try user.resolve(), password: try password.resolve())
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
