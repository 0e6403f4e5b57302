/// Who signs. Its description never shows the secret.
package struct S3Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  package var accessKeyID: String
  package var secretAccessKey: String
  package var sessionToken: String?

  package init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
  }

  package var description: String { "\(accessKeyID):***" }
  package var debugDescription: String { description }
}

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
