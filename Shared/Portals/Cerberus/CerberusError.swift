import Runtime

/// An error of a Cerberus web portal above HTTP.
package struct CerberusError: ClassifiedError, Hashable {
  package enum Kind: String, Hashable, Sendable {
    /// The portal refuses the user and password; the operator has to change them.
    case loginRefused = "login_refused"
    /// The portal no longer knows the session, and a new login did not help.
    case sessionExpired = "session_expired"
    /// A page lacks the token for the next request.
    case noToken = "login_page_changed"
  }

  package var kind: Kind
  package var message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  package var code: String { kind.rawValue }

  package var errorClass: ErrorClass {
    switch kind {
    case .loginRefused: .configuration
    case .sessionExpired: .transient
    case .noToken: .data
    }
  }

  package var description: String { "\(message) [\(code)]" }
}
