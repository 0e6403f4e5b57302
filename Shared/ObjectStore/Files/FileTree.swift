import Core
import Glibc

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
