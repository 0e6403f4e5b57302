import Core
import Masters
import Messages
import ParserService
import PriceFiles
import Values

/// The parser's work on one file alone: from compressed bytes to messages.
struct ParseMeasure: Sendable {
  private let zone: ZoneTable
  private var masters: MasterIndex?

  init(zone: ZoneTable) { self.zone = zone }

  /// From now on products are recognised by their GTINs, and all of this file are known, as for most files of a chain.
  mutating func learn(productsOf packed: [UInt8]) throws {
    let index = MasterIndex(mode: .full)
    let lookup = MasterLookup(index)
    var masters: [ProductMaster] = []
    func take(_ row: borrowing PriceRow) {
      let number = GTIN(row.unsafeText(.code))
      guard case .new(let key) = lookup.find(row, number), lookup.mint(key) else { return }
      let brand = row.string(.manufacturer)
      masters.append(ProductMaster(
        new: key, name: row.string(.name), brand: brand.isEmpty ? nil : brand, text: lookup.words(of: row),
        sourceFileID: "measured", mintedAt: .epoch))
    }
    let reader = PriceFileReader(zone: zone)
    try packed.withUnsafeBytes { bytes in
      try lookup.holding {
        _ = try reader.feed(bytes) { take($0) }
        _ = try reader.finish { take($0) }
      }
    }
    index.change { writer in
      for master in masters { _ = writer.put(master) }
    }
    self.masters = index
  }

  /// - Returns: the number of messages of the file.
  func messages(of packed: [UInt8]) throws -> Int {
    let message = FileDownloaded(
      chain: "measured", s3Path: nil, localPath: "/", fileName: "PriceFull7290058140886-029-202310021200.gz")
    let file = try FileToParse(message, sha256: SHA256.hash([]), recordTime: nil, zone: zone)
    var plan = ReadingPlan()
    while true {
      let reading = FileReading(
        file, headers: MessageHeaders(), limits: PriceFileLimits(), maxItems: ProductsIngestWriter.maxItems,
        mode: .holding(.max), plan: plan, zone: zone,
        masters: masters.map { MasterLookup($0) })
      if try reading.feed(packed) != .restart, let report = try reading.finish() { return report.messageCount }
      plan = reading.nextPlan
    }
  }
}
