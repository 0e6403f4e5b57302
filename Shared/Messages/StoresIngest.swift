import Catalogue
import Values

/// Up to 500 branches of one chain, in the order of their file.
///
/// `gogobe.stores.ingest`, key and order `chain`. One file may hold branches of several chain ids (a group that
/// publishes in one place). There are a few hundred branches a day and chain, so this form is the only one: there
/// is no streaming reader.
package struct StoresIngest: FieldwiseMessage {
  package static let maxStores = 500

  /// One branch. Nil is unknown, as are the texts `unknown` and blanks in the file.
  package struct Store: Hashable, Sendable {
    /// As published, 13 digits as a rule; that of the file where the branch has none.
    package var chainID: String?
    package var chainName: String?
    /// Without leading zeros.
    package var subChainID: String?
    package var subChainName: String?
    /// Without leading zeros.
    package var storeID: String
    package var name: String?
    /// The kind by the regulation: 1 a shop, 2 online, 3 both.
    package var type: Int64?
    package var address: String?
    /// A name, or the number of the Central Bureau of Statistics, as published.
    package var city: String?
    package var zip: String?
    /// Degrees.
    package var latitude: ExactDecimal?
    package var longitude: ExactDecimal?

    package init(
      chainID: String? = nil, chainName: String? = nil, subChainID: String? = nil, subChainName: String? = nil,
      storeID: String, name: String? = nil, type: Int64? = nil, address: String? = nil, city: String? = nil,
      zip: String? = nil, latitude: ExactDecimal? = nil, longitude: ExactDecimal? = nil
    ) {
      self.chainID = chainID
      self.chainName = chainName
      self.subChainID = subChainID
      self.subChainName = subChainName
      self.storeID = storeID
      self.name = name
      self.type = type
      self.address = address
      self.city = city
      self.zip = zip
      self.latitude = latitude
      self.longitude = longitude
    }
  }

  /// `<file_id>-<sequence in 6 digits>`.
  package var batchID: String
  package var fileID: String
  package var fileName: String?
  package var fileTime: Timestamp
  package var chain: String
  /// 0-based number of the batch within its file.
  package var sequence: Int64
  /// No batch of the file follows, and all of it was read: of the chain ids that the file has branches of, what it does
  /// not name has closed.
  package var isLast: Bool
  /// Of the last batch of several: the chain ids of the branches in those before it.
  package var chainIDs: [String]
  package var stores: [Store]

  package static let topic = Topics.storesIngest

  package init(
    fileID: String, fileName: String? = nil, fileTime: Timestamp, chain: String, sequence: Int64 = 0,
    isLast: Bool = true, chainIDs: [String] = [], stores: [Store]
  ) {
    batchID = ProductsIngest.batchID(fileID: fileID, sequence: sequence)
    self.fileID = fileID
    self.fileName = fileName
    self.fileTime = fileTime
    self.chain = chain
    self.sequence = sequence
    self.isLast = isLast
    self.chainIDs = chainIDs
    self.stores = stores
  }

  package var key: [UInt8] { Array(chain.utf8) }

  /// - Precondition: at most 500 stores.
  package func encode(into writer: inout JSONWriter) {
    precondition(stores.count <= Self.maxStores, "a batch holds at most 500 stores")
    writer.beginObject()
    writer.field("batch_id", batchID)
    writer.field("file_id", fileID)
    writer.field("file_name", fileName)
    writer.field("file_time", fileTime)
    writer.field("chain", chain)
    writer.field("sequence", sequence)
    writer.field("last", isLast)
    writer.strings("chain_ids", chainIDs)
    writer.key("stores")
    writer.beginArray()
    for store in stores { store.encode(into: &writer) }
    writer.endArray()
    writer.endObject()
  }

  package enum Field: String, CaseIterable, Sendable {
    case batchID = "batch_id"
    case fileID = "file_id"
    case fileName = "file_name"
    case fileTime = "file_time"
    case chain, sequence, last
    case chainIDs = "chain_ids"
    case stores
  }
  package static let fields = FieldTable(Field.self)
  package static let required = fields.mask(.batchID, .fileID, .fileTime, .chain, .stores)

  package static var blank: Self { Self(fileID: "", fileTime: .epoch, chain: "", isLast: false, stores: []) }

  package mutating func read(_ field: Field, from reader: inout JSONReader) throws(DecodingFailure) {
    switch field {
    case .batchID: batchID = try reader.string()
    case .fileID: fileID = try reader.string()
    case .fileName: fileName = try reader.stringOrNull()
    case .fileTime: fileTime = try reader.timestamp(field: field.rawValue)
    case .chain: chain = try reader.string()
    case .sequence: sequence = try reader.integer()
    case .last: isLast = try reader.bool()
    case .chainIDs: chainIDs = try reader.strings(atMost: Self.maxStores)
    case .stores:
      var array = try reader.beginArray()
      while try reader.nextElement(&array) {
        guard stores.count < Self.maxStores else {
          throw DecodingFailure(
            .tooManyItems, at: reader.position, "more stores than a batch may have", item: Self.maxStores)
        }
        stores.append(try Store(&reader, index: array.count - 1))
      }
    }
  }
}

extension StoresIngest.Store {
  func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("chain_id", chainID)
    writer.field("chain_name", chainName)
    writer.field("sub_chain_id", subChainID)
    writer.field("sub_chain_name", subChainName)
    writer.field("store_id", storeID)
    writer.field("name", name)
    writer.field("type", type)
    writer.field("address", address)
    writer.field("city", city)
    writer.field("zip", zip)
    writer.field("latitude", latitude)
    writer.field("longitude", longitude)
    writer.endObject()
  }

  enum Field: String, CaseIterable {
    case chainID = "chain_id"
    case chainName = "chain_name"
    case subChainID = "sub_chain_id"
    case subChainName = "sub_chain_name"
    case storeID = "store_id"
    case name, type, address, city, zip, latitude, longitude
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.storeID)

  init(_ reader: inout JSONReader, index: Int) throws(DecodingFailure) {
    self.init(storeID: "")
    do {
      let table = Self.fields
      var cursor = try reader.beginObject()
      while let field = try reader.nextField(&cursor, of: table) {
        switch field {
        case .chainID: chainID = try reader.stringOrNull()
        case .chainName: chainName = try reader.stringOrNull()
        case .subChainID: subChainID = try reader.stringOrNull()
        case .subChainName: subChainName = try reader.stringOrNull()
        case .storeID: storeID = try reader.string()
        case .name: name = try reader.stringOrNull()
        case .type: type = try reader.integerOrNull()
        case .address: address = try reader.stringOrNull()
        case .city: city = try reader.stringOrNull()
        case .zip: zip = try reader.stringOrNull()
        case .latitude: latitude = try reader.decimalOrNull(field: field.rawValue)
        case .longitude: longitude = try reader.decimalOrNull(field: field.rawValue)
        }
      }
      try reader.require(Self.required, in: cursor, of: table)
    } catch {
      var failure = error
      failure.item = index
      throw failure
    }
  }
}
