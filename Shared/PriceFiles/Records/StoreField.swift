/// The meaning of an element in a store, in any dialect.
package enum StoreField: UInt8, CaseIterable, Sendable {
  case chainID, chainName, subChainID, subChainName, storeID, name, type, address, city, zip, latitude, longitude
  case updatedAt, updatedHour

  static var count: Int { allCases.count }

  /// True for fields that stores inherit from the elements around them.
  var isInherited: Bool { rawValue <= StoreField.subChainName.rawValue }
}

/// The meaning of an element name in a store file.
enum StoreMeaning: Sendable, Hashable {
  case field(StoreField)
  /// A list of stores; one store.
  case container, store
  /// A sub-chain: its fields apply to the stores inside.
  case subChain
  /// Only holds other elements.
  case structure
  /// Known and unused.
  case ignored
}

/// The vocabulary of store files. Names compare without case, which also covers the upper-case files of Shufersal
/// (`asx:abap`).
enum StoreNames {
  static let table = NameTable<StoreMeaning>([
    // A B: Root/SubChains/SubChain/Stores/Store · C: Store/Branches/Branch · F: Details/Line
    // CityMarketShops: SubChainsXMLObject/.../SubChainStoresXMLObject/Store · Tiv Taam: NewDataSet/item
    (.container, ["stores", "branches", "details", "subchainstoresxmlobject", "newdataset"]),
    (.store, ["store", "branch", "line", "item"]),
    (.subChain, ["subchain", "subchainxmlobject"]),
    (.structure, ["subchains", "subchainsxmlobject", "header", "envelope", "asx:values", "chain", "root"]),

    (.field(.chainID), ["chainid"]),
    (.field(.chainName), ["chainname"]),
    (.field(.subChainID), ["subchainid"]),
    (.field(.subChainName), ["subchainname"]),
    (.field(.storeID), ["storeid"]),
    (.field(.name), ["storename"]),
    (.field(.type), ["storetype"]),
    (.field(.address), ["address"]),
    (.field(.city), ["city"]),
    (.field(.zip), ["zipcode"]),
    (.field(.latitude), ["latitude"]),
    (.field(.longitude), ["longitude"]),
    (.field(.updatedAt), ["lastupdatedate"]),
    (.field(.updatedHour), ["lastupdatetime"]),

    (.ignored, [
      "bikoretno", "xmldocversion", "dllverno", "xs:schema", "promos",
    ]),
  ])
}
