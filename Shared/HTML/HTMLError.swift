import Core

/// A page that cannot be read. Reading the same page again fails again; a later version of it may be readable.
package typealias HTMLError = CodedError<HTMLErrorKind>

package enum HTMLErrorKind: String, ErrorKind {
  case empty = "html_empty"
  case tooLarge = "html_too_large"
  case unreadable = "html_unreadable"
  case badPath = "html_bad_path"

  package var errorClass: ErrorClass { self == .badPath ? .fatal : .data }
}
