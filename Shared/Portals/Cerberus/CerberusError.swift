import Runtime

/// What went wrong between us and a Cerberus web portal, beyond HTTP.
package struct CerberusError: ClassifiedError, Hashable {
  package enum Kind: String, Hashable, Sendable {
    /// The portal does not take the user and password: a person has to change them.
    case loginRefused = "login_refused"
    /// The portal no longer knows the session, and a new one did not help at once.
    case sessionExpired = "session_expired"
    /// A page that should carry the token of the next request carries none.
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
