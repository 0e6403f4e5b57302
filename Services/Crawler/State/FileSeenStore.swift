import Core

import Glibc

/// A log of marks in one file: appended and synced per batch, compacted at the start, locked against a second
/// process. All marks are in memory; use Redis for hundreds of thousands of files a day.
package actor FileSeenStore: SeenStore {
  package nonisolated let path: String
  private let executor: ThreadExecutor
  private let now: @Sendable () -> Int64
  private var marks: [String: SeenLog.Mark]
  private var descriptor: Int32
  private var lock: Int32
  /// Bytes of whole lines in the file; bytes behind them are of a failed write.
  private var length: Int

  /// A mark's time is renewed in the file only when it is older than this.
  private static let renewal: Int64 = 86_400

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Locks, reads and compacts the file; creates it and its folder when they are missing.
  ///
  /// - Parameter now: seconds since 1970; replaced by tests.
  /// - Throws: a configuration `Failure` when another process holds it, or it cannot be read or written.
  package init(
    path: String, retention: Duration, now: @escaping @Sendable () -> Int64 = WallClock.seconds
  ) throws(Failure) {
    self.path = path
    self.now = now
    executor = ThreadExecutor(name: "crawler-state")
    try Self.makeFolder(of: path)
    lock = try Self.lock(path)
    do {
      let log = access(path, F_OK) == 0
        ? try SeenLog(try readFile(path, limit: 1 << 30), path: path) : try SeenLog([], path: path)
      let oldest = now() - retention.components.seconds
      marks = log.marks.filter { $0.value.time >= oldest }
      (descriptor, length) = try Self.compact(marks, to: path)
    } catch {
      Self.unlock(lock)
      throw error
    }
  }

  deinit {
    if descriptor >= 0 { Glibc.close(descriptor) }
    Self.unlock(lock)
  }

  package func areSeen(_ entries: [SeenEntry]) throws -> [Bool] {
    let time = now()
    var renewed: [String] = []
    let answers = entries.map { entry in
      guard let mark = marks[entry.key], mark.fingerprint == entry.fingerprint else { return false }
      if time - mark.time > Self.renewal { renewed.append(entry.key) }
      return true
    }
    if !renewed.isEmpty {
      let lines = renewed.flatMap { key -> [UInt8] in
        marks[key]?.time = time
        return marks[key].map { SeenLog.line(key, $0) } ?? []
      }
      // Not synced: a lost renewal costs at most one repeated announcement, a month later.
      try append(lines)
    }
    return answers
  }

  package func mark(_ entries: [SeenEntry]) throws {
    let time = now()
    try append(entries.flatMap { SeenLog.line($0.key, .init(fingerprint: $0.fingerprint, time: time)) })
    guard fdatasync(descriptor) == 0 else { throw failure("sync") }
    for entry in entries { marks[entry.key] = SeenLog.Mark(fingerprint: entry.fingerprint, time: time) }
  }

  package func forget(chain: String, fileName: String, fingerprint: Fingerprint?) throws {
    let key = "\(chain)/\(fileName)"
    guard let mark = marks[key], fingerprint == nil || mark.fingerprint == fingerprint else { return }
    try append(SeenLog.line(forgetting: key, at: now()))
    guard fdatasync(descriptor) == 0 else { throw failure("sync") }
    marks[key] = nil
  }

  package func rows(of source: String) -> Int? {
    marks[SeenLog.rowsKey(source)].map { Int(clamping: $0.fingerprint.low) }
  }

  package func remember(rows: Int, of source: String) throws {
    let key = SeenLog.rowsKey(source)
    let fingerprint = Fingerprint(high: 0, low: UInt64(rows))
    let mark = SeenLog.Mark(fingerprint: fingerprint, time: now())
    // Written when it differs, or when the mark is due for renewal.
    if let known = marks[key], known.fingerprint == fingerprint, mark.time - known.time <= Self.renewal { return }
    try append(SeenLog.line(key, mark))
    marks[key] = mark
  }

  package func ping() throws(Failure) {
    if descriptor < 0 { throw Failure(.fatal, code: "state_closed", "the state in \(path) is closed") }
  }

  package func close() {
    if descriptor >= 0 {
      fdatasync(descriptor)
      Glibc.close(descriptor)
    }
    Self.unlock(lock)
    descriptor = -1
    lock = -1
  }

  private func append(_ bytes: [UInt8]) throws(Failure) {
    try ping()
    do {
      try Self.write(bytes, to: descriptor, path)
      length += bytes.count
    } catch {
      // Half a line in the middle of the file would make the next start refuse it.
      ftruncate(descriptor, off_t(length))
      throw error
    }
  }

  private func failure(_ verb: String) -> Failure { Self.failure(verb, path, errno, .transient) }

  // MARK: - files

  private static func failure(_ verb: String, _ path: String, _ code: Int32, _ kind: ErrorClass) -> Failure {
    Failure(kind, code: "state_unwritable", "cannot \(verb) \(path): \(String(cString: strerror(code)))")
  }

  private static func makeFolder(of path: String) throws(Failure) {
    var folder = ""
    for part in path.split(separator: "/").dropLast() {
      folder += "/" + part
      if mkdir(folder, 0o755) != 0, errno != EEXIST { throw failure("create", folder, errno, .configuration) }
    }
  }

  /// The lock is on a separate file, because compaction replaces the log.
  private static func lock(_ path: String) throws(Failure) -> Int32 {
    let name = path + ".lock"
    let descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("open", name, errno, .configuration) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      Glibc.close(descriptor)
      guard code == EWOULDBLOCK else { throw failure("lock", name, code, .configuration) }
      throw Failure(
        .configuration, code: "state_locked",
        "the state in \(path) belongs to another running crawler; give each its own --state, or share one by redis://")
    }
    return descriptor
  }

  /// Unlocks explicitly: after closing alone, a child that was forked and has not yet executed still holds the lock.
  private static func unlock(_ descriptor: Int32) {
    guard descriptor >= 0 else { return }
    flock(descriptor, LOCK_UN)
    Glibc.close(descriptor)
  }

  /// Writes the marks to a new file, syncs it, and replaces the old one.
  /// - Returns: the new file open for appending, and its length.
  private static func compact(
    _ marks: [String: SeenLog.Mark], to path: String
  ) throws(Failure) -> (descriptor: Int32, length: Int) {
    var bytes = SeenLog.header
    for (key, mark) in marks.sorted(by: { ($0.value.time, $0.key) < ($1.value.time, $1.key) }) {
      bytes += SeenLog.line(key, mark)
    }
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("create", temporary, errno, .configuration) }
    do throws(Failure) {
      try write(bytes, to: descriptor, temporary)
      guard fsync(descriptor) == 0 else { throw failure("sync", temporary, errno, .transient) }
      guard rename(temporary, path) == 0 else { throw failure("replace", path, errno, .configuration) }
      syncFolder(of: path)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    return (descriptor, bytes.count)
  }

  /// Makes the rename durable, as far as the file system syncs folders.
  private static func syncFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    Glibc.close(descriptor)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure("write", path, errno, .transient)
      }
      rest = rest.dropFirst(count)
    }
  }
}
