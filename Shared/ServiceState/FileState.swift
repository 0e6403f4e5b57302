import Core

import Glibc

/// A log in one file: appended and synced at each change, compacted at the start, locked against a second process. All
/// entries are in memory; use Redis for hundreds of thousands of changes a day.
package actor FileState: StateStore {
  private let path: String
  private let format: StateFormat
  private let executor: ThreadExecutor
  private let now: @Sendable () -> Int64
  private var entries: [String: StateFormat.Entry]
  private var descriptor: Int32
  private var lock: Int32
  /// Bytes of whole lines in the file; bytes behind them are of a failed write.
  private var length: Int

  /// An entry's time is renewed in the file only when it is older than this.
  private static let renewal: Int64 = 86_400

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Locks, reads and compacts the file; creates it and its folder when they are missing.
  ///
  /// - Parameter now: seconds since 1970; replaced by tests.
  /// - Throws: a configuration `Failure` when another process holds it, or it cannot be read or written.
  package init(
    path: String, retention: Duration, format: StateFormat, now: @escaping @Sendable () -> Int64 = WallClock.seconds
  ) throws(Failure) {
    self.path = path
    self.format = format
    self.now = now
    executor = ThreadExecutor(name: "state")
    try Self.makeFolder(of: path)
    lock = try Self.lock(path, format.owner)
    do {
      let oldest = now() - retention.components.seconds
      let known = access(path, F_OK) == 0 ? try format.read(try readFile(path, limit: 1 << 30), path: path) : [:]
      entries = known.filter { $0.value.time >= oldest }
      (descriptor, length) = try Self.compact(entries, to: path, format)
    } catch {
      FileLock.release(lock)
      throw error
    }
  }

  deinit {
    if descriptor >= 0 { Glibc.close(descriptor) }
    FileLock.release(lock)
  }

  package func values(of keys: [String]) throws -> [String?] {
    let time = now()
    var lines: [UInt8] = []
    for key in keys {
      guard let entry = entries[key], time - entry.time > Self.renewal else { continue }
      entries[key]?.time = time
      lines += format.line(StateFormat.Entry(key: key, value: entry.value, time: time))
    }
    // Not synced: a lost renewal matters only when the entry is next read a retention later.
    if !lines.isEmpty { try append(lines) }
    return keys.map { entries[$0]?.value }
  }

  package func set(_ values: [(key: String, value: String)]) throws {
    try write(values.map { StateFormat.Entry(key: $0.key, value: $0.value, time: now()) })
  }

  package func remove(_ key: String) throws {
    if entries[key] != nil { try write([StateFormat.Entry(key: key, value: nil, time: now())]) }
  }

  private func write(_ changes: [StateFormat.Entry]) throws(Failure) {
    try append(changes.flatMap(format.line))
    guard fdatasync(descriptor) == 0 else { throw Self.failure("sync", path, errno, .transient) }
    for entry in changes { entries[entry.key] = entry.value == nil ? nil : entry }
  }

  package func ping() throws(Failure) {
    if descriptor < 0 { throw Failure(.fatal, code: "state_closed", "the state in \(path) is closed") }
  }

  package func close() {
    if descriptor >= 0 {
      fdatasync(descriptor)
      Glibc.close(descriptor)
    }
    FileLock.release(lock)
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
  private static func lock(_ path: String, _ owner: String) throws(Failure) -> Int32 {
    let name = path + ".lock"
    let descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("open", name, errno, .configuration) }
    if let code = FileLock.acquire(descriptor) {
      Glibc.close(descriptor)
      guard code == EWOULDBLOCK else { throw failure("lock", name, code, .configuration) }
      throw Failure(
        .configuration, code: "state_locked",
        "the state in \(path) belongs to another running \(owner); give each its own --state, or share one by redis://")
    }
    return descriptor
  }

  /// Writes the entries to a new file, syncs it, and replaces the old one.
  /// - Returns: the new file open for appending, and its length.
  private static func compact(
    _ entries: [String: StateFormat.Entry], to path: String, _ format: StateFormat
  ) throws(Failure) -> (descriptor: Int32, length: Int) {
    let sorted = entries.values.sorted { ($0.time, $0.key) < ($1.time, $1.key) }
    let bytes = format.headerLine + sorted.flatMap(format.line)
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
