import Runtime

/// A portal answered, and the answer cannot be used.
package typealias PortalError = CodedError<PortalErrorKind>

package enum PortalErrorKind: String, ErrorKind {
  /// A page for people where data was expected: a login, a block, an error page.
  case htmlInsteadOfJSON = "html_instead_of_json"
  /// A form that asks for a password, in the place of a listing.
  case loginPage = "login_page"
  /// The portal refused the user and password.
  case loginRefused = "login_refused"
  /// A page that should hold a table or a list and does not.
  case unknownPage = "unknown_listing_page"
  case invalidJSON = "invalid_json"
  /// JSON of an unknown form; the message names its keys.
  case unknownShape = "unknown_listing_shape"
  /// The portal refuses the request in its own words.
  case portalRefused = "portal_refused"
  /// The portal does not serve the chain it is asked for.
  case unknownChain = "unknown_chain_id"
  case tooManyRows = "too_many_rows"
  case folderUnreadable = "folder_unreadable"

  /// A block or an outage page passes; a new format does not pass by waiting, but other sources go on.
  package var errorClass: ErrorClass {
    switch self {
    case .htmlInsteadOfJSON, .loginPage, .loginRefused, .portalRefused, .folderUnreadable: .transient
    case .unknownChain: .configuration
    case .invalidJSON, .unknownShape, .unknownPage, .tooManyRows: .data
    }
  }
}
