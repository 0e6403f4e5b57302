/// The families of price files, named after their first publisher. Reading does not depend on it: it is derived from
/// the rows, for metrics and people.
package enum PriceDialect: String, Hashable, Sendable, CaseIterable {
  case cerberus
  /// `ItemNm`.
  case bina
  /// `Prices/Products/Product`.
  case bigID = "bigid"
  /// A lower-case `root`; to 2025.
  case shufersal
  /// `PriceUpdateTime` in ISO 8601; most chains since 2026.
  case common2026 = "common_2026"
  /// `OrderXml/Envelope/Header/Details/Line`; to 2025.
  case superPharm = "super_pharm"
}

/// The signs in a file that tell the dialects apart.
struct DialectEvidence: OptionSet {
  let rawValue: UInt8

  static let products = Self(rawValue: 1)
  static let shortName = Self(rawValue: 2)
  static let updateTime = Self(rawValue: 4)
  static let lowerCaseRoot = Self(rawValue: 8)
  static let envelope = Self(rawValue: 16)
  static let groups = Self(rawValue: 32)

  private static let table = NameTable<Self>([
    (.products, ["sale", "branch", "product"]), (.shortName, ["itemnm"]), (.updateTime, ["priceupdatetime"]),
    (.lowerCaseRoot, ["asx:abap"]), (.envelope, ["orderxml"]), (.groups, ["chain"]),
  ])

  mutating func note(_ name: UnsafeBufferPointer<UInt8>) {
    if name.elementsEqual("root".utf8) { insert(.lowerCaseRoot) }
    if let found = Self.table.meaning(of: name) { insert(found) }
  }

  var dialect: PriceDialect {
    if contains(.envelope) { return .superPharm }
    if contains(.products) { return .bigID }
    if contains(.updateTime) || contains(.groups) { return .common2026 }
    if contains(.shortName) { return .bina }
    return contains(.lowerCaseRoot) ? .shufersal : .cerberus
  }
}
