import PriceFiles
import Runtime
import Schemas

/// A price file as a source lists it.
package struct ListedFile: Hashable, Sendable {
  /// The name of the chain in messages: the catalogue's, or what the source makes of it.
  package var chain: String
  /// As published; the name of the message key and of the file at the portal.
  package var fileName: String
  /// What the name says.
  package var name: PriceFileName
  /// In bytes; nil when the source does not say it exactly.
  package var size: Int64?
  /// What the source says of size and time, as written: with the name it tells one publication from the next.
  package var version: String
  /// Where it can be fetched; nil when the engine has to ask or knows how to make it.
  package var link: String?
  /// When the link stops working, where the source says it: those that expire first are announced first.
  package var linkExpires: Timestamp?

  package init(
    chain: String, fileName: String, name: PriceFileName, size: Int64? = nil, version: String, link: String? = nil,
    linkExpires: Timestamp? = nil
  ) {
    self.chain = chain
    self.fileName = fileName
    self.name = name
    self.size = size
    self.version = version
    self.link = link
    self.linkExpires = linkExpires
  }

  package var fingerprint: Fingerprint { Fingerprint(fileName: fileName, version: version) }
}

/// Tells two publications under one name apart: the first 16 bytes of SHA-256(name, NUL, version).
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
