import Catalogue
import Core
import Kafka
import Messages
import Pipeline
import PriceFiles
import Values

/// Encodes promotions and branches of one file as messages. Promotions go from the file's bytes to the message's bytes;
/// branches are few and become values.
struct RecordEncoder: ~Copyable {
  private let file: FileToParse
  private let headers: MessageHeaders
  private let encoded: EncodedMessages
  private var writer: PromotionsIngestWriter?
  private var key: [UInt8] = []
  private var stores: [StoresIngest.Store] = []
  /// A message of branches ends at this many bytes of text, so its JSON fits into a record.
  private static let storeBytes = 400_000
  private var storeBytesHeld = 0

  /// Chain ids of the branches sent so far.
  private var chainIDs: Set<String> = []

  init(_ file: FileToParse, headers: MessageHeaders, into encoded: EncodedMessages) {
    self.encoded = encoded
    self.file = file
    self.headers = headers
  }

  /// - Throws: `no_store` at the first promotion, when the store is unknown.
  mutating func append(_ row: borrowing PromotionOrStore) throws(Failure) {
    switch row {
    case .promotion(let promotion): try append(promotion)
    case .store(let store): append(store)
    }
  }

  /// Ends the last message.
  /// - Parameters:
  ///   - isComplete: the whole file was read, and the last message says so: rows that it does not name have ended.
  ///   - alsoNamed: ids of unusable promotions.
  mutating func finish(isComplete: Bool, alsoNamed: [String]) {
    if writer != nil { sendPromotions(isLast: isComplete, alsoNamed: alsoNamed) }
    if !stores.isEmpty { sendStores(isLast: isComplete && encoded.oversized == 0) }
  }

  // MARK: - Promotions

  private mutating func append(_ promotion: borrowing PromotionRow) throws(Failure) {
    if writer == nil { try begin(promotion.file) }
    guard write(promotion) == .full else { return }
    sendPromotions(isLast: false)
    writer?.beginBatch(sequence: Int64(encoded.count))
    _ = write(promotion)
  }

  private mutating func begin(_ identifiers: FileIdentifiers) throws(Failure) {
    var header = try file.header(identifiers)
    key = RecordKey.bytes(chain: header.chain, header.storeID)
    header.isFull = header.fileType == .promoFull
    writer = PromotionsIngestWriter(header: header)
  }

  private mutating func write(_ row: borrowing PromotionRow) -> PromotionsIngestWriter.Outcome {
    guard let id = row.bytes(.id) else { return .tooLarge }
    writer?.begin(
      promotionID: id, description: row.bytes(.description), startsAt: row.startsAt, endsAt: row.endsAt,
      updatedAt: row.updatedAt, rewardType: row.integer(.rewardType), minQty: row.number(.minQty),
      maxQty: row.number(.maxQty), discountRate: row.number(.discountRate), discountType: row.integer(.discountType),
      discountedPrice: row.number(.discountedPrice), discountedUnitPrice: row.number(.discountedUnitPrice),
      minPurchaseAmount: row.number(.minPurchaseAmount), minItems: row.number(.minItems),
      isWeighted: row.flag(.isWeighted), isCoupon: row.flag(.isCoupon), allowMultiple: row.flag(.allowMultiple),
      remarks: row.bytes(.remarks), row: Int64(row.index))
    for index in 0..<row.clubCount { writer?.club(UnsafeRawBufferPointer(row.club(index)).bytes) }
    for index in 0..<row.itemCount {
      let item = row.item(index)
      writer?.item(
        ean: UnsafeRawBufferPointer(item.code).bytes, itemType: item.itemType, isGift: item.isGift,
        groupID: item.groupID.map { UnsafeRawBufferPointer($0) }?.bytes, rewardType: item.rewardType,
        minQty: item.minQty, maxQty: item.maxQty, discountRate: item.discountRate,
        discountedPrice: item.discountedPrice)
    }
    let outcome = writer?.end() ?? .tooLarge
    if outcome == .tooLarge { encoded.refuse(row.string(.id)) }
    return outcome
  }

  private mutating func sendPromotions(isLast: Bool, alsoNamed: [String] = []) {
    guard var writer = self.writer.take() else { return }
    if encoded.output.isEmpty { encoded.output.reserve(records: 4, bytes: FileReading.batchBytes) }
    encoded.output.append(
      topic: Topics.promotionsIngest.name, key: key, value: writer.finish(isLast: isLast, alsoNamed: alsoNamed),
      headers: headers.promotions)
    encoded.count += 1
    self.writer = consume writer
  }

  // MARK: - Branches

  private mutating func append(_ row: borrowing StoreRow) {
    func number(_ field: StoreField) -> ExactDecimal? {
      row.string(field).flatMap { ExactDecimal(published: Array($0.utf8).span.bytes) }
    }
    var bytes = 0
    for field in StoreField.allCases { bytes += row.unsafeText(field).count }
    guard bytes < Self.storeBytes else { return encoded.refuse() }
    if stores.count == StoresIngest.maxStores || storeBytesHeld + bytes > Self.storeBytes { sendStores(isLast: false) }
    storeBytesHeld += bytes
    stores.append(
      StoresIngest.Store(
        chainID: row.string(.chainID) ?? file.chainID, chainName: row.string(.chainName),
        subChainID: row.string(.subChainID).map { PriceFileName.normalized(storeID: $0) },
        subChainName: row.string(.subChainName),
        storeID: PriceFileName.normalized(storeID: row.string(.storeID) ?? ""), name: row.string(.name),
        type: row.string(.type).flatMap { Int64($0) }, address: row.string(.address), city: row.string(.city),
        zip: row.string(.zip), latitude: number(.latitude), longitude: number(.longitude)))
  }

  private mutating func sendStores(isLast: Bool) {
    let message = StoresIngest(
      fileID: file.fileID, fileName: file.fileName, fileTime: file.fileTime, chain: file.chain,
      sequence: Int64(encoded.count), isLast: isLast, chainIDs: isLast ? chainIDs.sorted() : [], stores: stores)
    chainIDs.formUnion(stores.map { $0.chainID ?? "" })
    encoded.output.append(
      topic: Topics.storesIngest.name, key: message.key, value: message.encoded(), headers: headers.stores)
    encoded.count += 1
    stores = []
    storeBytesHeld = 0
  }
}

/// The headers of the messages of one file.
package struct MessageHeaders: Sendable {
  var products: [Header] = []
  var masters: [Header] = []
  var promotions: [Header] = []
  var stores: [Header] = []
  var parsed: [Header] = []
  var alerts: [Header] = []

  /// Version of the model that said which products the rows are.
  static let model = "souk-match-model"

  /// No headers, for benchmarks.
  package init() {}

  /// - Parameters:
  ///   - parent: the `traceparent` of the consumed record.
  ///   - model: version of the model that says which products the rows are.
  init(_ identity: ServiceIdentity, parent: [UInt8]?, model: String? = nil) {
    products = identity.headers(schema: Topics.productsIngest.schema, parent: parent)
    masters = identity.headers(schema: Topics.productsMasters.schema, parent: parent)
    if let model {
      for headers in [\MessageHeaders.products, \.masters] {
        self[keyPath: headers].append(Header(Self.model, Array(model.utf8)))
      }
    }
    promotions = identity.headers(schema: Topics.promotionsIngest.schema, parent: parent)
    stores = identity.headers(schema: Topics.storesIngest.schema, parent: parent)
    parsed = identity.headers(schema: Topics.filesParsed.schema, parent: parent)
    alerts = identity.headers(schema: Topics.alerts.schema, parent: parent)
  }
}
