import Core
import HTTP
import Messages
import ObjectStore
import Values

/// Downloads one file: fetches it into the spool, verifies it, stores it, and checks the stored object.
package struct Downloader: Sendable {
  package enum Stage: String, Sendable { case fetch, verify, store }

  /// A failure and its stage.
  package struct Failed: Error {
    package var stage: Stage
    package var cause: any Error
  }

  package struct Stored: Sendable, Hashable {
    package var key: ObjectKey
    /// Bytes.
    package var size: Int
    package var sha256: SHA256Digest
    package var compression: Compression
    /// The store already had it; nothing was uploaded.
    package var wasPresent: Bool
    /// How often its transfer was resumed.
    package var resumes = 0
  }

  package let settings: DownloadSettings
  package let store: any ObjectStore
  let client: HTTPClient
  /// nil: no portal has a login.
  let portals: PortalAccess?
  let partials: PartialFiles
  let now: @Sendable () -> Timestamp

  package init(
    settings: DownloadSettings, client: HTTPClient, store: any ObjectStore, portals: PortalAccess? = nil,
    now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    self.settings = settings
    self.client = client
    self.store = store
    self.portals = portals
    self.now = now
    partials = PartialFiles(capacity: settings.partialFiles)
  }

  /// - Throws: `Failed`, or `CancellationError`.
  package func download(_ file: FileDiscovered) async throws -> Stored {
    let fetched = try await step(.fetch) { try await fetch(file) }
    let content = fetched.content
    let type = try await step(.verify) {
      try Self.verify(content.body, prefix: content.prefix, origin: fetched.origin)
    }
    var stored = try await step(.store) { try await keep(content, file, type.compression) }
    stored.resumes = fetched.resumes
    return stored
  }

  private func step<T>(_ stage: Stage, _ body: () async throws -> T) async throws -> T {
    do { return try await body() } catch let error as CancellationError { throw error } catch {
      throw Failed(stage: stage, cause: error)
    }
  }

  // MARK: - verify

  /// Refuses only content that is certainly not a price file. The parser checks everything else: a stored file can be
  /// examined, a refused one leaves only a line in the log.
  /// - Parameter origin: the final URL, after redirects.
  package static func verify(
    _ body: ObjectBody, prefix: [UInt8], origin: HTTPURL? = nil
  ) throws(DownloadError) -> SniffedContent {
    guard body.length > 0 else { throw DownloadError(.emptyFile, "the file has no bytes") }
    let type = SniffedContent(prefix: prefix)
    // A login page means that the link has expired.
    guard !type.isHTML || !(type.isLogin || origin.map(Self.leadsToLogin) == true) else {
      throw DownloadError(.linkExpired, "the source sent a login page of \(body.length) bytes instead of the file")
    }
    guard !type.isHTML else {
      throw DownloadError(
        .htmlInsteadOfFile, "the source sent an HTML page of \(body.length) bytes instead of the file")
    }
    return type
  }

  private static func leadsToLogin(_ url: HTTPURL) -> Bool {
    let last = url.path.split(separator: "/").last?.lowercased() ?? ""
    return ["login", "signin", "sign-in", "logon"].contains { last.hasPrefix($0) }
  }

  // MARK: - store

  private func keep(
    _ content: Spool.Content, _ file: FileDiscovered, _ compression: Compression
  ) async throws -> Stored {
    let body = content.body
    let key = try ObjectName.key(file, sha256: body.sha256)
    let stored = Stored(key: key, size: body.length, sha256: body.sha256, compression: compression, wasPresent: true)
    if let present = try await store.head(key), Self.isSame(present, body) { return stored }
    _ = try await store.put(body, at: key, contentType: Self.contentType(compression))
    guard let present = try await store.head(key), Self.isSame(present, body) else {
      throw DownloadError(.notAsStored, "the store does not have \(key) as it was sent")
    }
    // The descriptor must outlive the upload.
    return withExtendedLifetime(content.spool) {
      var fresh = stored
      fresh.wasPresent = false
      return fresh
    }
  }

  /// Whether an object equals the body: by size, and by hash where the store keeps one.
  static func isSame(_ object: ObjectInfo, _ body: ObjectBody) -> Bool {
    object.size == body.length && (object.sha256 == nil || object.sha256 == body.sha256)
  }

  static func contentType(_ compression: Compression) -> String {
    switch compression {
    case .gzip: "application/gzip"
    case .zip: "application/zip"
    case .none: "application/xml"
    }
  }
}

/// Errors of the downloader itself, besides `HTTPError` and `ObjectStoreError`.
package typealias DownloadError = CodedError<DownloadErrorKind>

package enum DownloadErrorKind: String, ErrorKind {
  // data
  case emptyFile = "empty_file"
  case htmlInsteadOfFile = "html_instead_of_file"
  case fileTooLarge = "file_too_large"
  case fileURLRefused = "file_url_refused"
  case fileMissing = "file_missing"
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

/// The key of a file in the store. Pure.
package enum ObjectName {
  /// `files/<chain>/<yyyy-mm-dd>/<first 16 hex digits of the SHA-256>-<file name>`, the day being that of the file
  /// in Israel, or `undated`.
  ///
  /// The content is part of the key: a file published again under its old name is another object, and a file fetched
  /// twice is the same one, so the object of a message never changes.
  package static func key(_ file: FileDiscovered, sha256: SHA256Digest) throws(ObjectStoreError) -> ObjectKey {
    try ObjectKey([
      "files", ObjectKey.segment(file.chain), day(file.fileTime),
      "\(sha256.hex.prefix(16))-\(ObjectKey.segment(file.fileName))",
    ].joined(separator: "/"))
  }

  private static func day(_ time: Timestamp?) -> String {
    guard let civil = time?.civil else { return "undated" }
    return "\(zeroPadded(civil.year, 4))-\(zeroPadded(civil.month, 2))-\(zeroPadded(civil.day, 2))"
  }
}
