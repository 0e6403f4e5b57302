import Core
import Glibc
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

/// A folder and what lies below it, opened one path segment at a time without following links: whatever others put
/// into the folder, a key never leads out of it.
struct FileTree {
  private let root: Int32

  /// - Throws: `.invalidSetting` when the folder is missing or not a folder; see `refusal`.
  init(_ path: String) throws(ObjectStoreError) {
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard root >= 0 else { throw Self.refusal(of: path, errno) }
  }

  /// Why the folder of the store cannot be opened. A process that has run out of descriptors or memory says nothing of
  /// the folder.
  static func refusal(of path: String, _ code: Int32) -> ObjectStoreError {
    ObjectStoreError(
      ErrorClass(ofSetting: code) == .transient ? .diskFull : .invalidSetting,
      "cannot open the folder \(path): \(reason(code))")
  }

  func close() { Glibc.close(root) }

  static func reason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }

  static func failure(_ what: String, _ code: Int32 = errno) -> ObjectStoreError {
    switch code {
    case ENOSPC, EDQUOT, EMFILE, ENFILE, EINTR: ObjectStoreError(.diskFull, "\(what): \(reason(code))")
    case EACCES, EPERM, EROFS: ObjectStoreError(.accessDenied, "\(what): \(reason(code))")
    case ELOOP, ENOTDIR, ENAMETOOLONG, EISDIR: ObjectStoreError(.invalidKey, "\(what): \(reason(code))")
    default: ObjectStoreError(.inputOutput, "\(what): \(reason(code))")
    }
  }

  /// The open folder that holds `key` and the last segment of the key; nil when a folder on the way is missing
  /// and `creating` is off. The caller closes the descriptor.
  func parent(of key: ObjectKey, creating: Bool) throws(ObjectStoreError) -> (folder: Int32, name: String)? {
    var segments = key.text.split(separator: "/").map(String.init)
    let name = segments.removeLast()
    var folder = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    for segment in segments {
      guard folder >= 0 else { break }
      let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
      var next = openat(folder, segment, flags)
      if next < 0, errno == ENOENT, creating {
        // Another writer may make it first.
        guard mkdirat(folder, segment, 0o777) == 0 || errno == EEXIST else {
          let error = Self.failure("cannot make a folder for \(key)")
          Glibc.close(folder)
          throw error
        }
        // The new folder's own entry must survive a power cut, like the file in it.
        fsync(folder)
        next = openat(folder, segment, flags)
      }
      let code = errno
      Glibc.close(folder)
      errno = code
      folder = next
    }
    if folder < 0, errno == ENOENT, !creating { return nil }
    guard folder >= 0 else { throw Self.failure("cannot open the folder of \(key)") }
    return (folder, name)
  }

  /// Every regular file below `prefix`'s folder, as keys; temporary files of writers left out.
  func walk(below prefix: String) throws(ObjectStoreError) -> [(key: String, size: Int)] {
    let folders = prefix.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    if folders.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) { return [] }
    var found: [(key: String, size: Int)] = []
    var waiting = [folders.map { $0 + "/" }.joined()]
    while let path = waiting.popLast() {
      guard let (descriptor, _) = try parent(of: ObjectKey(path + "x"), creating: false) else { continue }
      guard let stream = fdopendir(descriptor) else {
        Glibc.close(descriptor)
        throw Self.failure("cannot list \(path)")
      }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." || FileStore.isTemporary(name) { continue }
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR { waiting.append(path + name + "/") }
        if status.st_mode & S_IFMT == S_IFREG { found.append((path + name, Int(status.st_size))) }
      }
    }
    return found.filter { $0.key.utf8.starts(with: prefix.utf8) }
  }
}

