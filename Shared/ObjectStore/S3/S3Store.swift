import Core
import HTML
import HTTP

/// A bucket of S3 or of anything that speaks its protocol, over our HTTP client and signatures of our own.
package final class S3Store: StoreOverHTTP {
  package let location: ObjectLocation
  let configuration: S3Configuration
  let client: HTTPClient
  private let now: @Sendable () -> Int64

  static let notePrefix = "x-amz-meta-"
  static let hashHeader = "x-amz-meta-sha256"
  /// Checked by the server against the bytes it received; a signature alone is not, everywhere.
  static let checksumHeader = "x-amz-checksum-sha256"

  /// - Parameters:
  ///   - client: closed by `close()`.
  ///   - now: seconds since 1970, for signatures.
  package init(
    _ configuration: S3Configuration, client: HTTPClient, now: @escaping @Sendable () -> Int64 = WallClock.seconds
  ) throws(ObjectStoreError) {
    let prefix = configuration.prefix
    location = try ObjectLocation("s3://\(configuration.bucket)\(prefix.isEmpty ? "" : "/" + prefix)")
    self.configuration = configuration
    self.client = client
    self.now = now
  }

  var prefix: String { configuration.prefix }
  var place: String { "bucket \(configuration.bucket)" }

  // MARK: - objects

  package func put(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> ObjectInfo {
    if body.length > configuration.multipartThreshold {
      return try await putInParts(body, at: key, contentType: contentType)
    }
    var headers = objectHeaders(contentType, body)
    headers[Self.checksumHeader] = body.sha256.base64
    let payload = body.payload(offset: 0, length: body.length)
    let answer = try await send("PUT", key, headers: headers, body: payload, hash: body.sha256)
    return ObjectInfo(key: key, size: body.length, etag: Self.etag(answer.head), sha256: body.sha256)
  }

  package func head(_ key: ObjectKey) async throws -> ObjectInfo? {
    try await described(key).map { Self.info(key, $0) }
  }

  /// The headers of an object; nil when there is none.
  func described(_ key: ObjectKey) async throws -> HTTPResponseHead? {
    let answer = try await sendRepeatedly("HEAD", key.text, accept: Self.isMissing)
    guard answer.status == 404 else { return answer.head }
    // An answer to HEAD has no body that could say whether the object or the bucket is missing.
    try await check()
    return nil
  }

  static func isMissing(_ kind: ObjectStoreError.Kind, _ status: Int) -> Bool { status == 404 }
  static func isConflict(_ kind: ObjectStoreError.Kind, _ status: Int) -> Bool { status == 409 }

  package func list(prefix: String, from: String?, limit: Int) async throws -> ObjectPage {
    var query = [("list-type", "2"), ("prefix", qualified(prefix)), ("max-keys", "\(limit)")]
    query.append(("encoding-type", "url"))
    if let from { query.append(("continuation-token", from)) }
    let response = try await sendRepeatedly("GET", nil, query: query)
    guard let answer = XMLElement(document: response.body), answer.name == "ListBucketResult" else {
      throw ObjectStoreError(.protocolViolated, "the list of objects is not the XML that S3 sends")
    }
    return try page(answer)
  }

  /// - Parameter answer: the outermost element of a list; elements it does not know are ignored.
  func page(_ answer: XMLElement) throws(ObjectStoreError) -> ObjectPage {
    var objects: [ObjectInfo] = []
    for object in answer.children where object.name == "Contents" {
      // Form encoding: a blank comes as `+`, and a plus always as `%2B`.
      guard let name = PercentEncoding.decode(String((object["Key"] ?? "").map { $0 == "+" ? " " : $0 })),
        let size = Int(object["Size"] ?? "0"), size >= 0
      else { throw ObjectStoreError(.protocolViolated, "the list of objects holds a key or a size that is none") }
      guard let key = key(ofListed: name) else { continue }
      objects.append(ObjectInfo(key: key, size: size, etag: object["ETag"].map(Self.unquoted)))
    }
    return ObjectPage(
      objects: objects, next: answer["IsTruncated"] == "true" ? answer["NextContinuationToken"] : nil)
  }

  package func delete(_ key: ObjectKey) async throws {
    _ = try await sendRepeatedly("DELETE", key.text, accept: Self.isMissing)
  }

  // MARK: - the bucket

  package func check() async throws {
    let answer = try await sendRepeatedly("HEAD", nil, accept: Self.isMissing)
    guard answer.status != 404 else { throw noSuchBucket }
    guard configuration.lock != nil else { return }
    let lock = try await sendRepeatedly("GET", nil, query: [("object-lock", "")], accept: Self.isMissing)
    guard lock.status != 404 else {
      throw ObjectStoreError(
        .invalidSetting,
        "--object-lock: the bucket '\(configuration.bucket)' has no Object Lock; turn it on, or name a bucket that is "
          + "not there yet")
    }
  }

  package func prepare() async throws {
    let answer = try await sendRepeatedly("HEAD", nil, accept: Self.isMissing)
    guard answer.status == 404 else { return try await check() }
    var body = HTTPRequest.Body.none
    if configuration.region != "us-east-1", configuration.endpoint == nil {
      body = .bytes(Array("""
        <CreateBucketConfiguration><LocationConstraint>\(configuration.region)</LocationConstraint>\
        </CreateBucketConfiguration>
        """.utf8))
    }
    // 409: it exists already, or another process makes it at the same moment.
    let headers: HTTPHeaders = configuration.lock == nil ? [:] : ["x-amz-bucket-object-lock-enabled": "true"]
    let made = try await sendRepeatedly("PUT", nil, headers: headers, body: body, accept: Self.isConflict)
    if made.status == 409 { try await check() }
  }

  private var noSuchBucket: ObjectStoreError {
    ObjectStoreError(
      .noSuchBucket, "there is no bucket '\(configuration.bucket)'; create it or correct --object-store")
  }

  // MARK: - requests

  /// What is sent along with every new object.
  func objectHeaders(_ contentType: String, _ body: ObjectBody) -> HTTPHeaders {
    var headers = headers(describing: body)
    headers["content-type"] = contentType
    for field in configuration.objectHeaders.fields { headers[field.name] = field.value }
    if body.isRecord, let lock = configuration.lock {
      headers["x-amz-object-lock-mode"] = "COMPLIANCE"
      headers["x-amz-object-lock-retain-until-date"] =
        RFC3339.text(ns: (now() + lock.components.seconds) * 1_000_000_000, digits: 0)
    }
    return headers
  }

  func request(
    _ method: String, _ key: String?, query: [(String, String)], headers: HTTPHeaders, body: HTTPRequest.Body,
    hash: SHA256Digest?
  ) async throws -> SignedRequest {
    var bytes: [UInt8] = []
    if case .bytes(let known) = body { bytes = known }
    let hash = hash ?? SHA256.hash(bytes)
    let provider = configuration.credentials
    let credentials = try await provider.current()
    let url = try configuration.url(key: key.map(qualified), query: query)
    let signed = SigV4(credentials: credentials, region: configuration.region).sign(
      method: method, host: url.hostHeader, path: url.path, query: query, headers: headers, payloadHash: hash.hex,
      at: now())
    let request = HTTPRequest(method, url, headers: signed, body: body, limits: Self.limits(configuration.timeout))
    return SignedRequest(request: request) { await provider.refused(credentials) }
  }
}
