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
