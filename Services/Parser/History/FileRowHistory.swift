import Core
import Foundation

/// A file with one line per series and change, `series<tab>id:rows id:rows`; the last line of a series counts. For one
/// parser, which compacts the file when it opens it.
package actor FileRowHistory: RowHistory {
  private var series: [String: [RowCount]] = [:]
  private var file: FileHandle?
  private let path: String

  /// - Throws: a configuration `Failure` when the file cannot be read or written.
  package init(path: String) throws(Failure) {
    self.path = path
    let text: String
    do {
      text = FileManager.default.fileExists(atPath: path) ? try String(contentsOfFile: path, encoding: .utf8) : ""
    } catch {
      throw Failure(.configuration, code: "row_history_unreadable", "\(path) cannot be read as text")
    }
    // Skips a line that a crash tore.
    for line in (text.lastIndex(of: "\n").map { text[...$0] } ?? "").split(separator: "\n") {
      let halves = line.split(separator: "\t", omittingEmptySubsequences: false)
      // The file is rewritten below; a foreign file must not be lost.
      guard halves.count == 2 else { throw Self.foreign(path) }
      series[String(halves[0])] = RowSeries.counts(halves[1])
    }
    guard !series.isEmpty || text.isEmpty || text.contains("\t") else { throw Self.foreign(path) }
    let lines = series.sorted { $0.key < $1.key }.map { Self.line($0.key, $0.value) }.joined()
    do {
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try lines.write(toFile: path, atomically: true, encoding: .utf8)
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seekToEnd()
      file = handle
    } catch {
      throw Failure(.configuration, code: "row_history_unwritable", "\(path) cannot be written")
    }
  }

  package func counts(of name: String) -> [RowCount] { series[name] ?? [] }

  package func remember(_ counts: [RowCount], of name: String) throws {
    guard series[name] != counts else { return }
    series[name] = counts
    do { try file?.write(contentsOf: Data(Self.line(name, counts).utf8)) } catch {
      throw Failure(.transient, code: "row_history_unwritable", "\(path) cannot be written")
    }
  }

  package func ping() {}

  package func close() {
    try? file?.close()
    file = nil
  }

  private static func foreign(_ path: String) -> Failure {
    Failure(
      .configuration, code: "row_history_foreign",
      "\(path) is not a row history, so it stays unchanged; name another file")
  }

  private static func line(_ name: String, _ counts: [RowCount]) -> String { "\(name)\t\(RowSeries.text(counts))\n" }
}
