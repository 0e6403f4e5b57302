/// `region.country.category.material`, the record key of market data and the name of a series:
/// `mena.egypt.polymer.pvc`.
///
/// Each word is 1 to 63 of `a-z`, `0-9`, `_` and `-`, so that a key is never longer than 255 bytes and never means
/// anything in a pattern.
package struct RoutingKey: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The longest word.
  package static let maxWordBytes = 63
  /// Where something belongs to no region or country, such as a price of a world market.
  package static let world = (region: "global", country: "world")

  package let text: String
  package let category: CommodityCategory
  private let ends: SIMD4<UInt8>

  /// - Returns: nil when a word is no word or the category is unknown.
  package init?(region: String, country: String, category: CommodityCategory, material: String) {
    self.init("\(region).\(country).\(category.rawValue).\(material)")
  }

  /// - Returns: nil when the text is not four words with a known category.
  package init?(_ text: String) {
    let words = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard words.count == 4, words.allSatisfy({ Self.isWord($0) }),
      let category = CommodityCategory(rawValue: String(Substring(words[2])))
    else { return nil }
    self.text = text
    self.category = category
    var ends = SIMD4<UInt8>()
    var end = 0
    for (index, word) in words.enumerated() {
      end += word.count
      ends[index] = UInt8(end)
      end += 1
    }
    self.ends = ends
  }

  package init?(utf8 bytes: RawSpan) {
    guard bytes.byteCount <= 4 * Self.maxWordBytes + 3 else { return nil }
    self.init(bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
  }

  /// What a message has for a key until the key is read.
  package static let placeholder = RoutingKey("global.world.energy.none")!

  package var region: String { word(0) }
  package var country: String { word(1) }
  package var material: String { word(3) }

  package var bytes: [UInt8] { Array(text.utf8) }
  package var description: String { text }

  package static func < (left: Self, right: Self) -> Bool { left.text < right.text }

  /// The word for a name that people write: letters lowered, everything that is no letter or digit of ASCII one
  /// `_`, none at either end: `Copper Wire (1 mm)` is `copper_wire_1_mm`.
  /// - Returns: nil when nothing is left, or more than 63 bytes.
  package static func word(for name: String) -> String? {
    var word: [UInt8] = []
    var isPending = false
    for byte in name.utf8 {
      let lowered = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
      guard isLetterOrDigit(lowered) || lowered == UInt8(ascii: "-") else {
        isPending = !word.isEmpty
        continue
      }
      if isPending { word.append(UInt8(ascii: "_")) }
      isPending = false
      word.append(lowered)
    }
    guard (1...maxWordBytes).contains(word.count) else { return nil }
    return String(decoding: word, as: UTF8.self)
  }

  package static func isWord(_ bytes: some Collection<UInt8>) -> Bool {
    (1...maxWordBytes).contains(bytes.count)
      && bytes.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private func word(_ index: Int) -> String {
    let start = index == 0 ? 0 : Int(ends[index - 1]) + 1
    return String(decoding: text.utf8.dropFirst(start).prefix(Int(ends[index]) - start), as: UTF8.self)
  }
}

/// The third word of a routing key, and the one that picks the topic: what kind of material a series is about.
///
/// Each category has a topic of its own, so that a worker subscribes only to those its pattern can match.
package enum CommodityCategory: String, CaseIterable, Hashable, Sendable {
  /// Resins and compounds: PVC, XLPE.
  case polymer
  /// Foils and tapes: aluminium, mylar.
  case shielding
  /// Braids and wires, bought now and then: copper wire.
  case screening
  /// What other prices follow, such as crude oil.
  case energy
}

/// What a series counts.
package enum SeriesKind: String, CaseIterable, Hashable, Sendable {
  /// Money for one unit of the material.
  case price
  /// Units of the material that are wanted in one period; often zero.
  case demand
}
