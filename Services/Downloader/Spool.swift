import Core
import Glibc
import ObjectStore

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
    return Content(
      spool: self, body: ObjectBody(descriptor: descriptor, length: count, sha256: digest), prefix: prefix)
  }
}
