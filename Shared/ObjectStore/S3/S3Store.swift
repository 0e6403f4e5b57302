import Core
import Glibc
import HTTP

/// A bucket of S3 or of anything that speaks its protocol, over our HTTP client and signatures of our own.
package final class S3Store: ObjectStore, StoreOverHTTP {
  package let location: ObjectLocation
  let configuration: S3Configuration
  private let client: HTTPClient
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

  package func close() { client.close() }

  var prefix: String { configuration.prefix }

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

  package func get<T: Sendable>(
    _ key: ObjectKey, _ consume: (ObjectInfo, ObjectReader) async throws -> T
  ) async throws -> T {
    try await read(key, [:]) { head, reader in try await consume(Self.info(key, head), reader) }
  }

  package func get<T: Sendable>(
    _ key: ObjectKey, bytes range: Range<Int>, _ consume: (ObjectReader) async throws -> T
  ) async throws -> T {
    try await read(key, ["range": try Self.header(of: range, key)]) { _, reader in try await consume(reader) }
  }

  private func read<T: Sendable>(
    _ key: ObjectKey, _ headers: HTTPHeaders, _ consume: (HTTPResponseHead, ObjectReader) async throws -> T
  ) async throws -> T {
    let credentials = try await configuration.credentials.current()
    var request = try request(
      "GET", key.text, query: [], headers: headers, body: .none, hash: Self.emptyHash, as: credentials)
    request.limits.maxBodyBytes = .max
    let signed = request
    return try await mappingErrors {
      try await client.stream(signed) { head, body in
        guard head.isSuccess else {
          throw try await self.judged(self.failure(head, body, what: "get \(key)"), credentials)
        }
        try Self.requireRange(head, asked: headers["range"] != nil, key)
        return try await consume(head, ObjectReader { try await body.next() })
      }
    }
  }

  package func head(_ key: ObjectKey) async throws -> ObjectInfo? {
    let answer = try await sendRepeatedly("HEAD", key.text, accepting: [404])
    if answer.status == 404 {
      // An answer to HEAD has no body that could say which of the two is missing.
      try await check()
      return nil
    }
    return Self.info(key, answer.head)
  }

  package func list(prefix: String, from: String?, limit: Int) async throws -> ObjectPage {
    var query = [("list-type", "2"), ("prefix", qualified(prefix)), ("max-keys", "\(limit)")]
    query.append(("encoding-type", "url"))
    if let from { query.append(("continuation-token", from)) }
    let response = try await sendRepeatedly("GET", nil, query: query)
    guard let answer = S3Answer(response.body), answer.root == "ListBucketResult" else {
      throw ObjectStoreError(.protocolViolated, "the list of objects is not the XML that S3 sends")
    }
    let objects = try answer.objects.compactMap { object -> ObjectInfo? in
      // Form encoding: a blank comes as `+`, and a plus always as `%2B`.
      guard let name = PercentEncoding.decode(String(object.key.map { $0 == "+" ? " " : $0 })) else {
        throw ObjectStoreError(.protocolViolated, "the list of objects holds a key that is not URL-encoded")
      }
      // Another program's folder marks (`a/`) are not keys of ours.
      guard let own = unqualified(name), let key = try? ObjectKey(own) else { return nil }
      return ObjectInfo(key: key, size: object.size, etag: object.etag.map(Self.unquoted))
    }
    return ObjectPage(objects: objects, next: answer.isTruncated ? answer.nextToken : nil)
  }

  package func delete(_ key: ObjectKey) async throws {
    _ = try await sendRepeatedly("DELETE", key.text, accepting: [404])
  }

  // MARK: - the bucket

  package func check() async throws {
    let answer = try await sendRepeatedly("HEAD", nil, accepting: [404])
    guard answer.status != 404 else { throw noSuchBucket }
  }

  package func prepare() async throws {
    let answer = try await sendRepeatedly("HEAD", nil, accepting: [404])
    guard answer.status == 404 else { return }
    var body: [UInt8] = []
    if configuration.region != "us-east-1", configuration.endpoint == nil {
      body = Array("""
        <CreateBucketConfiguration><LocationConstraint>\(configuration.region)</LocationConstraint>\
        </CreateBucketConfiguration>
        """.utf8)
    }
    // 409: it exists already, or another process makes it at the same moment.
    let made = try await sendRepeatedly("PUT", nil, body: body, accepting: [409])
    if made.status == 409 { try await check() }
  }

  private var noSuchBucket: ObjectStoreError {
    ObjectStoreError(
      .noSuchBucket, "there is no bucket '\(configuration.bucket)'; create it or correct --object-store")
  }

  // MARK: - requests

  static let emptyHash = SHA256.hash([])

  /// One signed request whose answer is small; an answer outside 200...299 is thrown.
  func send(
    _ method: String, _ key: ObjectKey, query: [(String, String)] = [], headers: HTTPHeaders = [:],
    body: HTTPRequest.Body = .none, hash: SHA256Digest = S3Store.emptyHash
  ) async throws -> HTTPResponse {
    try await collect(
      method, key.text, query: query, headers: headers, body: body, hash: hash, what: "\(method) \(key)",
      accepting: [])
  }

  /// What is sent along with every new object.
  func objectHeaders(_ contentType: String, _ body: ObjectBody) -> HTTPHeaders {
    var headers: HTTPHeaders = ["content-type": contentType, Self.hashHeader: body.sha256.hex]
    for (name, value) in body.notes { headers[Self.notePrefix + name] = value }
    for field in configuration.objectHeaders.fields { headers[field.name] = field.value }
    return headers
  }

  /// Like `send`, for requests that may be repeated without harm: three attempts, a short back-off between.
  func sendRepeatedly(
    _ method: String, _ key: String?, query: [(String, String)] = [], body: [UInt8] = [], accepting: Set<Int> = []
  ) async throws -> HTTPResponse {
    try await Backoff(base: .milliseconds(50), cap: .seconds(2)).retry {
      try await collect(
        method, key, query: query, headers: [:], body: body.isEmpty ? .none : .bytes(body), hash: SHA256.hash(body),
        what: "\(method) \(key ?? "bucket \(configuration.bucket)")", accepting: accepting)
    } pause: { failed in
      guard failed.number < 3 else { throw failed.error }
      try await Task.sleep(for: failed.delay)
    }
  }

  private func request(
    _ method: String, _ key: String?, query: [(String, String)], headers: HTTPHeaders, body: HTTPRequest.Body,
    hash: SHA256Digest, as credentials: S3Credentials
  ) throws -> HTTPRequest {
    let url = try configuration.url(key: key.map(qualified), query: query)
    let signed = SigV4(credentials: credentials, region: configuration.region).sign(
      method: method, host: url.hostHeader, path: url.path, query: query, headers: headers, payloadHash: hash.hex,
      at: now())
    return HTTPRequest(method, url, headers: signed, body: body, limits: configuration.limits)
  }

  private func collect(
    _ method: String, _ key: String?, query: [(String, String)], headers: HTTPHeaders, body: HTTPRequest.Body,
    hash: SHA256Digest, what: String, accepting: Set<Int>
  ) async throws -> HTTPResponse {
    let credentials = try await configuration.credentials.current()
    let request = try request(
      method, key, query: query, headers: headers, body: body, hash: hash, as: credentials)
    let answer = try await mappingErrors { try await client.execute(request) }
    guard answer.head.isSuccess || accepting.contains(answer.status) else {
      throw await judged(ObjectStoreError(s3: S3Answer(answer.body), head: answer.head, what: what), credentials)
    }
    return answer
  }

  /// Credentials that were good once are worth another try with new ones.
  private func judged(_ error: ObjectStoreError, _ credentials: S3Credentials) async -> ObjectStoreError {
    guard error.kind == .badCredentials, await configuration.credentials.refused(credentials) else { return error }
    return ObjectStoreError(.unavailable, "\(error.message); trying again with new credentials")
  }

  private func failure(_ head: HTTPResponseHead, _ body: HTTPBody, what: String) async throws -> ObjectStoreError {
    var bytes: [UInt8] = []
    while bytes.count < 64 << 10, let chunk = try await body.next() { bytes += chunk }
    return ObjectStoreError(s3: S3Answer(bytes), head: head, what: what)
  }
}
