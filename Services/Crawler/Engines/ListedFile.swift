import Core
import PriceFiles
import Values

/// A price file as a source lists it.
package struct ListedFile: Hashable, Sendable {
  /// The chain's name in messages: the catalogue's, or one derived from the source.
  package var chain: String
  /// As published; part of the message key.
  package var fileName: String
  /// The parsed name.
  package var name: PriceFileName
  /// In bytes; nil when the source does not give it exactly.
  package var size: Int64?
  /// Size and time as the source writes them: with the name they distinguish one publication from the next.
  package var version: String
  /// The URL; nil when the engine derives or requests it later.
  package var link: String?
  /// When the link expires, where the source gives it: those that expire first are announced first.
  package var linkExpires: Timestamp?

  package var fingerprint: Fingerprint { Fingerprint(fileName: fileName, version: version) }
}

/// Distinguishes two publications under one name: the first 16 bytes of SHA-256(name, NUL, version).
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
  package var high: UInt64
  package var low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  package init(fileName: String, version: String) {
    let input = Array(fileName.utf8) + [0] + Array(version.utf8)
    let digest = SHA256.hash(input).bytes
    func word(_ start: Int) -> UInt64 { digest[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
    self.init(high: word(0), low: word(8))
  }

  /// - Parameter text: 32 lower-case hex digits.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
      let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }

  package var description: String { Self.hex(high) + Self.hex(low) }

  private static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