/// The blocking calls of a `FileStore`, on a thread of their own: a slow disk must not stop other work.
actor FileWorker {
  private let executor = ThreadExecutor(name: "files")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private let path: String

  init(path: String) { self.path = path }

  private func withTree<T>(_ body: (FileTree) throws -> T) throws -> T {
    let tree = try FileTree(path)
    defer { tree.close() }
    return try body(tree)
  }

  /// Writes beside the final name, makes it durable, then renames: readers see the whole object or none.
  func put(_ body: ObjectBody, at key: ObjectKey) throws {
    // Other processes and other stores of this one may write into the same folder.
    let temporary = "\(FileStore.temporaryPrefix)\(getpid())-\(UInt64.random(in: 0 ... .max))"
    try withTree { tree in
      guard let (folder, name) = try tree.parent(of: key, creating: true) else { return }
      defer { close(folder) }
      let descriptor = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw FileTree.failure("cannot create a file for \(key)") }
      defer { close(descriptor) }
      do {
        try copy(body, to: descriptor, key)
        guard fsync(descriptor) == 0 else { throw FileTree.failure("cannot make \(key) durable") }
        guard renameat(folder, temporary, folder, name) == 0 else { throw FileTree.failure("cannot name \(key)") }
      } catch {
        unlinkat(folder, temporary, 0)
        throw error
      }
      guard fsync(folder) == 0 else { throw FileTree.failure("cannot make the name of \(key) durable") }
    }
  }

  private func copy(_ body: ObjectBody, to descriptor: Int32, _ key: ObjectKey) throws {
    var hash = SHA256()
    try body.read(offset: 0, length: body.length) { piece in
      hash.update(piece)
      try Self.write(piece, to: descriptor, key)
    }
    guard hash.finish() == body.sha256 else {
      throw ObjectStoreError(.damagedInTransit, "the bytes written for \(key) are not those that were hashed")
    }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ key: ObjectKey) throws {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileTree.failure("cannot write \(key)")
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  /// The object opened for reading and its size; nil when there is none.
  func open(_ key: ObjectKey) throws -> (file: OpenFile, size: Int)? {
    try withTree { tree in
      guard let (folder, name) = try tree.parent(of: key, creating: false) else { return nil }
      defer { close(folder) }
      // O_NONBLOCK: a pipe of that name must not stop the thread.
      let descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else {
        if errno == ENOENT { return nil }
        throw FileTree.failure("cannot open \(key)")
      }
      let file = OpenFile(descriptor)
      var status = stat()
      guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw ObjectStoreError(.invalidKey, "\(key) is not a regular file")
      }
      return (file, Int(status.st_size))
    }
  }

  /// - Returns: nil at the end of the file.
  func read(_ file: OpenFile, at offset: Int) throws -> [UInt8]? {
    while true {
      var failed: Int32 = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: FileStore.chunkBytes) { buffer, count in
        let read = pread(file.descriptor, buffer.baseAddress, buffer.count, off_t(offset))
        failed = read < 0 ? errno : 0
        count = max(0, read)
      }
      if failed == EINTR { continue }
      guard failed == 0 else { throw FileTree.failure("cannot read an object", failed) }
      return chunk.isEmpty ? nil : chunk
    }
  }

  func delete(_ key: ObjectKey) throws {
    try withTree { tree in
      guard let (folder, name) = try tree.parent(of: key, creating: false) else { return }
      defer { close(folder) }
      guard unlinkat(folder, name, 0) == 0 || errno == ENOENT else { throw FileTree.failure("cannot delete \(key)") }
    }
  }

  func list(prefix: String) throws -> [(key: String, size: Int)] { try withTree { try $0.walk(below: prefix) } }

  /// - Throws: `.invalidSetting` when the folder is missing, `.accessDenied` when it cannot be written to.
  func check() throws {
    try withTree { _ in
      guard access(path, R_OK | W_OK | X_OK) == 0 else { throw FileTree.failure("cannot write to \(path)") }
    }
  }

  func prepare() throws {
    var made = ""
    for segment in path.split(separator: "/") {
      made += "/" + segment
      guard mkdir(made, 0o777) == 0 || errno == EEXIST || access(made, F_OK) == 0 else {
        throw ObjectStoreError(.invalidSetting, "cannot make the folder \(made): \(FileTree.reason())")
      }
    }
    try check()
  }
}

/// A descriptor that is closed with its last reference.
final class OpenFile: Sendable {
  let descriptor: Int32
  init(_ descriptor: Int32) { self.descriptor = descriptor }
  deinit { close(descriptor) }
}
