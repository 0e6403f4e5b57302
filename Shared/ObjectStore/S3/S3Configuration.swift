import Core
import HTTP

/// An S3 endpoint and how to use it.
package struct S3Configuration: Sendable {
  package var bucket: String
  /// Put before every key; no slash at either end; empty for none.
  package var prefix = ""
  /// Nil for Amazon's own endpoint of the region.
  package var endpoint: HTTPURL?
  package var region = "us-east-1"
  package var credentials: any CredentialProvider
  /// What is said about every object: its storage class, its encryption.
  package var objectHeaders: HTTPHeaders = [:]
  /// How long no account can delete or change a record (``ObjectBody/isRecord``): Object Lock in compliance mode.
  package var lock: Duration?
  /// `endpoint/bucket/key` instead of `bucket.endpoint/key`.
  package var pathStyle = true
  /// Larger bodies are sent in parts.
  package var multipartThreshold = 64 << 20
  /// Bytes of a part, at least 5 MiB (S3's minimum); grows so that there are at most 10,000.
  package var partBytes = 16 << 20
  /// For one request, one part of a large body.
  package var timeout = Duration.seconds(120)

  package init(bucket: String, credentials: any CredentialProvider) {
    self.bucket = bucket
    self.credentials = credentials
  }

  /// The URL of an object (nil: of the bucket), its path percent-encoded once and its query in signing order.
  func url(key: String?, query: [(String, String)]) throws(HTTPError) -> HTTPURL {
    let base = if let endpoint { endpoint } else { try HTTPURL("https://s3.\(region).amazonaws.com") }
    let host = pathStyle ? base.hostHeader : "\(bucket).\(base.hostHeader)"
    var path = base.path.hasSuffix("/") ? String(base.path.dropLast()) : base.path
    if pathStyle { path += "/" + bucket }
    if let key { path += "/" + PercentEncoding.encode(key, keepingSlash: true) }
    let text = SigV4.canonicalQuery(query)
    return try HTTPURL(
      "\(base.scheme)://\(host)\(path.isEmpty ? "/" : path)\(text.isEmpty ? "" : "?" + text)", pathAsIs: true)
  }
}

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
