import Core
import HTTP

/// What stores over HTTP have in common: names below a prefix, entity tags, and the digest kept with an object.
protocol StoreOverHTTP: AnyObject {
  /// Before every key, without a slash at its end; empty for none.
  var prefix: String { get }
  /// The header of the SHA-256 that is kept with the object, for a later `head`.
  static var hashHeader: String { get }
}

extension StoreOverHTTP {
  /// The store's certificate is the operator's to put right, unlike that of a portal.
  func mappingErrors<T>(_ body: () async throws -> T) async throws -> T {
    do {
      return try await body()
    } catch let error as HTTPError where error.kind == .certificateRefused {
      throw ObjectStoreError(
        .wrongEndpoint, "the store's certificate is not trusted: \(error.message); --s3-ca-file names its authority")
    }
  }

  // MARK: - names

  func qualified(_ key: String) -> String {
    prefix.isEmpty ? key : "\(prefix)/\(key)"
  }

  func unqualified(_ key: String) -> String? {
    prefix.isEmpty ? key : key.dropPrefix(prefix + "/")
  }

  static func info(_ key: ObjectKey, _ head: HTTPResponseHead) -> ObjectInfo {
    ObjectInfo(
      key: key, size: head.contentLength ?? 0, etag: etag(head),
      sha256: head.headers[hashHeader].flatMap(SHA256Digest.init(hex:)))
  }

  static func etag(_ head: HTTPResponseHead) -> String? { head.headers["etag"].map(unquoted) }

  static func unquoted(_ text: String) -> String {
    text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 1 ? String(text.dropFirst().dropLast()) : text
  }
}
