import Core
import Foundation

/// The published bars in a file, so that a restart repeats none. Replaced atomically.
///
///     souk-egx-bars<TAB>1<TAB><interval><TAB><form>
///     <symbol><TAB><horizon><TAB><position>:<fingerprint> …
package struct BarState: Sendable {
  package let path: String
  package let interval: BarInterval
  /// `close` or `candle`: the input of the fingerprints.
  package let form: String

  package init(path: String, interval: BarInterval, closeOnly: Bool) {
    self.path = path
    self.interval = interval
    form = closeOnly && interval.isIntraday ? "close" : "candle"
  }

  private var header: String { "souk-egx-bars\t1\t\(interval.rawValue)\t\(form)" }

  /// - Returns: an empty state without a file.
  /// - Throws: `Failure(.configuration)` for a foreign file, or one of another interval.
  package func load(capacity: Int) throws(Failure) -> [String: SeriesMemory] {
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    let text = String(decoding: try readFile(path, limit: 1 << 30), as: UTF8.self)
    var lines = text.split(separator: "\n")[...]
    guard let first = lines.popFirst(), first == header else {
      throw Failure(
        .configuration, code: "state_mismatch",
        "\(path) is not the state of --interval '\(interval.rawValue)' in this form; point --state to another file, or "
          + "remove it (the bars the source still gives are then published again)")
    }
    var series: [String: SeriesMemory] = [:]
    for (index, line) in lines.enumerated() {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard fields.count == 3, let horizon = Int64(fields[1]) else { throw damaged(index) }
      var entries: [SeriesMemory.Entry] = []
      for pair in fields[2].split(separator: " ") {
        let sides = pair.split(separator: ":")
        guard sides.count == 2, let position = Int64(sides[0]), let print = UInt64(sides[1], radix: 16) else {
          throw damaged(index)
        }
        entries.append(.init(position: position, fingerprint: print))
      }
      series[String(fields[0])] = SeriesMemory(capacity: capacity, horizon: horizon, entries: entries)
    }
    return series
  }

  /// - Throws: `Failure(.transient)` when it cannot be written.
  package func save(_ series: [String: SeriesMemory]) throws(Failure) {
    var text = header + "\n"
    for (symbol, memory) in series.sorted(by: { $0.key < $1.key }) {
      text += "\(symbol)\t\(memory.horizon)\t"
      text += memory.entries.map { "\($0.position):\(String($0.fingerprint, radix: 16))" }.joined(separator: " ")
      text += "\n"
    }
    do { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
      throw Failure(.transient, code: "state_unwritable", "cannot write \(path): \(error.localizedDescription)")
    }
  }

  private func damaged(_ index: Int) -> Failure {
    Failure(
      .configuration, code: "state_damaged",
      "\(path), line \(index + 2), cannot be read; remove the file (the bars the source still gives are then "
        + "published again)")
  }
}
