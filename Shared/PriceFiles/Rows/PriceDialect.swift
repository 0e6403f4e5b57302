/// The families of price files, named after who first published them. Reading does not depend on it: it is told
/// from the rows for metrics and for people.
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

/// What was seen of a file that tells the dialects apart.
struct DialectEvidence {
  var hasProducts = false
  var hasShortName = false
  var hasUpdateTime = false
  var hasLowerCaseRoot = false
  var hasEnvelope = false
  var hasGroups = false

  mutating func note(_ name: UnsafeBufferPointer<UInt8>) {
    switch name.count {
    case 4: if ElementNames.equals(name, "sale") { hasProducts = true }
      if name.elementsEqual("root".utf8) { hasLowerCaseRoot = true }
    case 6: if ElementNames.equals(name, "branch") { hasProducts = true }
      if ElementNames.equals(name, "itemnm") { hasShortName = true }
    case 7: if ElementNames.equals(name, "product") { hasProducts = true }
    case 5: if ElementNames.equals(name, "chain") { hasGroups = true }
    case 8:
      if ElementNames.equals(name, "asx:abap") { hasLowerCaseRoot = true }
      if ElementNames.equals(name, "orderxml") { hasEnvelope = true }
    case 15: if ElementNames.equals(name, "priceupdatetime") { hasUpdateTime = true }
    default: break
    }
  }

  var dialect: PriceDialect {
    if hasEnvelope { return .superPharm }
    if hasProducts { return .bigID }
    if hasUpdateTime || hasGroups { return .common2026 }
    if hasShortName { return .bina }
    return hasLowerCaseRoot ? .shufersal : .cerberus
  }
}
