import Core

/// A source answered, and the answer cannot be used.
package typealias PortalError = CodedError<PortalErrorKind>

package enum PortalErrorKind: String, ErrorKind {
  /// An HTML page where data was expected: a login, a block, an error page.
  case htmlInsteadOfJSON = "html_instead_of_json"
  /// A password form instead of a listing.
  case loginPage = "login_page"
  /// The portal refused user and password.
  case loginRefused = "login_refused"
  /// A page without the expected table or list.
  case unknownPage = "unknown_listing_page"
  case invalidJSON = "invalid_json"
  /// JSON of an unknown shape; the message names its keys.
  case unknownShape = "unknown_listing_shape"
  /// The portal refuses, in its own words.
  case portalRefused = "portal_refused"
  /// The portal has no such chain.
  case unknownChain = "unknown_chain_id"
  case tooManyRows = "too_many_rows"
  case folderUnreadable = "folder_unreadable"

  /// A block or an outage page passes. A new format does not pass by waiting; other sources continue.
  package var errorClass: ErrorClass {
    switch self {
    case .htmlInsteadOfJSON, .loginPage, .loginRefused, .portalRefused, .folderUnreadable: .transient
    case .unknownChain: .configuration
    case .invalidJSON, .unknownShape, .unknownPage, .tooManyRows: .data
    }
  }
}
