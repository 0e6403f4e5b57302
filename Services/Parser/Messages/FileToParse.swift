import Core
import Messages
import PriceFiles
import Values

/// A job of the parser: the file, and the fields that all its messages share.
///
/// All fields come from the consumed record, so parsing it again gives the same messages.
package struct FileToParse: Sendable {
  let chain: String
  let fileName: String
  let fileType: FileType?
  /// From the message or the file name; nil when only the file itself has it.
  let storeID: String?
  let chainID: String?
  let subChainID: String?
  let fileTime: Timestamp
  let sha256: SHA256Digest
  let fileID: String

  /// - Parameters:
  ///   - sha256: from the message, or computed when the message has none.
  ///   - recordTime: timestamp of the consumed record, in milliseconds.
  /// - Throws: `no_file_time` when no time is known.
  package init(_ message: FileDownloaded, sha256: SHA256Digest, recordTime: Int64?, zone: ZoneTable) throws(Failure) {
    let name = try? PriceFileName(message.fileName)
    chain = message.chain
    fileName = message.fileName
    fileType = message.fileType ?? name?.type
    storeID = (message.storeID ?? name?.storeID).map { PriceFileName.normalized(storeID: $0) }
    chainID = name.flatMap { $0.isPlaceholder ? nil : $0.chainID }
    subChainID = name?.subChainID
    let recorded = recordTime.flatMap { Timestamp(microseconds: $0 * 1_000) }
    guard let time = message.fileTime ?? name?.fileTime(zone: zone) ?? message.discoveredAt ?? message.downloadedAt
      ?? recorded
    else {
      throw Failure(.data, code: "no_file_time", "neither the message, the file name nor the record has a time")
    }
    fileTime = time
    self.sha256 = sha256
    fileID = Self.fileID(chain: message.chain, fileName: message.fileName, sha256: sha256)
  }

  /// The first 16 bytes, in hexadecimal, of the SHA-256 of chain, file name and the content's SHA-256, separated by
  /// zero bytes: one content under one name is one file, however often it is fetched.
  static func fileID(chain: String, fileName: String, sha256: SHA256Digest) -> String {
    var hash = SHA256()
    hash.update(Array(chain.utf8) + [0] + Array(fileName.utf8) + [0] + Array(sha256.hex.utf8))
    return String(hash.finish().hex.prefix(32))
  }

  /// - Throws: `no_store` when neither the message, the name nor the file gives the store.
  func header(_ file: FileIdentifiers) throws(Failure) -> IngestHeader {
    func known(_ text: String) -> String? { text.isEmpty ? nil : text }
    guard let store = storeID ?? known(PriceFileName.normalized(storeID: file.storeID)) else {
      throw Failure(.data, code: "no_store", "neither the message, the file name nor the file says which store it is")
    }
    var header = IngestHeader(chain: chain, storeID: store, fileID: fileID, fileTime: fileTime)
    header.chainID = known(file.chainID) ?? chainID
    header.subChainID = known(PriceFileName.normalized(storeID: file.subChainID)) ?? subChainID
    (header.fileName, header.fileType) = (fileName, fileType)
    return header
  }
}

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
