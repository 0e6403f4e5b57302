import Core

/// Errors of the downloader itself, besides `HTTPError` and `ObjectStoreError`.
package typealias DownloadError = CodedError<DownloadErrorKind>

package enum DownloadErrorKind: String, ErrorKind {
  // data
  case emptyFile = "empty_file"
  case htmlInsteadOfFile = "html_instead_of_file"
  case fileTooLarge = "file_too_large"
  case fileURLRefused = "file_url_refused"
  case fileMissing = "file_missing"
  case urlRefused = "url_refused"
  case sourceGivenUp = "source_given_up"
  /// The file may still exist, under another link.
  case linkExpired = "link_expired"
  case loginRefused = "login_refused"
  // transient
  case spoolFull = "spool_failed"
  case notAsStored = "store_verification_failed"
  case fileUnreadable = "file_unreadable"

  package var errorClass: ErrorClass {
    switch self {
    case .spoolFull, .notAsStored, .fileUnreadable: .transient
    default: .data
    }
  }
}
