

/// Builds stores from markup. A store inherits chain and sub-chain from the elements around it.
struct StoreDecoder: ~Copyable {
  enum Found: Equatable { case nothing, store }

  private(set) var text: RecordText
  /// The fields of the current store.
  let fields: UnsafeMutablePointer<TextRange>
  private(set) var isTooLarge = false

  private(set) var rowDepth = -1
  private var rowName: [UInt8] = []
  private var skipDepth = -1
  private var target: StoreField?
  private var targetStart = 0
  /// The texts of the elements around stores.
  private var inherited: [[UInt8]]

  init(limit: Int) {
    text = RecordText(limit: limit)
    fields = .allocate(capacity: StoreField.count)
    fields.initialize(repeating: TextRange(), count: StoreField.count)
    inherited = [[UInt8]](repeating: [], count: 4)
  }

  /// Takes over what was read before the file turned out to hold stores.
  mutating func inherit(chainID: String, chainName: String, subChainID: String) {
    inherited = [Array(chainID.utf8), Array(chainName.utf8), Array(subChainID.utf8), []]
  }

  deinit { fields.deallocate() }

  /// - Parameter depth: of the element itself; 1 for the root.
  /// - Returns: false when no dialect has an element of this name.
  mutating func startTag(_ name: UnsafeBufferPointer<UInt8>, depth: Int) -> Bool {
    if skipDepth >= 0 { return true }
    target = nil
    guard let meaning = StoreNames.table.meaning(of: name) else {
      // Unknown elements around stores are fine; those inside a store are skipped.
      if rowDepth >= 0 { skipDepth = depth }
      return rowDepth < 0
    }
    switch meaning {
    case .field(let field):
      if rowDepth < 0, !field.isInherited { break }
      target = field
      targetStart = text.used
    case .container:
      // An apparent store was a list of them: the root of the BigID dialect is called Store.
      rowDepth = -1
    case .store:
      guard depth > 1 else { break }
      rowDepth = depth
      if !name.elementsEqual(rowName) { rowName = Array(name) }
      clear()
    case .subChain:
      inherited[Int(StoreField.subChainID.rawValue)] = []
      inherited[Int(StoreField.subChainName.rawValue)] = []
    case .structure, .ignored: break
    }
    return true
  }

  /// - Returns: `store` when one is complete: it is in `fields` until `clear`.
  mutating func endTag(depth: Int) -> Found {
    if skipDepth >= 0 {
      if depth == skipDepth { skipDepth = -1 }
      return .nothing
    }
    finishElement()
    guard depth == rowDepth else { return .nothing }
    rowDepth = -1
    for field in StoreField.allCases where field.isInherited && fields[Int(field.rawValue)].isEmpty {
      let start = text.used
      inherited[Int(field.rawValue)].withUnsafeBufferPointer { source in
        var none = FieldText()
        _ = text.append(source, isPlain: true, isCDATA: false, cleaner: &none)
      }
      fields[Int(field.rawValue)] = text.range(from: start)
    }
    return .store
  }

  mutating func text(_ piece: UnsafeBufferPointer<UInt8>, isPlain: Bool, isCDATA: Bool, cleaner: inout FieldText) {
    guard target != nil, skipDepth < 0, !isTooLarge else { return }
    if !text.append(piece, isPlain: isPlain, isCDATA: isCDATA, cleaner: &cleaner) { isTooLarge = true }
  }

  /// True for the start tag of a store inside an open one, whose end tag is missing.
  func isNextRow(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    rowDepth >= 0 && name.count == rowName.count && name.elementsEqual(rowName)
  }

  mutating func clear() {
    text.clear()
    isTooLarge = false
    for field in 0..<StoreField.count { fields[field] = TextRange() }
  }

  private mutating func finishElement() {
    guard let field = target else { return }
    target = nil
    let place = text.range(from: targetStart)
    if rowDepth >= 0 {
      if fields[Int(field.rawValue)].isEmpty { fields[Int(field.rawValue)] = place }
    } else {
      inherited[Int(field.rawValue)] = Array(text.text(place))
      text.clear()
    }
  }
}

/// One store of a chain, valid during the handler's call. Texts are UTF-8, trimmed, with references resolved.
package struct StoreRow: ~Copyable {
  /// 0-based, counting every store of the file.
  package let index: Int
  let texts: UnsafePointer<UInt8>
  let fields: UnsafePointer<TextRange>

  /// The store's own value, or the inherited one; empty when there is none, or when the text is a ``Placeholder`` (or a
  /// ZIP code of zeros).
  package func unsafeText(_ field: StoreField) -> UnsafeBufferPointer<UInt8> {
    let text = fields[Int(field.rawValue)].text(in: texts)
    let isUnknown = Placeholder.isUnknown(text) || (field == .zip && text.allSatisfy { $0 == UInt8(ascii: "0") })
    return isUnknown ? UnsafeBufferPointer(start: nil, count: 0) : text
  }

  package func string(_ field: StoreField) -> String? {
    let text = unsafeText(field)
    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
  }
}

/// A record of a file that holds no prices.
package enum PromotionOrStore: ~Copyable {
  case promotion(PromotionRow)
  case store(StoreRow)
}

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
