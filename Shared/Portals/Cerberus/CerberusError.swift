import Core

/// An error of a Cerberus web portal above HTTP.
package typealias CerberusError = CodedError<CerberusErrorKind>

package enum CerberusErrorKind: String, ErrorKind {
  /// The portal refuses the user and password; the operator has to change them.
  case loginRefused = "login_refused"
  /// The portal no longer knows the session, and a new login did not help.
  case sessionExpired = "session_expired"
  /// A page lacks the token for the next request.
  case noToken = "login_page_changed"

  package var errorClass: ErrorClass {
    switch self {
    case .loginRefused: .configuration
    case .sessionExpired: .transient
    case .noToken: .data
    }
  }
}
