import Values

/// One usable row: it has a code and a price, and is the row of its code that counts. Valid during the handler's call;
/// texts are UTF-8, trimmed, with references resolved.
package struct PriceRow: ~Copyable {
  /// 0-based, counting every row of the file.
  package let index: Int
  /// Not negative, with the digits of the file.
  package let price: ExactDecimal
  /// nil when absent or not a number.
  package let quantity: ExactDecimal?
  package let unitPrice: ExactDecimal?
  /// The unit of `unitPrice`; nil when the text names no unit.
  package let unit: UnitOfMeasure?
  /// nil unless the file says 1 or 0.
  package let isWeighted: Bool?
  /// nil when absent or unreadable; with Israel's offset.
  package let updatedAt: Timestamp?

  /// The file's own identifiers, as far as they were read.
  package let file: FileIdentifiers

  let fields: UnsafePointer<UnsafeBufferPointer<UInt8>>

  /// nil when the row lacks the element or it is empty.
  @_lifetime(borrow self)
  package func bytes(_ field: PriceField) -> RawSpan? {
    let text = unsafeText(field)
    guard let start = text.baseAddress, !text.isEmpty else { return nil }
    return _overrideLifetime(RawSpan(_unsafeStart: start, byteCount: text.count), borrowing: self)
  }

  /// Empty when the row lacks the element or it is empty. Valid until the handler returns.
  package func unsafeText(_ field: PriceField) -> UnsafeBufferPointer<UInt8> { fields[Int(field.rawValue)] }

  /// A copy, for tests and messages.
  package func string(_ field: PriceField) -> String { String(decoding: unsafeText(field), as: UTF8.self) }
}

/// Identifiers from the root of a file, as published; empty when absent.
package final class FileIdentifiers: Sendable {
  package let chainID: String
  package let subChainID: String
  package let storeID: String

  package init(chainID: String = "", subChainID: String = "", storeID: String = "") {
    self.chainID = chainID
    self.subChainID = subChainID
    self.storeID = storeID
  }
}

/// The meaning of an element in a row, in any dialect.
package enum PriceField: UInt8, CaseIterable, Sendable {
  case code, name, manufacturer, unitQty, quantity, unitOfMeasure, unitPrice, isWeighted, price, updatedAt, status

  static var count: Int { allCases.count }
}

/// The meaning of an element name.
enum ElementMeaning: Hashable, Sendable {
  case field(PriceField)
  /// Known to a dialect and unused.
  case ignored
  case container
  case row
  case chainID, chainName, subChainID, storeID
  /// Proof that the file holds promotions or stores.
  case promotions, stores
  case unknown
}

/// The vocabulary of all dialects in one table; names compare without case.
///
/// Spellings that differ between dialects are aliases, so that a file that mixes them (some do) is read like any other.
enum ElementNames {
  /// Later rows are predicted (see `RowShape`), so that a name is usually looked up once a file.
  static func meaning(of name: UnsafeBufferPointer<UInt8>) -> ElementMeaning { table.meaning(of: name) ?? .unknown }

  private static let table = NameTable<ElementMeaning>([
    (.field(.code), ["itemcode"]),
    (.field(.name), ["itemname", "itemnm"]),
    (.field(.manufacturer), ["manufacturername", "manufacturename"]),
    (.field(.unitQty), ["unitqty"]),
    (.field(.quantity), ["quantity"]),
    (.field(.unitOfMeasure), ["unitofmeasure", "unitmeasure"]),
    (.field(.unitPrice), ["unitofmeasureprice"]),
    // The second is spelled with the letter l in one chain's files.
    (.field(.isWeighted), ["bisweighted", "blsweighted"]),
    (.field(.price), ["itemprice"]),
    (.field(.updatedAt), ["priceupdatedate", "priceupdatetime"]),
    (.field(.status), ["itemstatus"]),

    (.ignored, [
      "itemtype", "itemid", "qtyinpackage", "allowdiscount", "manufacturecountry", "manufacturercountry",
      "manufactureritemdescription", "manufactureitemdescription", "lastupdatedate", "lastupdatetime",
      "lastsaledatetime", "xs:schema",
      // The root of one dialect's promotions, around the identifiers; the list inside shows the kind.
      "promos",
    ]),

    (.container, ["items", "products", "details", "newdataset"]),
    (.row, ["item", "product", "line"]),
    (.chainID, ["chainid"]), (.chainName, ["chainname"]), (.subChainID, ["subchainid"]), (.storeID, ["storeid"]),

    (.promotions, ["promotions", "promotion", "sales", "sale", "promotionid", "promotiondescription"]),
    (.stores, ["stores", "store", "subchains", "branches", "storename", "storetype", "subchainsxmlobject"]),
  ])
}

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
