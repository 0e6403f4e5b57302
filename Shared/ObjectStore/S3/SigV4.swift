import Core
import HTTP

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
