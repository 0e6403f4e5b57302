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

/// Distinguishes two publications under one name: the first 16 bytes of SHA-256(name, NUL, version), as hex digits.
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(fileName: String, version: String) {
    description = String(SHA256.hash("\(fileName)\u{0}\(version)").hex.prefix(32))
  }

  /// - Returns: nil unless the text is 32 hex digits.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count == 32, text.utf8.allSatisfy({ Hex.value($0) != nil }) else { return nil }
    description = text.lowercased()
  }
}
