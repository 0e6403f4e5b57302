import Core
import Glibc
import Synchronization

/// The finished symbols of a backfill, one per line after a header that identifies the backfill.
final class BackfillProgress: Sendable {
  let finished: Set<String>
  private let path: String
  private let descriptor: Int32

  /// - Parameter run: one line.
  /// - Throws: `Failure(.configuration)` for a file of another backfill, or one that cannot be written.
  init(path: String, run: String) throws(Failure) {
    self.path = path
    let header = "souk-egx-backfill\t1\t\(run)"
    var text = ""
    if access(path, F_OK) == 0 { text = String(decoding: try readFile(path), as: UTF8.self) }
    // Ignores a line that a crash tore.
    let whole = text.lastIndex(of: "\n").map { text[...$0] } ?? ""
    let lines = whole.split(separator: "\n")
    guard lines.isEmpty || lines[0] == header else {
      throw Failure(
        .configuration, code: "progress_mismatch",
        "\(path) is the progress of another backfill; remove it, or point --progress to another file")
    }
    finished = Set(lines.dropFirst().map(String.init))
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0, ftruncate(descriptor, off_t(whole.utf8.count)) == 0,
      lseek(descriptor, 0, SEEK_END) >= 0
    else {
      throw Failure(
        ErrorClass(ofSetting: errno), code: "progress_unwritable",
        "cannot write \(path): \(String(cString: strerror(errno)))")
    }
    if lines.isEmpty { try append(header) }
  }

  deinit { close(descriptor) }

  /// - Throws: `Failure(.fatal)` when the disk does not take it.
  func finish(_ symbol: String) throws(Failure) { try append(symbol) }

  private func append(_ line: String) throws(Failure) {
    let bytes = Array("\(line)\n".utf8)
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard count == bytes.count else {
      throw Failure(.fatal, code: "progress_unwritable", "cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }
}
