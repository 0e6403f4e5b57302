import Core
import Messages
import Redis

/// What users keep in the store: one JSON object of each kind, `profile:<user>` and `portfolio:<user>`.
package struct UserDocuments: Sendable {
  package enum Kind: String, CaseIterable, Sendable { case profile, portfolio }

  package struct Limits: Sendable {
    /// Of the JSON text.
    package var bytes = 64 << 10
    /// Nested objects and arrays, the outermost counted.
    package var depth = 16

    package init() {}
  }

  private let redis: RedisMultiplexer
  private let limits: Limits

  package init(_ redis: RedisMultiplexer, limits: Limits = Limits()) {
    self.redis = redis
    self.limits = limits
  }

  /// - Returns: the object as JSON; nil when there is none.
  /// - Throws: `UserDocumentError` for a name; `RedisError`.
  package func get(_ kind: Kind, of user: String) async throws -> [UInt8]? {
    try await redis.send(RedisCommand("JSON.GET", try Self.key(kind, user))).bytes
  }

  /// Replaces the object.
  /// - Throws: `UserDocumentError` for a name or an object that is not taken; `RedisError`.
  package func set(_ kind: Kind, of user: String, to json: [UInt8]) async throws {
    let key = try Self.key(kind, user)
    do throws(DecodingFailure) {
      let bytes = json.span.bytes
      var reader = try JSONReader(bytes, limits: .init(maxBytes: limits.bytes, maxDepth: limits.depth))
      var cursor = try reader.beginObject()
      while try reader.nextName(&cursor) != nil { try reader.skipValue() }
      try reader.finish()
    } catch {
      throw error.kind == .tooLarge
        ? UserDocumentError(.tooLarge, "an object has at most \(limits.bytes) bytes")
        : UserDocumentError(.refused, error.description)
    }
    let reply = try await redis.replies(to: [RedisCommand("JSON.SET", [Array(key.utf8), Array("$".utf8), json])])[0]
    guard case .failure(let error) = reply else { return }
    // A number beyond a double, which JSON allows.
    guard error.code != "redis_json_refused" else { throw UserDocumentError(.refused, error.message) }
    throw error
  }

  /// - Returns: whether there was one.
  package func remove(_ kind: Kind, of user: String) async throws -> Bool {
    try await redis.send(RedisCommand("UNLINK", try Self.key(kind, user))).integer == 1
  }

  private static func key(_ kind: Kind, _ user: String) throws(UserDocumentError) -> String {
    let isName = (1...128).contains(user.utf8.count) && user.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || Array("._@-".utf8).contains(byte)
    }
    guard isName else {
      throw UserDocumentError(.badName, "a user's name has 1 to 128 letters, digits and characters of . _ @ -")
    }
    return "\(kind.rawValue):\(user)"
  }
}

package typealias UserDocumentError = CodedError<UserDocumentErrorKind>

package enum UserDocumentErrorKind: String, ErrorKind {
  case badName = "bad_user"
  case tooLarge = "too_large"
  /// It is no JSON object, or nested too deeply.
  case refused = "bad_json"

  package var errorClass: ErrorClass { .data }
}
