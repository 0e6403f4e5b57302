import Core
import Glibc
import HTTP

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

/// Where to fetch a file, from the message's URL and the operator's permission, before anything is opened.
package enum FileLocation: Hashable, Sendable {
  case web(HTTPURL)
  case ftp(FTPURL)
  /// An absolute path below the permitted root by its text; checked again on the open file.
  case file(path: String, root: String)

  /// - Parameter fileRoot: absolute, without links; nil refuses every `file:` URL.
  /// - Throws: `DownloadError` or `HTTPError`, of class data.
  package init(url: String, fileRoot: String?) throws {
    guard let path = Self.path(ofFileURL: url) else {
      self = FTPURL.isFTP(url) ? .ftp(try FTPURL(url)) : .web(try HTTPURL(url))
      return
    }
    guard let fileRoot else {
      throw DownloadError(.fileURLRefused, "file: URLs are only fetched with --allow-file-root")
    }
    let base = fileRoot == "/" ? "/" : fileRoot + "/"
    let climbs = path.split(separator: "/", omittingEmptySubsequences: false).contains { $0 == ".." }
    guard path.utf8.starts(with: base.utf8), !climbs, !path.utf8.contains(0) else {
      throw DownloadError(.fileURLRefused, "the file: URL points outside --allow-file-root")
    }
    self = .file(path: path, root: fileRoot)
  }

  /// Files with the same value fail together: the origin of a web URL; one name for all local files.
  static func host(of url: String) -> String {
    (try? HTTPURL(url))?.origin ?? (try? FTPURL(url))?.origin ?? "file:"
  }

  /// The decoded path of `file:///path` or `file://localhost/path` (RFC 8089); nil for another scheme. A broken
  /// escape or another host gives an empty path, which lies below no root.
  static func path(ofFileURL url: String) -> String? {
    guard url.prefix(5).lowercased() == "file:" else { return nil }
    var rest = url.utf8.dropFirst(5)
    if rest.starts(with: "//".utf8) {
      rest = rest.dropFirst(2)
      let host = rest.prefix { $0 != 0x2f }
      guard host.isEmpty || host.elementsEqual("localhost".utf8) else { return "" }
      rest = rest.dropFirst(host.count)
    }
    return PercentEncoding.decode(Substring(rest)) ?? ""
  }
}
