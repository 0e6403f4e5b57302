/// What to ask of an FTP server.
package struct FTPRequest: Sendable {
  package enum Action: Sendable, Hashable {
    /// The bytes of a file.
    case retrieve
    /// The entries of a folder with their facts, one a line (MLSD, RFC 3659).
    case listFacts
    /// The names in a folder, one a line (NLST).
    case listNames
  }

  /// Never printed.
  package struct Login: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    package let user: String
    package let password: String

    package init(user: String, password: String) {
      self.user = user
      self.password = password
    }

    package var description: String { "***" }
    package var debugDescription: String { "***" }
    /// A line break would begin a command of its own.
    var isSafeToSend: Bool { (user + password).utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } }
  }

  package var action: Action
  package var url: FTPURL
  /// Nil: anonymous.
  package var login: Login?
  package var limits: HTTPLimits

  package init(_ action: Action, _ url: FTPURL, login: Login? = nil, limits: HTTPLimits = HTTPLimits()) {
    self.action = action
    self.url = url
    self.login = login
    self.limits = limits
  }
}
