import Core
import HTML
import HTTP

/// What stores over HTTP have in common: requests, names below a prefix, entity tags, and the digest kept with an
/// object.
protocol StoreOverHTTP: ObjectStore, AnyObject {
  var client: HTTPClient { get }
  /// Before every key, without a slash at its end; empty for none.
  var prefix: String { get }
  /// The bucket or container, for people: `bucket souk`.
  var place: String { get }
  /// The header of the SHA-256 that is kept with the object, for a later `head`.
  static var hashHeader: String { get }
  /// Before the name of every note in a header.
  static var notePrefix: String { get }

  /// - Parameters:
  ///   - key: nil: of the bucket or container itself.
  ///   - query: names and values, not encoded.
  ///   - hash: of the body, where the caller knows it.
  func request(
    _ method: String, _ key: String?, query: [(String, String)], headers: HTTPHeaders, body: HTTPRequest.Body,
    hash: SHA256Digest?
  ) async throws -> SignedRequest

  /// The store's error codes; one that is not there goes by its status.
  static var codes: [ObjectStoreError.Kind: Set<String>] { get }
  /// What to do about an error, for people.
  static var advice: [ObjectStoreError.Kind: String] { get }

  /// Asks for an archived object to be readable, as `restore`.
  func askForRestore(_ key: ObjectKey, to tier: String, days: Int) async throws -> Bool
}

/// A request with what proves the right to it.
struct SignedRequest: Sendable {
  var request: HTTPRequest
  /// By the clock of this machine, in seconds since 1970.
  let signedAt = Int(WallClock.seconds())
  /// Asked after the store has refused the credentials: whether others may be had.
  let hasOtherCredentials: @Sendable () async -> Bool

  /// Credentials that were good once are worth another try with new ones.
  func judged(_ error: ObjectStoreError) async -> ObjectStoreError {
    guard error.kind == .badCredentials, await hasOtherCredentials() else { return error }
    return ObjectStoreError(.unavailable, "\(error.message); trying again with new credentials")
  }
}

extension StoreOverHTTP {
  package func close() { client.close() }

  // MARK: - requests

  /// - Parameter timeout: of one request.
  static func limits(_ timeout: Duration) -> HTTPLimits {
    HTTPLimits(
      connectTime: .seconds(5), totalTime: timeout, lowSpeed: 1024, lowSpeedTime: .seconds(20),
      maxBodyBytes: 16 << 20, maxRedirects: 0)
  }

  package func get<T: Sendable>(
    _ key: ObjectKey, _ consume: (ObjectInfo, ObjectReader) async throws -> T
  ) async throws -> T {
    var signed = try await request("GET", key.text, query: [], headers: [:], body: .none, hash: nil)
    signed.request.limits.maxBodyBytes = .max
    let sent = signed
    return try await mappingErrors {
      try await client.stream(sent.request) { head, body in
        guard head.isSuccess else {
          var bytes: [UInt8] = []
          while bytes.count < 64 << 10, let chunk = try await body.next() { bytes += chunk }
          throw await sent.judged(Self.failure(head, bytes, what: "get \(key)", signedAt: sent.signedAt))
        }
        return try await consume(Self.info(key, head), ObjectReader { try await body.next() })
      }
    }
  }

  /// One request whose answer is small; an answer outside 200...299 is thrown.
  /// - Parameter accept: errors whose answer is returned instead.
  func send(
    _ method: String, _ key: String?, query: [(String, String)] = [], headers: HTTPHeaders = [:],
    body: HTTPRequest.Body = .none, hash: SHA256Digest? = nil, accept: (ObjectStoreError.Kind, Int) -> Bool
  ) async throws -> HTTPResponse {
    let signed = try await request(method, key, query: query, headers: headers, body: body, hash: hash)
    let answer = try await mappingErrors { try await client.execute(signed.request) }
    if answer.head.isSuccess { return answer }
    let error = Self.failure(
      answer.head, answer.body, what: "\(method) \(key ?? place)", signedAt: signed.signedAt)
    guard accept(error.kind, answer.status) else { throw await signed.judged(error) }
    return answer
  }

  func send(
    _ method: String, _ key: ObjectKey, query: [(String, String)] = [], headers: HTTPHeaders = [:],
    body: HTTPRequest.Body = .none, hash: SHA256Digest? = nil
  ) async throws -> HTTPResponse {
    try await send(method, key.text, query: query, headers: headers, body: body, hash: hash) { _, _ in false }
  }

  /// Like `send`, for requests that may be repeated without harm: three attempts, a short backoff between.
  func sendRepeatedly(
    _ method: String, _ key: String?, query: [(String, String)] = [], headers: HTTPHeaders = [:],
    body: HTTPRequest.Body = .none, accept: (ObjectStoreError.Kind, Int) -> Bool = { _, _ in false }
  ) async throws -> HTTPResponse {
    try await Backoff(base: .milliseconds(50), cap: .seconds(2)).retry {
      try await send(method, key, query: query, headers: headers, body: body, accept: accept)
    } pause: { failed in
      guard failed.number < 3 else { throw failed.error }
      try await Task.sleep(for: failed.delay)
    }
  }

