/// What an element of a row means, whatever the dialect calls it.
package enum PriceField: UInt8, CaseIterable, Sendable {
  case code, name, manufacturer, unitQty, quantity, unitOfMeasure, unitPrice, isWeighted, price, updatedAt, status

  static var count: Int { allCases.count }
}

/// What an element's name stands for.
enum ElementMeaning: Hashable {
  case field(PriceField)
  /// Known to some dialect, of no use here.
  case ignored
  case container
  case row
  case chainID, chainName, subChainID, storeID
  /// Proves that the file holds promotions or stores.
  case promotions, stores
  case unknown
}

/// The vocabulary of all dialects in one table; names compare without case.
///
/// Where the dialects differ only in spelling, the spellings are aliases, so that a file which mixes them (they
/// exist) is read like any other.
enum ElementNames {
  private static let spellings: [(StaticString, ElementMeaning)] = [
    ("itemcode", .field(.code)),
    ("itemname", .field(.name)), ("itemnm", .field(.name)),
    ("manufacturername", .field(.manufacturer)), ("manufacturename", .field(.manufacturer)),
    ("unitqty", .field(.unitQty)),
    ("quantity", .field(.quantity)),
    ("unitofmeasure", .field(.unitOfMeasure)), ("unitmeasure", .field(.unitOfMeasure)),
    ("unitofmeasureprice", .field(.unitPrice)),
    // The second is spelled with the letter l in one chain's files.
    ("bisweighted", .field(.isWeighted)), ("blsweighted", .field(.isWeighted)),
    ("itemprice", .field(.price)),
    ("priceupdatedate", .field(.updatedAt)), ("priceupdatetime", .field(.updatedAt)),
    ("itemstatus", .field(.status)),

    ("itemtype", .ignored), ("itemid", .ignored), ("qtyinpackage", .ignored), ("allowdiscount", .ignored),
    ("manufacturecountry", .ignored), ("manufacturercountry", .ignored),
    ("manufactureritemdescription", .ignored), ("manufactureitemdescription", .ignored),
    ("lastupdatedate", .ignored), ("lastupdatetime", .ignored), ("lastsaledatetime", .ignored),
    ("xs:schema", .ignored),
    // The root of one dialect's promotions, around the identities: the list inside shows what it is.
    ("promos", .ignored),

    ("items", .container), ("products", .container), ("details", .container),
    ("newdataset", .container),
    ("item", .row), ("product", .row), ("line", .row),
    ("chainid", .chainID), ("chainname", .chainName), ("subchainid", .subChainID), ("storeid", .storeID),

    ("promotions", .promotions), ("promotion", .promotions), ("sales", .promotions),
    ("sale", .promotions), ("promotionid", .promotions), ("promotiondescription", .promotions),
    ("stores", .stores), ("store", .stores), ("subchains", .stores), ("branches", .stores), ("storename", .stores),
    ("storetype", .stores), ("subchainsxmlobject", .stores),
  ]

  private struct Entry {
    var spelling: [UInt8]
    var meaning: ElementMeaning
  }

  private static let byLength: [[Entry]] = {
    var table = [[Entry]](repeating: [], count: 40)
    for (spelling, meaning) in spellings {
      let bytes = Array(UnsafeBufferPointer(start: spelling.utf8Start, count: spelling.utf8CodeUnitCount))
      table[bytes.count].append(Entry(spelling: bytes, meaning: meaning))
    }
    return table
  }()

  /// Asked once per name and file in the usual case: the rows after the first are predicted (see `RowShape`).
  static func meaning(of name: UnsafeBufferPointer<UInt8>) -> ElementMeaning {
    guard name.count < byLength.count else { return .unknown }
    for entry in byLength[name.count] where zip(name, entry.spelling).allSatisfy({ lowercased($0) == $1 }) {
      return entry.meaning
    }
    return .unknown
  }

  static func equals(_ name: UnsafeBufferPointer<UInt8>, _ spelling: StaticString) -> Bool {
    guard name.count == spelling.utf8CodeUnitCount else { return false }
    return name.indices.allSatisfy { lowercased(name[$0]) == spelling.utf8Start[$0] }
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
  }
}
