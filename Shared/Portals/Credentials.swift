/// A user and a password; neither prints.
package struct Credentials: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  package var user: String
  package var password: String

  package init(user: String, password: String) {
    self.user = user
    self.password = password
  }

  package var description: String { "***" }
  package var debugDescription: String { "***" }
}
