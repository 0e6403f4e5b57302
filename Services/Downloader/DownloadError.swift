import Runtime

/// Errors of the downloader itself, besides `HTTPError` and `ObjectStoreError`.
package struct DownloadError: ClassifiedError, Hashable {
  package enum Kind: String, Hashable, Sendable {
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
    case .emptyFile, .htmlInsteadOfFile, .fileTooLarge, .fileURLRefused, .fileMissing, .urlRefused, .sourceGivenUp,
         .linkExpired, .loginRefused:
      .data
    case .spoolFull, .notAsStored, .fileUnreadable: .transient
    }
  }

  package var description: String { "\(message) [\(code)]" }
}
