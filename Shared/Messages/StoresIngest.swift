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
    try coder.required("batch_id", &batchID)
    try coder.required("file_id", &fileID)
    try coder.field("file_name", &fileName)
    try coder.required("file_time", &fileTime)
    try coder.required("chain", &chain)
    try coder.field("sequence", &sequence)
    try coder.field("last", &isLast)
    try coder.list("chain_ids", &chainIDs, atMost: Self.maxStores)
    try coder.list("stores", &stores, isRequired: true, atMost: Self.maxStores)
  }
}

extension StoresIngest.Store: FieldwiseObject {
  package static let blank = Self(storeID: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.field("chain_id", &chainID)
    try coder.field("chain_name", &chainName)
    try coder.field("sub_chain_id", &subChainID)
    try coder.field("sub_chain_name", &subChainName)
    try coder.required("store_id", &storeID)
    try coder.field("name", &name)
    try coder.field("type", &type)
    try coder.field("address", &address)
    try coder.field("city", &city)
    try coder.field("zip", &zip)
    try coder.field("latitude", &latitude)
    try coder.field("longitude", &longitude)
  }
}
