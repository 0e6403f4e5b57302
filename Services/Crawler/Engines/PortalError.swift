import Runtime

/// A source answered, and the answer cannot be used.
package struct PortalError: ClassifiedError, Hashable {
  package enum Kind: String, Hashable, Sendable {
    /// A page for people where data was expected: a login, a block, an error page.
    case htmlInsteadOfJSON = "html_instead_of_json"
    /// A form that asks for a password, in the place of a listing.
    case loginPage = "login_page"
    /// The portal took the login for wrong.
    case loginRefused = "login_refused"
    /// A page that should hold a table or a list and does not.
    case unknownPage = "unknown_listing_page"
    case invalidJSON = "invalid_json"
    /// JSON in a form nobody has described yet; the message names the keys it has.
    case unknownShape = "unknown_listing_shape"
    /// The portal answers in its own words that it will not.
    case portalRefused = "portal_refused"
    /// The portal does not serve the chain it is asked for.
    case unknownChain = "unknown_chain_id"
    case tooManyRows = "too_many_rows"
    case folderUnreadable = "folder_unreadable"
  }

  package var kind: Kind
  package var message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  package var code: String { kind.rawValue }

  /// A block or an outage page passes; a new format does not pass by waiting, but other sources go on.
  package var errorClass: ErrorClass {
    switch kind {
    case .htmlInsteadOfJSON, .loginPage, .loginRefused, .portalRefused, .folderUnreadable: .transient
    case .unknownChain: .configuration
    case .invalidJSON, .unknownShape, .unknownPage, .tooManyRows: .data
    }
  }

  package var description: String { "\(message) [\(code)]" }
}
