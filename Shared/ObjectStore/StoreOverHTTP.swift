import Core
import HTTP

/// What stores over HTTP have in common: names below a prefix, entity tags, and the digest kept with an object.
protocol StoreOverHTTP: AnyObject {
  /// Before every key, without a slash at its end; empty for none.
  var prefix: String { get }
  /// The header of the SHA-256 that is kept with the object, for a later `head`.
  static var hashHeader: String { get }
  /// Before the name of every note in a header.
  static var notePrefix: String { get }
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

  // MARK: - ranges

  /// RFC 9110, section 14.1.2.
  static func header(of range: Range<Int>, _ key: ObjectKey) throws(ObjectStoreError) -> String {
    guard range.lowerBound >= 0, !range.isEmpty else {
      throw ObjectStoreError(.rangeOutside, "\(range) are no bytes of \(key)")
    }
    return "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
  }

  /// A server may answer a question for a part with the whole.
  static func requireRange(_ head: HTTPResponseHead, asked: Bool, _ key: ObjectKey) throws(ObjectStoreError) {
    guard !asked || head.status == 206 else {
      throw ObjectStoreError(.protocolViolated, "the store answered \(head.status) to a question for a part of \(key)")
    }
  }

  static func etag(_ head: HTTPResponseHead) -> String? { head.headers["etag"].map(unquoted) }

  static func unquoted(_ text: String) -> String {
    text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 1 ? String(text.dropFirst().dropLast()) : text
  }
}
