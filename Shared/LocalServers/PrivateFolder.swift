import Core
import Foundation

import Glibc

/// A folder that belongs to this process and is removed with it.
///
/// A lock file beside the folder is held while we live; the lock ends with the process however it dies, so the next
/// process of the same user that makes a folder removes what a killed one left.
package final class PrivateFolder: Sendable {
  package let path: String
  private let lockPath: String
  private let lock: Int32

  /// - Parameters:
  ///   - purpose: a short name that makes the folder recognisable.
  ///   - owner: who may write into it besides root; nil is this process' account.
  package init(_ purpose: String, owner: Account? = nil) throws {
    let parent = try Self.parent()
    Self.sweep(parent)
    let base = "\(parent)/\(purpose)-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 36))"
    path = base
    lockPath = base + ".lock"
    lock = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0, FileLock.acquire(lock) == nil, mkdir(path, 0o700) == 0 else { throw Self.failure("create", path) }
    Leftovers.insert(folder: path, lock: lockPath)
    if let owner, chown(path, owner.user, owner.group) != 0 {
      throw Self.failure("give away", path)
    }
  }

  deinit { remove() }

  package func file(_ name: String) -> String { "\(path)/\(name)" }

  package func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
  }

  /// Also done when the last reference goes. Repeating it does nothing.
  package func remove() {
    try? FileManager.default.removeItem(atPath: path)
    if Leftovers.remove(folder: path) {
      unlink(lockPath)
      FileLock.release(lock)
    }
  }

  /// In `/tmp` whatever `TMPDIR` says, because the path of a Unix socket may have 107 bytes at most.
  private static func parent() throws -> String {
    let path = "/tmp/souk-\(geteuid())"
    // Others may pass through (a server of another account lives inside), not look.
    if mkdir(path, 0o711) != 0, errno != EEXIST { throw failure("create", path) }
    var information = stat()
    guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR, information.st_uid == geteuid()
    else {
      throw Failure(.configuration, code: "no_private_folder", "\(path) belongs to another user; remove it")
    }
    chmod(path, 0o711)
    return path
  }

  private static func failure(_ verb: String, _ path: String) -> Failure {
    let reason = String(cString: strerror(errno))
    return Failure(.configuration, code: "no_private_folder", "cannot \(verb) \(path): \(reason)")
  }

  private static func sweep(_ parent: String) {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: parent) else { return }
    for name in names where name.hasSuffix(".lock") {
      let lockPath = "\(parent)/\(name)"
      let folder = String(lockPath.dropLast(".lock".utf8.count))
      // A process that is just creating one has a lock file but no folder yet.
      guard access(folder, F_OK) == 0 else { continue }
      let descriptor = open(lockPath, O_RDWR | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if FileLock.acquire(descriptor) == nil {
        try? FileManager.default.removeItem(atPath: folder)
        unlink(lockPath)
      }
      FileLock.release(descriptor)
    }
  }
}
