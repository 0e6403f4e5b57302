import Messages
import PriceFiles
import Values

extension FileParsed {
  /// The message about one file.
  init(
    _ file: FileToParse, _ message: FileDownloaded, _ report: FileReading.Report, at time: Timestamp,
    took duration: Duration
  ) {
    let summary = report.summary
    let isIntact = report.sha256 == file.sha256
    self.init(
      fileID: file.fileID, chain: file.chain, fileName: file.fileName,
      outcome: isIntact ? summary.outcome.rawValue : "sha256_mismatch", fileTime: file.fileTime)
    chainID = summary.chainID.isEmpty ? file.chainID : summary.chainID
    subChainID = Self.known(summary.subChainID) ?? file.subChainID
    storeID = file.storeID ?? (summary.kind == .stores ? nil : Self.known(summary.storeID))
    kind = Self.kind(file, summary)
    dialect = summary.dialect?.rawValue
    reason = isIntact ? summary.defect?.code : "sha256_mismatch"
    rows = Int64(summary.rows)
    distinctCodes = Int64(summary.distinctCodes)
    duplicates = Int64(summary.repeatedRows)
    rejected = Int64(summary.rejected.total + report.oversizedRows)
    itemReferences = Int64(summary.itemReferences)
    batches = report.isPublished(file) ? Int64(report.messageCount) : 0
    unknownElements = summary.unknownNames.mapValues { Int64($0) }
    defects = summary.defects.mapValues { Int64($0) }
    unknownWords = summary.unknownWords.mapValues { Int64($0) }
    compression = summary.compression
    encoding = summary.encoding?.rawValue
    (bytes, xmlBytes) = (Int64(summary.compressedBytes), Int64(summary.inflatedBytes))
    (discoveredAt, downloadedAt, parsedAt) = (message.discoveredAt, message.downloadedAt, time)
    parseMilliseconds = Int64(duration / .milliseconds(1))
  }

  private static func known(_ id: String) -> String? {
    let id = PriceFileName.normalized(storeID: id)
    return id.isEmpty ? nil : id
  }

  /// The type by the file's contents; whether it is full, by its name only.
  private static func kind(_ file: FileToParse, _ summary: PriceFileSummary) -> FileType? {
    guard summary.rows > 0 else { return file.fileType }
    switch summary.kind {
    case .prices: return file.fileType.flatMap { $0.holdsPrices ? $0 : nil } ?? .price
    case .promotions: return file.fileType == .promoFull ? .promoFull : .promo
    case .stores: return .stores
    }
  }
}

extension FileReading.Report {
  /// The object was the announced one, and its rows were published.
  func isPublished(_ file: FileToParse) -> Bool { sha256 == file.sha256 && summary.outcome.rowsAreTrustworthy }

  /// Read from its first to its last row, so that its number of rows can be compared.
  func isWhole(_ file: FileToParse) -> Bool {
    sha256 == file.sha256 && (summary.outcome == .ok || summary.outcome == .empty)
  }
}
