/// What an element of a branch means, whatever the dialect calls it.
package enum StoreField: UInt8, CaseIterable, Sendable {
  case chainID, chainName, subChainID, subChainName, storeID, name, type, address, city, zip, latitude, longitude
  case updatedAt, updatedHour

  static var count: Int { allCases.count }

  /// True for what branches take over from the elements around them.
  var isInherited: Bool { rawValue <= StoreField.subChainName.rawValue }
}

/// What an element's name stands for in a store file.
enum StoreMeaning: Sendable, Hashable {
  case field(StoreField)
  /// A list of branches; one branch.
  case container, store
  /// A sub-chain: what it says of itself holds for the branches inside.
  case subChain
  /// Holds other elements and means nothing itself.
  case structure
  /// Known, and of no use.
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
