import Foundation

/// The last lines of a log file, for a message about why its writer ended; empty when it cannot be read.
package func tail(of path: String, lines: Int = 12) -> String {
  guard let handle = FileHandle(forReadingAtPath: path), let size = try? handle.seekToEnd() else { return "" }
  defer { try? handle.close() }
  let start = size > 16_384 ? size - 16_384 : 0
  guard (try? handle.seek(toOffset: start)) != nil, let data = try? handle.readToEnd() else { return "" }
  return String(decoding: data, as: UTF8.self)
    .split(separator: "\n").suffix(lines).joined(separator: "\n")
}
