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

/// S3's error codes (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
extension S3Store {
  static let codes: [ObjectStoreError.Kind: Set<String>] = [
    .slowDown: ["SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded"],
    .unavailable: ["InternalError", "ServiceUnavailable", "OperationAborted", "RequestTimeout", "NoSuchUpload",
      "RequestTimeTooSkewed"],
    .damagedInTransit: ["BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest", "IncompleteBody"],
    .noSuchKey: ["NoSuchKey"],
    .archived: ["InvalidObjectState"],
    .tiersUnsupported: ["InvalidStorageClass", "NotImplemented", "MethodNotAllowed"],
    .noSuchBucket: ["NoSuchBucket"],
    .tooLarge: ["EntityTooLarge", "MaxMessageLengthExceeded"],
    .invalidKey: ["KeyTooLongError", "InvalidURI"],
    .accessDenied: ["AccessDenied", "AllAccessDisabled", "AccountProblem"],
    .badCredentials: [
      "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "InvalidSecurity",
      "NotSignedUp", "MissingSecurityHeader",
    ],
    .wrongEndpoint: [
      "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "InvalidBucketName",
      "IllegalLocationConstraintException",
    ],
  ]
  static let advice: [ObjectStoreError.Kind: String] = [
    .badCredentials: "check the access key, the secret and the machine's clock",
    .accessDenied: "access is denied: check the access key and its policy",
    .archived: "the object is archived and has to be restored before it can be read",
    .tiersUnsupported: "this store does not do that",
    .noSuchBucket: "create the bucket or correct --object-store",
    .wrongEndpoint: "correct --aws-region or --s3-endpoint",
  ]
}

extension S3Store {
  /// The size of each part: the configured one, or what keeps their number within S3's 10,000.
  static func partBytes(length: Int, configured: Int) -> Int {
    max(configured, 5 << 20, (length + 9_999) / 10_000)
  }

  /// A multipart upload, one hashed part after the other. What fails is taken back, so that no half upload is
  /// paid for; the object appears only when it is complete.
  func putInParts(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> ObjectInfo {
    var headers = objectHeaders(contentType, body)
    headers["x-amz-checksum-algorithm"] = "SHA256"
    let begun = try await send("POST", key, query: [("uploads", "")], headers: headers)
    guard let upload = XMLElement(document: begun.body)?["UploadId"], !upload.isEmpty else {
      throw ObjectStoreError(.protocolViolated, "the store began a multipart upload without an id")
    }
    do {
      let etag = try await sendParts(body, at: key, upload: upload)
      return ObjectInfo(key: key, size: body.length, etag: etag, sha256: body.sha256)
    } catch {
      // In a task of its own: when this one is cancelled, the parts have to go all the same.
      await Task {
        _ = try? await sendRepeatedly("DELETE", key.text, query: [("uploadId", upload)], accept: Self.isMissing)
      }.value
      throw error
    }
  }

  private func sendParts(_ body: ObjectBody, at key: ObjectKey, upload: String) async throws -> String? {
    let size = Self.partBytes(length: body.length, configured: configuration.partBytes)
    var whole = SHA256()
    var list = ""
    for (index, offset) in stride(from: 0, to: body.length, by: size).enumerated() {
      let length = min(size, body.length - offset)
      // A part of a file is read twice, in small pieces, and never held: many large files may be on their way.
      var part = SHA256()
      try body.read(offset: offset, length: length) { piece in
        part.update(piece)
        whole.update(piece)
      }
      let (hash, payload) = (part.finish(), body.payload(offset: offset, length: length))
      let answer = try await send(
        "PUT", key, query: [("partNumber", "\(index + 1)"), ("uploadId", upload)],
        headers: [Self.checksumHeader: hash.base64], body: payload, hash: hash)
      guard let etag = answer.headers["etag"] else {
        throw ObjectStoreError(.protocolViolated, "the store took a part without giving its ETag")
      }
      let escaped = etag.split(separator: "\"").joined()
      list += "<Part><ChecksumSHA256>\(hash.base64)</ChecksumSHA256><ETag>\(escaped)</ETag>"
        + "<PartNumber>\(index + 1)</PartNumber></Part>"
    }
    try Self.require(whole.finish(), of: body, key)
    let document = Array("<CompleteMultipartUpload>\(list)</CompleteMultipartUpload>".utf8)
    let answer = try await send(
      "POST", key, query: [("uploadId", upload)], headers: ["content-type": "application/xml"],
      body: .bytes(document))
    return try Self.result(answer, what: "complete \(key)")["ETag"].map(Self.unquoted)
  }

  /// The document in an answer of 200.
  /// - Throws: S3 may answer 200 first and find out later that it failed: the error is then in the body.
  static func result(_ answer: HTTPResponse, what: String) throws(ObjectStoreError) -> XMLElement {
    let document = XMLElement(document: answer.body)
    if let document, document.name != "Error" { return document }
    var head = answer.head
    head.status = 500
    throw failure(head, answer.body, what: what)
  }
}
