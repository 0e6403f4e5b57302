import Core
import Values

/// Names of objects: `<folder>/date=YYYY-MM-DD/symbol=COMI/<name>`.
///
/// The date is that of the record, in the exchange's time zone. Symbols are percent-encoded except for letters, digits,
/// `_`, `-` and `.`, as in Hive partitions: no symbol names another folder, and distinct symbols stay distinct.
package struct ObjectNames: Hashable, Sendable {
  /// The first folder; no slash at either end.
  package var folder: String

  package init(folder: String) { self.folder = folder }

  /// Longer text is not a symbol. Encoded, three times as many bytes still fit into one part of a key.
  package static let maxSymbolBytes = 64

  /// - Parameter date: days since 1970-01-01.
  package func directory(date: Int32, symbol: String) -> String {
    "\(folder)/date=\(CivilDate(daysSinceEpoch: Int64(date)))/symbol=\(Self.encode(symbol))"
  }

  /// `part-00003-00000000000000004711.jsonl.gz`
  package static func part(_ partition: Int32, first: Int64, codec: ObjectCodec) -> String {
    "\(range(partition, first: first)).jsonl\(codec.suffix)"
  }

  /// `part-00003-00000000000000004711`: the name of a range of offsets.
  package static func range(_ partition: Int32, first: Int64) -> String {
    "part-\(zeroPadded(partition, 5))-\(zeroPadded(first, 20))"
  }

  /// `093500000000.json`: hours, minutes, seconds and microseconds of the bar.
  static func record(microsecondsOfDay: Int64) -> String {
    let seconds = microsecondsOfDay / 1_000_000
    let time = seconds / 3600 * 10_000 + seconds / 60 % 60 * 100 + seconds % 60
    return zeroPadded(time, 6) + zeroPadded(microsecondsOfDay % 1_000_000, 6) + ".json"
  }

  static func encode(_ symbol: String) -> String {
    PercentEncoding.encode(symbol) { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
      default: false
      }
    }
  }

  /// What an object's name says of it.
  package struct Parts: Hashable, Sendable {
    package var date: String
    package var symbol: String
    package var partition: Int32
    package var first: Int64
  }

  /// Reads the name of a part; nil for every other name, as of objects that another program has put there.
  package func parts(of key: String) -> Parts? {
    guard key.hasPrefix(folder + "/") else { return nil }
    let segments = key.dropFirst(folder.count + 1).split(separator: "/", omittingEmptySubsequences: false)
    guard segments.count == 3, segments[0].hasPrefix("date="), segments[1].hasPrefix("symbol="),
      let date = CivilDate(segments[0].dropFirst(5)), let symbol = PercentEncoding.decode(segments[1].dropFirst(7))
    else { return nil }
    let words = segments[2].split(separator: "-", omittingEmptySubsequences: false)
    guard words.count == 3, words[0] == "part", words[1].count >= 5, let partition = Int32(words[1]),
      let dot = words[2].firstIndex(of: "."), words[2][..<dot].count == 20, let first = Int64(words[2][..<dot]),
      ObjectCodec.allCases.contains(where: { words[2][dot...] == ".jsonl" + $0.suffix })
    else { return nil }
    return Parts(date: "\(date)", symbol: symbol, partition: partition, first: first)
  }
}
