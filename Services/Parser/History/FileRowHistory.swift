import Foundation
import Runtime

/// One line per series and change in a file, `series<tab>id:rows id:rows`; the last line of a series counts. For one
/// parser; the file is written anew when it is opened.
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
    // A line that a crash tore in two is left out.
    for line in (text.lastIndex(of: "\n").map { text[...$0] } ?? "").split(separator: "\n") {
      let halves = line.split(separator: "\t", omittingEmptySubsequences: false)
      // The file is written anew below: what another program wrote must not be lost.
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
    Failure(.configuration, code: "row_history_foreign", "\(path) is not a row history and is kept; name another file")
  }

  private static func line(_ name: String, _ counts: [RowCount]) -> String { "\(name)\t\(RowSeries.text(counts))\n" }
}
