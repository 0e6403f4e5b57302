import Core
import HTML
import HTTP

/// A container of Azure Blob Storage, or of anything that speaks its protocol. Objects are block blobs.
package final class AzureStore: StoreOverHTTP {
  package let location: ObjectLocation
  let configuration: AzureConfiguration
  let client: HTTPClient
  private let now: @Sendable () -> Int64

  static let notePrefix = "x-ms-meta-"
  static let hashHeader = "x-ms-meta-sha256"

  /// - Parameters:
  ///   - client: closed by `close()`.
  ///   - now: seconds since 1970, for signatures.
  package init(
    _ configuration: AzureConfiguration, client: HTTPClient, now: @escaping @Sendable () -> Int64 = WallClock.seconds
  ) throws(ObjectStoreError) {
    let prefix = configuration.prefix
    location = try ObjectLocation("az://\(configuration.container)\(prefix.isEmpty ? "" : "/" + prefix)")
    self.configuration = configuration
    self.client = client
    self.now = now
  }

  var prefix: String { configuration.prefix }
  var place: String { "container \(configuration.container)" }

  // MARK: - objects

  package func put(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> ObjectInfo {
    do {
      let etag = body.length > configuration.blockThreshold
        ? try await putInBlocks(body, at: key, contentType: contentType)
        : try await putAtOnce(body, at: key, contentType: contentType)
      return ObjectInfo(key: key, size: body.length, etag: etag, sha256: body.sha256)
    } catch let error as ObjectStoreError where configuration.createsOnce && error.kind == .exists {
      guard let known = try await head(key), known.size == body.length, known.sha256 == body.sha256 else {
        throw ObjectStoreError(
          .exists, "\(key) is already stored with other bytes, and --azure-create-once replaces no blob")
      }
      return known
    }
  }

  private func putAtOnce(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> String? {
    // The server checks the MD5 only, so the bytes of a file are held against their SHA-256 here.
    var md5 = MD5()
    var sha256 = SHA256()
    try body.read(offset: 0, length: body.length) { piece in
      md5.update(piece)
      sha256.update(piece)
    }
    try Self.require(sha256.finish(), of: body, key)
    var headers = blobHeaders(body)
    headers["x-ms-blob-type"] = "BlockBlob"
    headers["content-type"] = contentType
    headers["content-md5"] = Base64.encode(md5.finish())
    let payload = body.payload(offset: 0, length: body.length)
    return Self.etag(try await send("PUT", key, headers: headers, body: payload).head)
  }

  /// What is said of a blob when it is made, whole or from its blocks.
  func blobHeaders(_ body: ObjectBody) -> HTTPHeaders {
    var headers = headers(describing: body)
    if let tier = configuration.tier { headers["x-ms-access-tier"] = tier }
    if configuration.createsOnce { headers["if-none-match"] = "*" }
    if body.isRecord, let lock = configuration.lock {
      headers["x-ms-immutability-policy-mode"] = "locked"
      headers["x-ms-immutability-policy-until-date"] = CivilDate.httpText(now() + lock.components.seconds)
    }
    return headers
  }

  package func head(_ key: ObjectKey) async throws -> ObjectInfo? {
    let answer = try await sendRepeatedly("HEAD", key.text, accept: Self.isMissing)
    return answer.head.isSuccess ? Self.info(key, answer.head) : nil
  }

  static func isMissing(_ kind: ObjectStoreError.Kind, _ status: Int) -> Bool { kind == .noSuchKey }

  package func list(prefix: String, from: String?, limit: Int) async throws -> ObjectPage {
    var query = [
      ("restype", "container"), ("comp", "list"), ("prefix", qualified(prefix)), ("maxresults", "\(limit)"),
    ]
    if let from { query.append(("marker", from)) }
    let response = try await sendRepeatedly("GET", nil, query: query)
    guard let page = XMLElement(document: response.body), page.name == "EnumerationResults" else {
      throw ObjectStoreError(.protocolViolated, "the list of blobs is not the XML that Azure sends")
    }
    var objects: [ObjectInfo] = []
    for blob in page.child("Blobs")?.children ?? [] where blob.name == "Blob" {
      let properties = blob.child("Properties")
      guard let size = Int(properties?["Content-Length"] ?? "0"), size >= 0 else {
        throw ObjectStoreError(.protocolViolated, "the list of blobs holds a size that is none")
      }
      // Accounts with a hierarchical namespace list folders too.
      guard properties?["ResourceType"] != "directory", let key = key(ofListed: blob["Name"] ?? "") else { continue }
      objects.append(ObjectInfo(key: key, size: size, etag: properties?["Etag"].map(Self.unquoted)))
    }
    return ObjectPage(objects: objects, next: page["NextMarker"].flatMap { $0.isEmpty ? nil : $0 })
  }

  package func delete(_ key: ObjectKey) async throws {
    _ = try await sendRepeatedly("DELETE", key.text, accept: Self.isMissing)
  }

  // MARK: - the container

  /// Lists one blob: a signature for one container gives no right to ask for the container's properties.
  package func check() async throws { _ = try await list(prefix: "", from: nil, limit: 1) }

  package func prepare() async throws {
    do {
      try await check()
    } catch let error as ObjectStoreError where error.kind == .noSuchBucket {
      // Another process may make it at the same moment.
      _ = try await sendRepeatedly("PUT", nil, query: [("restype", "container")], body: .bytes([])) { kind, _ in
        kind == .exists
      }
    }
  }

  // MARK: - requests

  func request(
    _ method: String, _ key: String?, query: [(String, String)], headers: HTTPHeaders, body: HTTPRequest.Body,
    hash: SHA256Digest?
  ) async throws -> SignedRequest {
    let url = try configuration.url(key: key.map(qualified), query: query)
    var signed = headers
    var hasOther: @Sendable () async -> Bool = { false }
    switch configuration.credential {
    case .key(let secret):
      signed = SharedKey.sign(
        method: method, account: configuration.account, key: secret, path: url.path, query: query, headers: headers,
        length: body.length, at: now())
    case .sas: signed["x-ms-version"] = SharedKey.version
    case .identity(let identity):
      let token = try await identity.token(by: client)
      signed["x-ms-version"] = SharedKey.version
      signed["authorization"] = "Bearer \(token)"
      hasOther = { await identity.refused(token) }
    }
    let request = HTTPRequest(method, url, headers: signed, body: body, limits: Self.limits(configuration.timeout))
    return SignedRequest(request: request, hasOtherCredentials: hasOther)
  }
}

extension AzureStore {
  /// The size of each block: the configured one, or what keeps their number within 50,000.
  static func blockBytes(length: Int, configured: Int) -> Int { max(configured, (length + 49_999) / 50_000) }

  /// Sends the blocks one after the other, then the list that makes them a blob. Blocks that no list names are
  /// invisible, and Azure removes them after a week.
  private func putInBlocks(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> String? {
    let size = Self.blockBytes(length: body.length, configured: configuration.blockBytes)
    // Another writer of the same key has blocks of other names. All names of a blob are equally long.
    let upload = zeroPadded(UInt32.random(in: .min ... .max), 10)
    var wholeMD5 = MD5()
    var whole = SHA256()
    var list = ""
    for (index, offset) in stride(from: 0, to: body.length, by: size).enumerated() {
      let length = min(size, body.length - offset)
      var md5 = MD5()
      try body.read(offset: offset, length: length) { piece in
        md5.update(piece)
        wholeMD5.update(piece)
        whole.update(piece)
      }
      let name = Base64.encode(Array("\(upload)-\(zeroPadded(index, 6))".utf8))
      _ = try await send(
        "PUT", key, query: [("comp", "block"), ("blockid", name)],
        headers: ["content-md5": Base64.encode(md5.finish())], body: body.payload(offset: offset, length: length))
      list += "<Latest>\(name)</Latest>"
    }
    try Self.require(whole.finish(), of: body, key)
    var headers = blobHeaders(body)
    headers["x-ms-blob-content-type"] = contentType
    headers["x-ms-blob-content-md5"] = Base64.encode(wholeMD5.finish())
    headers["content-type"] = "application/xml"
    let document = Array("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>\(list)</BlockList>".utf8)
    return Self.etag(try await send(
      "PUT", key, query: [("comp", "blocklist")], headers: headers, body: .bytes(document)).head)
  }
}

/// Access tiers (learn.microsoft.com/rest/api/storageservices/set-blob-tier and .../blobs/archive-rehydrate-overview).
extension AzureStore {
  package func state(of key: ObjectKey) async throws -> ObjectState? {
    let answer = try await sendRepeatedly("HEAD", key.text, accept: Self.isMissing)
    guard answer.head.isSuccess else { return nil }
    var state = ObjectState(info: Self.info(key, answer.head))
    state.tier = answer.head.headers["x-ms-access-tier"]
    state.notes = Self.notes(answer.head)
    if answer.head.headers["x-ms-archive-status"]?.hasPrefix("rehydrate-pending") == true {
      state.access = .restoring
    } else if state.tier == "Archive" {
      state.access = .archived
    }
    return state
  }

  package func move(_ key: ObjectKey, to tier: String) async throws {
    let state = try await state(of: key)
    guard state?.tier != tier || state?.access == .restoring else { return }
    // Out of the archive, or while a blob comes out of it, this is a restore.
    if let state, state.access != .readable {
      throw ObjectStoreError(.archived, "\(key) is in the archive and has to be restored before it is moved")
    }
    try await setTier(key, to: tier, [:])
  }

  private func setTier(_ key: ObjectKey, to tier: String, _ headers: HTTPHeaders) async throws {
    var headers = headers
    headers["x-ms-access-tier"] = tier
    // 200: done; 202: it takes hours. A second request for the tier that a blob is already on its way to is a conflict.
    _ = try await sendRepeatedly("PUT", key.text, query: [("comp", "tier")], headers: headers, body: .bytes([])) {
      kind, _ in kind == .archived
    }
  }

  func askForRestore(_ key: ObjectKey, to tier: String, days: Int) async throws -> Bool {
    try await setTier(key, to: tier, ["x-ms-rehydrate-priority": "Standard"])
    return false
  }

  /// Tries it on a blob that there is not: an account with tiers misses the blob.
  package func abilities(of tier: String) async throws -> TierAbilities {
    let nothing = try ObjectKey("souk-probe-of-tiers-\(UInt64.random(in: 0 ... .max))")
    do {
      try await setTier(nothing, to: tier, [:])
    } catch let error as ObjectStoreError where error.kind == .noSuchKey {
      return TierAbilities(moves: true, restores: true)
    } catch let error as ObjectStoreError where [.refused, .exists, .tiersUnsupported].contains(error.kind) {
      return TierAbilities(moves: false, restores: false, reason: error.message)
    }
    return TierAbilities(moves: true, restores: true)
  }
}

/// Azure's error codes (learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and
/// common-rest-api-error-codes).
extension AzureStore {
  static let codes: [ObjectStoreError.Kind: Set<String>] = [
    .slowDown: ["ServerBusy"],
    .unavailable: ["InternalError", "OperationTimedOut", "ContainerBeingDeleted", "AccountBeingCreated"],
    .damagedInTransit: ["Md5Mismatch", "Crc64Mismatch"],
    .noSuchKey: ["BlobNotFound"],
    .noSuchBucket: ["ContainerNotFound", "ContainerDisabled"],
    .exists: ["BlobAlreadyExists", "ContainerAlreadyExists"],
    .archived: ["BlobArchived", "BlobBeingRehydrated"],
    .tooLarge: ["RequestBodyTooLarge", "BlockCountExceedsLimit", "BlockListTooLong"],
    .invalidKey: ["InvalidUri", "OutOfRangeInput", "InvalidResourceName"],
    .tiersUnsupported: [
      "FeatureNotSupported", "AccessTierNotSupported", "InvalidBlobTier", "BlobAccessTierNotSupportedForAccountType",
    ],
    .badCredentials: ["AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"],
    .accessDenied: [
      "AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationProtocolMismatch",
      "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch", "AuthorizationSourceIPMismatch",
      "InsufficientAccountPermissions", "AccountIsDisabled", "KeyBasedAuthenticationNotPermitted",
      "BlobImmutableDueToPolicy", "PublicAccessNotPermitted",
    ],
    .wrongEndpoint: ["ResourceTypeMismatch", "ResourceNotFound", "AccountRequiresHttps", "UnsupportedHttpVerb"],
  ]
  static let advice: [ObjectStoreError.Kind: String] = [
    .badCredentials: "check the account, its key or signature, and the machine's clock",
    .accessDenied: "the key or signature gives no right to this",
    .noSuchBucket: "create the container or correct --object-store",
    .wrongEndpoint: "correct --azure-storage-account or --azure-storage-service-endpoint",
    .tiersUnsupported: "this account does not have that tier",
    .archived: "the blob is archived and has to be rehydrated before it can be read",
  ]
}
