import Core
import Glibc
import HTTP
import ObjectStore
import Synchronization
import Values

/// A file between a portal and the store: an unnamed temporary file, hashed while it is written.
///
/// Without a name, it disappears however the process ends. All spools share one thread for writing and hashing.
package actor Spool {
  private static let thread = ThreadExecutor(name: "spool")
  package nonisolated var unownedExecutor: UnownedSerialExecutor { Self.thread.asUnownedSerialExecutor() }

  private let descriptor: Int32
  private let limit: Int
  private var hash: SHA256? = SHA256()
  private(set) var count = 0
  private(set) var prefix: [UInt8] = []
  /// For resuming a transfer that breaks off; nil: it starts again.
  private(set) var resumePoint: ResumePoint?

  /// The written file, ready to be stored.
  package struct Content: Sendable {
    /// Keeps the descriptor open.
    let spool: Spool
    package let body: ObjectBody
    /// The first `SniffedContent.prefixBytes` bytes.
    package let prefix: [UInt8]
  }

  /// - Parameter limit: bytes; more is `.fileTooLarge`.
  package init(directory: String, limit: Int) throws(DownloadError) {
    // Not every file system has O_TMPFILE; unlinking at once has the same effect.
    let path = "\(directory)/souk-spool-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw DownloadError(.spoolFull, "cannot create a file in \(directory): \(String(cString: strerror(errno)))")
    }
    unlink(path)
    self.descriptor = descriptor
    self.limit = limit
  }

  deinit { close(descriptor) }

  /// Discards the contents and begins another file.
  func restart(at point: ResumePoint?) throws(DownloadError) {
    guard ftruncate(descriptor, 0) == 0 else {
      throw DownloadError(.spoolFull, "cannot empty the spool: \(String(cString: strerror(errno)))")
    }
    hash = SHA256()
    count = 0
    prefix = []
    resumePoint = point
  }

  package func write(_ bytes: [UInt8]) throws(DownloadError) {
    guard count + bytes.count <= limit else {
      throw DownloadError(.fileTooLarge, "the file is longer than the limit of \(limit) bytes")
    }
    hash?.update(bytes)
    if prefix.count < SniffedContent.prefixBytes { prefix += bytes.prefix(SniffedContent.prefixBytes - prefix.count) }
    var written = 0
    while written < bytes.count {
      let step = bytes.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress! + written, bytes.count - written, off_t(count + written))
      }
      if step < 0 {
        if errno == EINTR { continue }
        throw DownloadError(.spoolFull, "cannot write to the spool: \(String(cString: strerror(errno)))")
      }
      written += step
    }
    count += bytes.count
  }

  /// Ends the file. Called once for each file.
  package func finish() -> Content {
    let digest = hash.take()?.finish() ?? SHA256.hash([])
    return Content(spool: self, body: ObjectBody(descriptor: descriptor, length: count, sha256: digest), prefix: prefix)
  }
}

/// Files whose transfer broke off, so that the next attempt requests only the missing part.
///
/// Each is one open file and its disk space. Beyond the capacity the oldest are dropped.
final class PartialFiles: Sendable {
  private struct Entry {
    let name: [UInt8]
    let spool: Spool
  }
  private let entries = Mutex<[Entry]>([])
  private let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  /// Removes and returns the file's spool; the caller is then its only owner.
  func take(_ name: [UInt8]) -> Spool? {
    entries.withLock { entries in
      entries.firstIndex { $0.name == name }.map { entries.remove(at: $0).spool }
    }
  }

  func keep(_ spool: Spool, as name: [UInt8]) {
    // Closes the dropped files outside the lock.
    let dropped = entries.withLock { entries -> [Entry] in
      var dropped: [Entry] = []
      while entries.count >= max(1, capacity) { dropped.append(entries.removeFirst()) }
      entries.append(Entry(name: name, spool: spool))
      return dropped
    }
    withExtendedLifetime(dropped) {}
  }

  var count: Int { entries.withLock { $0.count } }
}

/// What a request for the missing part of a file needs.
struct ResumePoint: Hashable, Sendable {
  /// The value of `If-Range`: a server that has another file by now sends that one from its beginning.
  let validator: String
  /// The length of the whole file, if the server gave it.
  let total: Int?

  /// - Returns: nil when the answer allows no resumption: the server does not support ranges, or the answer has no
  ///   strong validator (RFC 9110, sections 8.8 and 13.1.5).
  init?(_ head: HTTPResponseHead) {
    guard head.status == 200, head.headers["accept-ranges"]?.lowercased() != "none" else { return nil }
    if let tag = head.headers["etag"], tag.hasPrefix("\""), tag.count > 2 {
      validator = tag
    } else if let modified = head.headers["last-modified"], let date = head.headers["date"],
      // A date is a strong validator only when it is at least a minute before the answer.
      let seconds = RetryAfter.delay(date, now: 0), let changed = RetryAfter.delay(modified, now: 0),
      seconds - changed >= .seconds(60) {
      validator = modified
    } else {
      return nil
    }
    total = head.contentLength
  }

  /// The start of the part in a 206 answer, and the length of the whole: `bytes 100-199/200`, `bytes 100-199/*`.
  static func part(_ text: String?) -> (start: Int, total: Int?)? {
    guard let text, text.lowercased().hasPrefix("bytes ") else { return nil }
    let sides = text.dropFirst(6).split(separator: "/")
    guard sides.count == 2, let start = sides[0].split(separator: "-").first.flatMap({ Int($0) }) else { return nil }
    return (start, Int(sides[1]))
  }
}

/// The type of a fetched file by its first bytes. Pure.
package struct SniffedContent: Hashable, Sendable {
  package var compression: Compression
  /// An HTML page instead of a file: a login form, an error, a block notice.
  package var isHTML: Bool
  /// An HTML page that asks for a password.
  package var isLogin: Bool

  /// How many of a file's first bytes are examined.
  package static let prefixBytes = 8192

  /// - Parameter prefix: the first `prefixBytes` bytes, or the whole of a shorter file.
  package init(prefix: [UInt8]) {
    if prefix.starts(with: [0x1f, 0x8b]) {
      compression = .gzip
    } else if prefix.starts(with: "PK".utf8), [[3, 4], [5, 6], [7, 8]].contains(Array(prefix.dropFirst(2).prefix(2))) {
      compression = .zip
    } else {
      compression = .none
    }
    let text = compression == .none ? String(decoding: prefix, as: UTF8.self).lowercased() : ""
    // XHTML may begin with an XML declaration, any page with comments; `<htmlfoo>` is another element.
    isHTML = text.prefixMatch(
      of: /\u{feff}?(?>(?:\s|<\?.*?\?>|<!--.*?-->)*)<(?:!doctype html|html)(?:[\s>]|$)/.dotMatchesNewlines()) != nil
    // An input of type password, or the token of Cerberus' login form.
    isLogin = isHTML && ["type=\"password\"", "type='password'", "type=password", "name=\"csrftoken\""].contains {
      text.contains($0)
    }
  }
}
