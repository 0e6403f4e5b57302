import Runtime

/// A failure of a Cerberus web portal beyond HTTP.
package typealias CerberusError = CodedError<CerberusErrorKind>

package enum CerberusErrorKind: String, ErrorKind {
  /// The portal does not accept the user and password: the operator has to change them.
  case loginRefused = "login_refused"
  /// The portal no longer knows the session, and a new one did not help at once.
  case sessionExpired = "session_expired"
  /// A page that should carry the token of the next request carries none.
  case noToken = "login_page_changed"

  package var errorClass: ErrorClass {
    switch self {
    case .loginRefused: .configuration
    case .sessionExpired: .transient
    case .noToken: .data
    }
  }
}
