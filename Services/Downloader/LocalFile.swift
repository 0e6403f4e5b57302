import Core
import Glibc

/// A local file that the operator permitted, read on a dedicated thread.
actor LocalFile {
  private static let thread = ThreadExecutor(name: "local-files")
  nonisolated var unownedExecutor: UnownedSerialExecutor { Self.thread.asUnownedSerialExecutor() }

  private var descriptor: Int32 = -1
  private var position = 0
  private static let chunkBytes = 256 << 10

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// - Throws: `.fileMissing`; `.fileURLRefused` when the open file, links resolved, is not below `root` or is not a
  ///   regular file.
  func open(_ path: String, below root: String) throws(DownloadError) {
    // O_NONBLOCK: a pipe must not block the thread.
    descriptor = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      let kind: DownloadError.Kind = errno == ENOENT || errno == ENOTDIR ? .fileMissing : .fileUnreadable
      throw DownloadError(kind, "cannot open the file: \(String(cString: strerror(errno)))")
    }
    // Checks the open file, because the path may lead elsewhere later.
    var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let length = readlink("/proc/self/fd/\(descriptor)", &target, Int(PATH_MAX))
    let real = String(decoding: target.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let base = root == "/" ? "/" : root + "/"
    var status = stat()
    guard length > 0, real.utf8.starts(with: base.utf8), fstat(descriptor, &status) == 0,
          status.st_mode & S_IFMT == S_IFREG else {
      throw DownloadError(.fileURLRefused, "the file: URL leads outside --allow-file-root or to no regular file")
    }
  }

  /// - Returns: nil at the end.
  func next() throws(DownloadError) -> [UInt8]? {
    var failed: Int32 = 0
    let chunk = [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { buffer, count in
      var read = -1
      repeat { read = pread(descriptor, buffer.baseAddress, buffer.count, off_t(position)) }
      while read < 0 && errno == EINTR
      failed = read < 0 ? errno : 0
      count = max(0, read)
    }
    guard failed == 0 else {
      throw DownloadError(.fileUnreadable, "cannot read the file: \(String(cString: strerror(failed)))")
    }
    position += chunk.count
    return chunk.isEmpty ? nil : chunk
  }
}