  /// The store's certificate is the operator's to put right, unlike that of a portal.
  private func mappingErrors<T>(_ body: () async throws -> T) async throws -> T {
    do {
      return try await body()
    } catch let error as HTTPError where error.kind == .certificateRefused {
      throw ObjectStoreError(
        .wrongEndpoint, "the store's certificate is not trusted: \(error.message); --s3-ca-file names its authority")
    }
  }

  // MARK: - errors

  /// The error that an answer tells of.
  /// - Parameter what: what was tried, for people: `PUT files/…`.
  /// - Parameter signedAt: when the request was signed, by the clock of this machine, in seconds since 1970.
  static func failure(
    _ head: HTTPResponseHead, _ body: [UInt8], what: String, signedAt: Int = Int(WallClock.seconds())
  ) -> ObjectStoreError {
    let document = XMLElement(document: body)
    // Azure's header is there also where an answer has no body.
    let code = head.headers["x-ms-error-code"] ?? document?["Code"] ?? ""
    var kind = kind(code: code, status: head.status)
    var text = "\(what): the store answered \(head.status)\(code.isEmpty ? "" : " \(code)")"
    // S3 and Azure refuse a signature that is more than 15 minutes old. A wrong clock is put right while this waits,
    // and nothing is wrong with the settings. An answer to HEAD has no body that says so.
    if kind == .accessDenied || kind == .badCredentials, let sent = head.sentAt {
      let ahead = signedAt - sent
      if abs(ahead) > 15 * 60 {
        kind = .unavailable
        text += "; the clock of this machine was \(abs(ahead)) s \(ahead > 0 ? "ahead of" : "behind") the store's"
      }
    }
    if let advice = advice[kind] { text += "; \(advice)" }
    if kind == .wrongEndpoint, let region = head.headers["x-amz-bucket-region"] ?? document?["Region"] {
      text += " (the bucket is in \(region))"
    }
    return ObjectStoreError(kind, text, retryAfter: head.headers["retry-after"].flatMap { RetryAfter.delay($0) })
  }

  static func kind(code: String, status: Int) -> ObjectStoreError.Kind {
    if let known = codes.first(where: { $0.value.contains(code) }) { return known.key }
    return switch status {
    case 429, 503: .slowDown
    case _ where HTTPError.isTransient(status: status): .unavailable
    case 404: .noSuchKey
    case 401, 403: .accessDenied
    case 300...399: .wrongEndpoint
    case 413: .tooLarge
    case 400...499: .refused
    default: .protocolViolated
    }
  }

  func missing(_ key: ObjectKey) -> ObjectStoreError {
    ObjectStoreError(.noSuchKey, "no object \(key) in \(location)")
  }

  /// Blocks and parts are checked one by one; only this says that together they are the body that was promised.
  static func require(_ found: SHA256Digest, of body: ObjectBody, _ key: ObjectKey) throws(ObjectStoreError) {
    guard found == body.sha256 else {
      throw ObjectStoreError(.damagedInTransit, "the bytes to store as \(key) are not those that were hashed")
    }
  }

  // MARK: - tiers

  package func restore(_ key: ObjectKey, to tier: String, days: Int) async throws -> Bool {
    guard let state = try await state(of: key) else { throw missing(key) }
    return switch state.access {
    case .readable: true
    case .restoring: false
    case .archived: try await askForRestore(key, to: tier, days: days)
    }
  }

  // MARK: - names

  func qualified(_ key: String) -> String {
    prefix.isEmpty ? key : "\(prefix)/\(key)"
  }

  /// The key of a listed name; nil for those of other programs, which are not all keys of ours.
  func key(ofListed name: String) -> ObjectKey? {
    (prefix.isEmpty ? name : name.dropPrefix(prefix + "/")).flatMap { try? ObjectKey($0) }
  }

  // MARK: - headers

  /// The digest and the notes of a new object.
  func headers(describing body: ObjectBody) -> HTTPHeaders {
    var headers: HTTPHeaders = [Self.hashHeader: body.sha256.hex]
    for (name, value) in body.notes { headers[Self.notePrefix + name] = value }
    return headers
  }

  static func info(_ key: ObjectKey, _ head: HTTPResponseHead) -> ObjectInfo {
    ObjectInfo(
      key: key, size: head.contentLength ?? 0, etag: etag(head),
      sha256: head.headers[hashHeader].flatMap(SHA256Digest.init(hex:)))
  }

  /// What the writer noted, its digest apart.
  static func notes(_ head: HTTPResponseHead) -> [String: String] {
    var notes: [String: String] = [:]
    for field in head.headers.fields {
      let name = field.name.lowercased()
      guard name.hasPrefix(notePrefix), name != hashHeader else { continue }
      notes[String(name.dropFirst(notePrefix.count))] = field.value
    }
    return notes
  }

  static func etag(_ head: HTTPResponseHead) -> String? { head.headers["etag"].map(unquoted) }

  static func unquoted(_ text: String) -> String {
    text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 1 ? String(text.dropFirst().dropLast()) : text
  }
}
