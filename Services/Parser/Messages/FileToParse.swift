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
