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
    package var chainID: String?
    package var chainName: String?
    package var subChainID: String?
    package var subChainName: String?
    package var storeID: String
    package var name: String?
    package var type: Int64?
    package var address: String?
    package var city: String?
    package var zip: String?
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

  package var batchID: String
  package var fileID: String
  package var fileName: String?
  package var fileTime: Timestamp
  package var chain: String
  package var sequence: Int64
  /// No batch of the file follows, and all of it was read: of the chain ids that the file has branches of, what it does
  /// not name has closed.
  package var isLast: Bool
  package var chainIDs: [String]
  package var stores: [Store]

  package static let topic = Topics.storesIngest

  package init(
    fileID: String, fileName: String? = nil, fileTime: Timestamp, chain: String, sequence: Int64 = 0,
    isLast: Bool = true, chainIDs: [String] = [], stores: [Store]
  ) {
    batchID = IngestHeader.batchID(fileID: fileID, sequence: sequence)
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

  package static let blank = Self(fileID: "", fileTime: .epoch, chain: "", isLast: false, stores: [])
  package static let fields = ObjectFields(blank)

  /// - Precondition: at most 500 stores.
  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    precondition(stores.count <= Self.maxStores, "a batch holds at most 500 stores")
    try coder.required("batch_id", &batchID, "`<file_id>-<sequence in 6 digits>`")
    try coder.required("file_id", &fileID, "32 hexadecimal digits that name the file's content under its name")
    try coder.field("file_name", &fileName, "The portal's name for the file")
    try coder.required("file_time", &fileTime, "When the chain made the file")
    try coder.required("chain", &chain, "Name of the source in the catalogue, else the 13-digit chain id")
    try coder.field("sequence", &sequence, "Number of the batch within its file, from 0")
    try coder.field(
      "last", &isLast,
      "No batch of the file follows and all of it was read: branches that it does not name have closed")
    try coder.list(
      "chain_ids", &chainIDs,
      "In the last batch of several: the chain ids of the branches in those before it", atMost: Self.maxStores)
    try coder.list(
      "stores", &stores, "The branches, in the order of the file", isRequired: true, atMost: Self.maxStores)
  }
}

extension StoresIngest.Store: FieldwiseObject {
  package static let blank = Self(storeID: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.field(
      "chain_id", &chainID, "As published, 13 digits as a rule; that of the file where the branch has none")
    try coder.field("chain_name", &chainName, "Name of the chain, as published")
    try coder.field("sub_chain_id", &subChainID, "Number of the sub-chain, without leading zeros")
    try coder.field("sub_chain_name", &subChainName, "Name of the sub-chain, as published")
    try coder.required("store_id", &storeID, "Number of the store, without leading zeros")
    try coder.field("name", &name, "Name of the store, as published")
    try coder.field("type", &type, "Kind of store by the regulation: 1 a shop, 2 online, 3 both")
    try coder.field("address", &address, "Street and number, as published")
    try coder.field("city", &city, "A name, or the number of the Central Bureau of Statistics, as published")
    try coder.field("zip", &zip, "Postal code, as published")
    try coder.field("latitude", &latitude, "Where the store is [degrees]")
    try coder.field("longitude", &longitude, "Where the store is [degrees]")
  }
}
