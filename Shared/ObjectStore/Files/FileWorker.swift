import Core
import Glibc
import Synchronization

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
