import Catalogue
import Core
import Kafka
import Masters
import Messages
import PriceFiles
import Values

/// What the encoders of one file have made of it. A file holds prices, or promotions, or stores.
final class EncodedMessages {
  /// Messages not yet taken.
  var output = OutgoingBatch()
  var count = 0
  /// Rows too large for a message, and their codes.
  private(set) var oversized = 0
  private(set) var oversizedCodes: [String] = []

  func take() -> OutgoingBatch {
    defer { output = OutgoingBatch() }
    return output
  }

  /// - Parameter code: nil for a row that no message can name.
  func refuse(_ code: String? = nil) {
    oversized += 1
    if let code, oversizedCodes.count <= IngestHeader.maxAlsoNamed { oversizedCodes.append(code) }
  }
}

/// Encodes the rows of one file as messages, from the file's bytes to the message's bytes without intermediate values.
struct BatchEncoder: ~Copyable {
  private let file: FileToParse
  private let headers: MessageHeaders
  private let maxItems: Int
  private let encoded: EncodedMessages
  private var writer: ProductsIngestWriter?
  private var key: [UInt8] = []
  private let chainPrefix: [UInt8]
  private let gtin: UnsafeMutablePointer<UInt8>
  /// nil when only the code identifies a product.
  private let masters: MasterLookup?
  /// Room for one batch of output and the message that exceeds it.
  private static let outputBytes = FileReading.batchBytes + (384 << 10)
  private static let gtinPrefix = Array("gtin:".utf8)

  init(
    _ file: FileToParse, headers: MessageHeaders, maxItems: Int, masters: MasterLookup? = nil,
    into encoded: EncodedMessages
  ) {
    self.masters = masters
    self.encoded = encoded
    self.file = file
    self.headers = headers
    self.maxItems = maxItems
    chainPrefix = Array("\(file.chain):".utf8)
    gtin = .allocate(capacity: GTIN.digits)
    gtin.initialize(repeating: 0, count: GTIN.digits)
  }

  deinit { gtin.deallocate() }

  /// - Throws: `no_store` at the first row, when the store is unknown.
  mutating func append(_ row: borrowing PriceRow) throws(Failure) {
    if writer == nil { try begin(row) }
    guard write(row) == .full else { return }
    flush()
    writer?.begin(sequence: Int64(encoded.count), firstRow: Int64(row.index))
    _ = write(row)
  }

  /// Ends the current message, if it has items.
  mutating func flush() {
    // Moved out and back, because `finish` borrows from the writer.
    guard let count = writer?.count, count > 0, var writer = self.writer.take() else { return }
    // Reserves at once, because growth by doubling touches three times the memory.
    if encoded.output.isEmpty { encoded.output.reserve(records: 16, bytes: Self.outputBytes) }
    encoded.output.append(
      topic: Topics.productsIngest.name, key: key, value: writer.finish(), headers: headers.products)
    encoded.count += 1
    self.writer = consume writer
  }

  /// Adds the message that a full file was read to its end.
  /// - Parameter alsoNamed: codes in unusable rows.
  mutating func close(alsoNamed: [String]) {
    guard var header = writer?.header else { return }
    header.sequence = Int64(encoded.count)
    header.firstRow = 0
    header.isLast = true
    header.alsoNamed = alsoNamed
    var closing = ProductsIngestWriter(header: header)
    encoded.output.append(
      topic: Topics.productsIngest.name, key: key, value: closing.finish(), headers: headers.products)
    encoded.count += 1
  }

  @_lifetime(immortal)
  private static func name(of measure: UnitOfMeasure?) -> RawSpan? {
    guard let measure else { return nil }
    let name: StaticString =
      switch measure.unit {
      case .kilogram: "kg"
      case .litre: "l"
      case .metre: "m"
      case .unit: "unit"
      }
    return _overrideLifetime(RawSpan(_unsafeStart: name.utf8Start, byteCount: name.utf8CodeUnitCount), borrowing: ())
  }

  private mutating func begin(_ row: borrowing PriceRow) throws(Failure) {
    var header = try file.header(row.file)
    header.firstRow = Int64(row.index)
    header.isFull = header.fileType == .priceFull
    key = RecordKey.bytes(chain: header.chain, header.storeID)
    writer = ProductsIngestWriter(header: header, maxItems: maxItems)
  }

  private mutating func write(_ row: borrowing PriceRow) -> ProductsIngestWriter.Outcome {
    guard let code = row.bytes(.code) else { return .tooLarge }
    let number = GTIN(row.unsafeText(.code))
    let found = masters?.find(row, number)
    switch found {
    case .new(let key): publish(key, row)
    case .exact(let key): if number != nil { publishName(key, row) }
    default: break
    }
    number?.write(to: gtin)
    var prefix = number != nil ? Self.gtinPrefix : chainPrefix
    var digits = number != nil
      ? UnsafeRawBufferPointer(start: gtin, count: GTIN.digits) : UnsafeRawBufferPointer(row.unsafeText(.code))
    if number == nil, let id = masters?.id, found != nil, !id.isEmpty { (prefix, digits) = ([], id) }
    let outcome = writer?.append(
      ean: code, price: row.price, masterID: (prefix.span.bytes, digits.bytes), name: row.bytes(.name),
      manufacturer: row.bytes(.manufacturer), unitQty: row.bytes(.unitQty), quantity: row.quantity,
      unitOfMeasure: row.bytes(.unitOfMeasure), unitPrice: row.unitPrice, unit: Self.name(of: row.unit),
      pricePerUnit: row.unitPrice.flatMap { row.unit?.price(of: $0) },
      isWeighted: row.isWeighted,
      priceUpdatedAt: row.updatedAt, row: Int64(row.index))
    if outcome == .tooLarge { encoded.refuse(row.string(.code)) }
    if outcome == .written, let found { masters?.count(found) }
    return outcome ?? .tooLarge
  }

  /// Publishes a new master before the first message that refers to it.
  private mutating func publish(_ key: MasterKey, _ row: borrowing PriceRow) {
    guard let masters, masters.mint(key) else { return }
    var master = master(key, row, masters)
    if let candidate = masters.candidate {
      (master.candidate, master.candidateProbability) = (candidate.master.text, masters.probability)
      master.model = masters.modelVersion
    }
    append(master)
  }

  /// What this chain calls a product that others call otherwise.
  private mutating func publishName(_ recognised: MasterKey, _ row: borrowing PriceRow) {
    guard let masters else { return }
    let key = masters.product(row, of: recognised)
    guard masters.isNewName(row, of: key) else { return }
    var master = master(key, row, masters)
    master.chain = file.chain
    append(master)
    masters.countName()
  }

  private func master(_ key: MasterKey, _ row: borrowing PriceRow, _ masters: MasterLookup) -> ProductMaster {
    let brand = row.string(.manufacturer)
    var master = ProductMaster(
      new: key, name: row.string(.name), brand: brand.isEmpty ? nil : brand, text: masters.words(of: row),
      sourceFileID: file.fileID, mintedAt: file.fileTime)
    (master.price, master.isWeighted) = (row.price, row.isWeighted)
    return master
  }

  private mutating func append(_ master: ProductMaster) {
    encoded.output.append(
      topic: ProductMaster.topic.name, key: master.key, value: master.encoded(), headers: headers.masters)
  }
}
