import Core
import Values

/// Names of objects: `<folder>/date=YYYY-MM-DD/symbol=COMI/<name>`.
///
/// The date is that of the bar, in the exchange's time zone. Symbols are percent-encoded except for letters, digits,
/// `_`, `-` and `.`, as in Hive partitions: no symbol names another folder, and distinct symbols stay distinct.
package struct ObjectNames: Hashable, Sendable {
  /// The first folder; no slash at either end.
  package var folder: String

  /// Longer text is not a symbol. Encoded, three times as many bytes still fit into one part of a key.
  package static let maxSymbolBytes = 64

  func directory(date: LocalDateTime.Day, symbol: String) -> String {
    "\(folder)/date=\(date)/symbol=\(Self.encode(symbol))"
  }

  /// `part-00003-00000000000000004711.jsonl.gz`
  static func part(_ partition: Int32, first: Int64, codec: ObjectCodec) -> String {
    "part-\(zeroPadded(partition, 5))-\(zeroPadded(first, 20)).jsonl\(codec.suffix)"
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
}
