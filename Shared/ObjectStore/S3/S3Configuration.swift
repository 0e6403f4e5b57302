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

/// AWS Signature Version 4 for S3 (docs.aws.amazon.com/AmazonS3, "Authenticating Requests: Using the Authorization
/// Header"). Pure: the time is given.
struct SigV4: Sendable {
  let credentials: S3Credentials
  let region: String
  let service = "s3"

  /// The headers that make `request` a signed one: `headers` with `host`, the payload hash, the date, a session's
  /// token and `authorization` added. Every header present is signed.
  ///
  /// - Parameters:
  ///   - path: percent-encoded once, as it is sent.
  ///   - query: names and values, not encoded.
  ///   - payloadHash: lower hex SHA-256 of the body.
  ///   - seconds: since 1970.
  func sign(
    method: String, host: String, path: String, query: [(String, String)], headers: HTTPHeaders, payloadHash: String,
    at seconds: Int64
  ) -> HTTPHeaders {
    let (date, time) = Self.stamp(seconds)
    let timestamp = "\(date)T\(time)Z"
    var signed = headers
    signed["x-amz-content-sha256"] = payloadHash
    signed["x-amz-date"] = timestamp
    if let token = credentials.sessionToken { signed["x-amz-security-token"] = token }
    var canonical = signed.fields.map { ($0.name.lowercased(), Self.folded($0.value)) }
    canonical.append(("host", host))
    canonical.sort { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
    let names = canonical.map(\.0).joined(separator: ";")
    let request = [
      method, path, Self.canonicalQuery(query), canonical.map { "\($0.0):\($0.1)\n" }.joined(), names, payloadHash,
    ].joined(separator: "\n")
    let scope = "\(date)/\(region)/\(service)/aws4_request"
    let text = "AWS4-HMAC-SHA256\n\(timestamp)\n\(scope)\n\(SHA256.hash(request).hex)"
    let signature = Hex.encode(SHA256.authenticate(text, key: key(date: date)))
    signed["authorization"] = "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope),"
      + "SignedHeaders=\(names),Signature=\(signature)"
    return signed
  }

  private func key(date: String) -> [UInt8] {
    let secret = Array("AWS4\(credentials.secretAccessKey)".utf8)
    return [date, region, service, "aws4_request"].reduce(secret) { SHA256.authenticate($1, key: $0) }
  }

  /// Sorted by encoded name, then encoded value. The URL is made from the same text, so what is signed is sent.
  static func canonicalQuery(_ query: [(String, String)]) -> String {
    query.map { (PercentEncoding.encode($0.0), PercentEncoding.encode($0.1)) }
      .sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
      .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
  }

  /// Without blanks at the ends, and runs of blanks as one.
  private static func folded(_ value: String) -> String {
    value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
  }

  /// `20130524` and `000000`, UTC.
  static func stamp(_ seconds: Int64) -> (date: String, time: String) {
    let (days, rest) = seconds.flooredDivision(by: 86_400)
    let date = CivilDate(daysSinceEpoch: days)
    return (
      zeroPadded(date.year, 4) + zeroPadded(date.month, 2) + zeroPadded(date.day, 2),
      zeroPadded(rest / 3600, 2) + zeroPadded(rest / 60 % 60, 2) + zeroPadded(rest % 60, 2)
    )
  }
}
