import Core
import Glibc
import HTTP

/// A place for immutable files: a bucket or a folder. Keys are relative to `location`.
///
/// Every method throws `ObjectStoreError`, `HTTPError` or `CancellationError`. Large transfers are tried once,
/// because only the caller knows when to give way; small idempotent requests are tried a few times.
package protocol ObjectStore: Sendable {
  var location: ObjectLocation { get }

  /// Stores the whole body under `key` or nothing; an object of that name is replaced.
  /// - Throws: `.damagedInTransit` when the bytes do not have the body's SHA-256.
  func put(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> ObjectInfo

  /// Hands the object to `consume` piece by piece, in bounded memory; what is not read is given up.
  /// - Throws: `.noSuchKey`, `.truncated`, what `consume` throws.
  func get<T: Sendable>(
    _ key: ObjectKey, _ consume: (ObjectInfo, ObjectReader) async throws -> T
  ) async throws -> T

  /// Nil when there is no such object (and the bucket exists).
  func head(_ key: ObjectKey) async throws -> ObjectInfo?

  /// Objects whose key begins with `prefix`, at most `limit` (1...1000) of them, from the page mark `from` on.
  func list(prefix: String, from: String?, limit: Int) async throws -> ObjectPage

  /// An object that does not exist is deleted already.
  func delete(_ key: ObjectKey) async throws

  /// What the store says of an object besides: its tier, whether it can be read, and its notes. Nil when there is none.
  func state(of key: ObjectKey) async throws -> ObjectState?

  /// Moves an object to another tier, its bytes and its name unchanged.
  /// - Throws: `.tiersUnsupported` where the store has none, `.archived` for an object that has to be restored first.
  func move(_ key: ObjectKey, to tier: String) async throws

  /// Asks for an archived object to be readable.
  /// - Parameters:
  ///   - tier: where Azure puts it; S3 keeps a readable copy instead.
  ///   - days: how long S3 keeps that copy.
  /// - Returns: whether it can be read now; otherwise `state(of:)` will say so, hours later.
  func restore(_ key: ObjectKey, to tier: String, days: Int) async throws -> Bool

  /// Whether the store can do the two to objects of this tier. Changes nothing.
  func abilities(of tier: String) async throws -> TierAbilities

  /// Proves that the store can be reached and is the operator's: for `--check` and readiness.
  func check() async throws

  /// Makes the bucket or folder if it is missing.
  func prepare() async throws

  /// Ends what the store holds open; calls after it fail.
  func close()
}

extension ObjectStore {
  /// The object that a message's URL names.
  /// - Throws: `.outsideStore` when it is not inside this store.
  package func get<T: Sendable>(
    url: String, _ consume: (ObjectInfo, ObjectReader) async throws -> T
  ) async throws -> T {
    try await get(location.key(of: url), consume)
  }

  /// The whole object in memory.
  /// - Throws: `.tooLarge` above `limit` bytes.
  package func bytes(of key: ObjectKey, limit: Int) async throws -> [UInt8] {
    try await get(key) { info, reader in
      guard info.size <= limit else {
        throw ObjectStoreError(.tooLarge, "the object is \(info.size) bytes, the limit \(limit): \(key)")
      }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(info.size)
      while let chunk = try await reader.next() { bytes += chunk }
      return bytes
    }
  }
}

/// The bytes of one object as they arrive.
package struct ObjectReader: Sendable {
  private let read: @Sendable () async throws -> [UInt8]?

  package init(_ read: @escaping @Sendable () async throws -> [UInt8]?) { self.read = read }

  /// The next piece, never empty; nil at the end.
  package func next() async throws -> [UInt8]? { try await read() }
}

/// Bytes to store, with their length and hash known beforehand: the hash is signed, sent along and checked.
package struct ObjectBody: Sendable {
  package enum Source: Sendable {
    case bytes([UInt8])
    /// From the start of an open file, read with `pread`; it has to stay open until the call returns.
    case file(descriptor: Int32)
  }
  package let source: Source
  /// Bytes.
  package let length: Int
  package let sha256: SHA256Digest
  /// Kept with the object where the store can (a folder cannot), by names of lower-case letters and values of ASCII.
  package var notes: [String: String] = [:]
  /// Nothing replaces or deletes it before its time is over, where the store is set to lock such objects: one that is
  /// never written again.
  package var isRecord = false

  package init(_ bytes: [UInt8]) {
    source = .bytes(bytes)
    length = bytes.count
    sha256 = SHA256.hash(bytes)
  }

  package init(descriptor: Int32, length: Int, sha256: SHA256Digest) {
    source = .file(descriptor: descriptor)
    self.length = length
    self.sha256 = sha256
  }
}

/// What a store knows about one object.
package struct ObjectInfo: Sendable, Hashable {
  package var key: ObjectKey
  /// Bytes.
  package var size: Int
  /// The store's own version mark, without quotes; not always an MD5. Nil for a folder.
  package var etag: String?
  /// The hash that the writer gave along; nil when another program wrote the object, in listings, and for a folder.
  package var sha256: SHA256Digest?
}

/// One page of a listing, in the byte order of the keys.
package struct ObjectPage: Sendable {
  package var objects: [ObjectInfo]
  /// Give this to the next call; nil on the last page.
  package var next: String?
}

extension ObjectBody {
  /// Hands a part to `take` in pieces; of a file no more than one piece is held.
  func read(offset: Int, length: Int, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
    switch source {
    case .bytes(let bytes):
      try bytes.withUnsafeBytes { try take(UnsafeRawBufferPointer(rebasing: $0[offset..<offset + length])) }
    case .file(let descriptor):
      var chunk = [UInt8](repeating: 0, count: 128 << 10)
      var position = offset
      while position < offset + length {
        let read = pread(descriptor, &chunk, min(chunk.count, offset + length - position), off_t(position))
        if read < 0, errno == EINTR { continue }
        guard read >= 0 else { throw FileTree.failure("cannot read the file that is being stored") }
        guard read > 0 else {
          throw ObjectStoreError(.damagedInTransit, "the file that is being stored has become shorter")
        }
        try chunk.withUnsafeBytes { try take(UnsafeRawBufferPointer(rebasing: $0[..<read])) }
        position += read
      }
    }
  }

  /// A part as the body of a request.
  func payload(offset: Int, length: Int) -> HTTPRequest.Body {
    switch source {
    case .bytes(let bytes): length == bytes.count ? .bytes(bytes) : .bytes(Array(bytes[offset..<offset + length]))
    case .file(let descriptor): .file(descriptor: descriptor, offset: offset, length: length)
    }
  }
}

/// A failure of an object store. Errors of the connection (sockets, timeouts) stay `HTTPError`s, except refused
/// certificates, which here are errors of the configuration.
package typealias ObjectStoreError = CodedError<ObjectStoreErrorKind>

package enum ObjectStoreErrorKind: String, ErrorKind {
  // transient
  case slowDown = "store_busy"
  case unavailable = "store_unavailable"
  case damagedInTransit = "store_body_damaged"
  case truncated = "store_body_truncated"
  case diskFull = "store_full"
  // data
  case noSuchKey = "object_not_found"
  case invalidKey = "object_key_invalid"
  case outsideStore = "object_outside_store"
  case tooLarge = "object_too_large"
  case refused = "store_refused_request"
  case archived = "object_archived"
  case exists = "object_exists"
  // configuration
  case noSuchBucket = "bucket_not_found"
  case accessDenied = "store_access_denied"
  case badCredentials = "store_credentials_refused"
  case wrongEndpoint = "store_endpoint_wrong"
  case invalidSetting = "invalid_setting"
  case tiersUnsupported = "store_without_tiers"
  // fatal
  case protocolViolated = "store_answer_unreadable"
  case inputOutput = "store_io_failed"

  package var errorClass: ErrorClass {
    switch self {
    case .slowDown, .unavailable, .damagedInTransit, .truncated, .diskFull: .transient
    case .noSuchKey, .invalidKey, .outsideStore, .tooLarge, .refused, .archived, .exists: .data
    case .noSuchBucket, .accessDenied, .badCredentials, .wrongEndpoint, .invalidSetting, .tiersUnsupported:
      .configuration
    case .protocolViolated, .inputOutput: .fatal
    }
  }
}

/// What a store says of one object besides what a listing says.
package struct ObjectState: Sendable, Hashable {
  package enum Access: String, Sendable {
    case readable
    /// It lies in an archive, and has to be restored before it can be read.
    case archived
    /// It is being restored.
    case restoring
  }
  package var info: ObjectInfo
  /// The store's own word: `Cool`, `STANDARD_IA`; nil where it has no tiers.
  package var tier: String?
  package var access = Access.readable
  /// Those of its ``ObjectBody``.
  package var notes: [String: String] = [:]
  /// For how long S3 keeps the readable copy of an archived object, as the store writes it.
  package var restoredUntil: String?

  package init(info: ObjectInfo) { self.info = info }
}

/// What a store can do about tiers.
package struct TierAbilities: Sendable, Hashable {
  package var moves: Bool
  package var restores: Bool
  /// What it answered where it cannot, for people.
  package var reason: String?

  package init(moves: Bool, restores: Bool, reason: String? = nil) {
    (self.moves, self.restores, self.reason) = (moves, restores, reason)
  }
}

extension ObjectLocation {
  /// The tiers of this kind of store, warmest first; empty where there are none.
  package var tiers: [String] {
    switch kind {
    case .azure: ["Hot", "Cool", "Cold", "Archive"]
    case .s3:
      ["STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
    case .folder: []
    }
  }

  /// The tiers whose objects have to be restored before they can be read.
  package static let archives: Set<String> = ["Archive", "GLACIER", "DEEP_ARCHIVE"]
}

/// A store without tiers.
extension ObjectStore {
  package func state(of key: ObjectKey) async throws -> ObjectState? { try await head(key).map(ObjectState.init) }

  package func move(_ key: ObjectKey, to tier: String) async throws { throw withoutTiers }
  package func restore(_ key: ObjectKey, to tier: String, days: Int) async throws -> Bool {
    guard try await head(key) != nil else { throw ObjectStoreError(.noSuchKey, "no object \(key) in \(location)") }
    return true
  }
  package func abilities(of tier: String) async throws -> TierAbilities {
    TierAbilities(moves: false, restores: false, reason: withoutTiers.message)
  }

  private var withoutTiers: ObjectStoreError {
    ObjectStoreError(.tiersUnsupported, "\(location) keeps all objects alike: it has no tiers")
  }
}
