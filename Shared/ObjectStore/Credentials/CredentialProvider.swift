/// Where an `S3Store` gets its credentials from, for every request anew.
package protocol CredentialProvider: Sendable {
  /// - Throws: `ObjectStoreError` or `HTTPError`.
  func current() async throws -> S3Credentials

  /// The store refused these. True when others may be had: then the request is worth repeating.
  func refused(_ credentials: S3Credentials) async -> Bool
}

/// Credentials that never change.
extension S3Credentials: CredentialProvider {
  package func current() async throws -> S3Credentials { self }
  package func refused(_ credentials: S3Credentials) async -> Bool { false }
}

/// Credentials and how long they may be used.
package struct IssuedCredentials: Hashable, Sendable {
  package var credentials: S3Credentials
  /// Seconds since 1970; nil for ever.
  package var expiresAt: Int64?

  package init(_ credentials: S3Credentials, expiresAt: Int64? = nil) {
    self.credentials = credentials
    self.expiresAt = expiresAt
  }
}

/// One place where credentials may be found.
package protocol CredentialSource: Sendable {
  /// For people: `the shared credentials file`.
  var name: String { get }

  /// - Returns: nil when this place is not set up here, so that the next one is asked.
  /// - Throws: `ObjectStoreError` or `HTTPError` when it is set up, and does not work.
  func fetch() async throws -> IssuedCredentials?
}
