import Glibc
import Synchronization

/// A password, token or address with one: `env:NAME`, `file:/path`, or the text itself.
///
/// A file is read again when it has changed, so that a secret can be replaced while a service runs.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  private enum Source: Hashable {
    case text(String)
    case environment(String)
    case file(WatchedFile)
  }
  private let source: Source

  package init(_ text: String) {
    if text.hasPrefix("env:") {
      source = .environment(String(text.dropFirst(4)))
    } else if text.hasPrefix("file:/") {
      source = .file(WatchedFile(String(text.dropFirst(5)), limit: 64 << 10))
    } else {
      source = .text(text)
    }
  }

  /// - Throws: a configuration `Failure` that names the variable or the path, never the value.
  package func resolve() throws(Failure) -> String {
    switch source {
    case .text(let text): return text
    case .environment(let name):
      guard let value = getenv(name) else {
        throw Failure(.configuration, code: "secret_missing", "the environment variable \(name) is not set")
      }
      return String(cString: value)
    case .file(let file):
      var bytes = try file.bytes()[...]
      // Files of secrets usually end in a line break that is not part of the secret.
      while let last = bytes.last, last == 0x0a || last == 0x0d { bytes.removeLast() }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// The reference, never the value.
  package var description: String {
    switch source {
    case .text: "***"
    case .environment(let name): "env:\(name)"
    case .file(let file): "file:\(file.path)"
    }
  }
  package var debugDescription: String { description }
}

/// A small file that is read again when it has changed.
package final class WatchedFile: Hashable, Sendable {
  package let path: String
  private let limit: Int

  /// What tells one version of a file from the next. A mounted secret is replaced by a link to another file.
  private struct Version: Equatable {
    var device: UInt
    var inode: UInt
    var size: Int
    var seconds: Int
    var nanoseconds: Int
  }
  private let last = Mutex<(version: Version, bytes: [UInt8])?>(nil)

  /// - Parameter limit: in bytes; a longer file is refused.
  package init(_ path: String, limit: Int = 1 << 20) {
    self.path = path
    self.limit = limit
  }

  /// What the file holds now. One that is missing, empty or unreadable after it was read is being replaced: then this
  /// is what it held before.
  /// - Throws: `Failure` of class `.configuration` that names the path, when it was never read.
  package func bytes() throws(Failure) -> [UInt8] {
    let version = version
    if let version, let last = last.withLock({ $0 }), last.version == version { return last.bytes }
    do {
      let bytes = try readFile(path, limit: limit)
      if let version, !bytes.isEmpty { last.withLock { $0 = (version, bytes) } }
      return bytes.isEmpty ? last.withLock { $0?.bytes } ?? bytes : bytes
    } catch {
      guard let last = last.withLock({ $0 }) else { throw error }
      return last.bytes
    }
  }

  private var version: Version? {
    var found = stat()
    guard stat(path, &found) == 0 else { return nil }
    return Version(
      device: UInt(found.st_dev), inode: UInt(found.st_ino), size: Int(found.st_size), seconds: found.st_mtim.tv_sec,
      nanoseconds: found.st_mtim.tv_nsec)
  }

  package static func == (left: WatchedFile, right: WatchedFile) -> Bool {
    left.path == right.path && left.limit == right.limit
  }
  package func hash(into hasher: inout Hasher) { hasher.combine(path) }
}
