import Core
import Synchronization

/// Objects as files of a local folder, for runs without an S3 server: written beside, made durable, renamed.
package final class FileStore: ObjectStore {
  package let location: ObjectLocation
  private let worker: FileWorker

  static let chunkBytes = 256 << 10
  /// Names of files that are still being written; no key has such a segment.
  static let temporaryPrefix = ".souk-incoming-"
  static func isTemporary(_ name: String) -> Bool { name.hasPrefix(temporaryPrefix) }

  /// - Parameter path: absolute.
  package init(path: String) throws(ObjectStoreError) {
    location = try ObjectLocation("file://" + PercentEncoding.encode(path, keepingSlash: true))
    guard case .folder(let path) = location.kind else {
      throw ObjectStoreError(.invalidSetting, "'\(path)' is not an absolute path")
    }
    worker = FileWorker(path: path)
  }

  package func put(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> ObjectInfo {
    try refuseTemporary(key)
    try await worker.put(body, at: key)
    return ObjectInfo(key: key, size: body.length)
  }

  package func get<T: Sendable>(
    _ key: ObjectKey, _ consume: (ObjectInfo, ObjectReader) async throws -> T
  ) async throws -> T {
    try refuseTemporary(key)
    guard let (file, size) = try await worker.open(key) else {
      throw ObjectStoreError(.noSuchKey, "no object \(key) in \(location)")
    }
    let position = Mutex(0)
    return try await consume(ObjectInfo(key: key, size: size), ObjectReader { [worker] in
      let offset = position.withLock { $0 }
      guard offset < size else { return nil }
      guard let chunk = try await worker.read(file, at: offset) else {
        throw ObjectStoreError(.truncated, "\(key) ended after \(offset) of \(size) bytes")
      }
      position.withLock { $0 = offset + chunk.count }
      return chunk
    })
  }

  package func head(_ key: ObjectKey) async throws -> ObjectInfo? {
    try refuseTemporary(key)
    return try await worker.open(key).map { ObjectInfo(key: key, size: $0.size) }
  }

  package func list(prefix: String, from: String?, limit: Int) async throws -> ObjectPage {
    let found = try await worker.list(prefix: prefix)
      .filter { from == nil || Self.precedes(from ?? "", $0.key) }
      .sorted { Self.precedes($0.key, $1.key) }
    let page = try found.prefix(limit).map { ObjectInfo(key: try ObjectKey($0.key), size: $0.size) }
    return ObjectPage(objects: page, next: found.count > limit ? page.last?.key.text : nil)
  }

  package func delete(_ key: ObjectKey) async throws {
    try refuseTemporary(key)
    try await worker.delete(key)
  }

  package func check() async throws { try await worker.check() }
  package func prepare() async throws { try await worker.prepare() }
  package func close() {}

  private func refuseTemporary(_ key: ObjectKey) throws(ObjectStoreError) {
    if key.text.split(separator: "/").contains(where: { Self.isTemporary(String($0)) }) {
      throw ObjectStoreError(.invalidKey, "names that begin with \(Self.temporaryPrefix) are the store's own")
    }
  }

  /// S3's order: by bytes, not by the text's collation.
  private static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }
}
