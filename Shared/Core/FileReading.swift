import Glibc

/// The bytes of a small file (settings, secrets, zone data): read whole, with a limit, without Foundation.
///
/// - Parameter limit: in bytes; a longer file is refused, so that a wrong path cannot fill memory.
/// - Throws: `Failure` of class `.configuration` that names the path and the system's reason; `.transient` when the
///   process has no descriptor left.
package func readFile(_ path: String, limit: Int = 16 << 20) throws(Failure) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw fileFailure(path, errno) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 64 << 10)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count == 0 { return bytes }
    if count < 0 {
      if errno == EINTR { continue }
      throw fileFailure(path, errno)
    }
    bytes.append(contentsOf: chunk[..<count])
    if bytes.count > limit {
      throw Failure(.configuration, code: "file_too_large", "\(path) is larger than \(ByteSize(limit))")
    }
  }
}

private func fileFailure(_ path: String, _ code: Int32) -> Failure {
  Failure(
    ErrorClass(ofSetting: code), code: "file_unreadable", "cannot read \(path): \(String(cString: strerror(code)))")
}
