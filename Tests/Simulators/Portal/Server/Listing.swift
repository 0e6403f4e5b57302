import Foundation

/// The rows a listing shows and the JSON they come as.
struct Listing: Sendable {
  /// What MainIO_Hok.aspx is asked for. Empty text, `0` and nil all mean "any".
  struct Query: Sendable {
    var type = 0
    /// dd/mm/yyyy
    var date = ""
    var store = ""

    func admits(_ file: PortalFile) -> Bool {
      guard type == 0 || type == file.kind.portalType else { return false }
      guard date.isEmpty || date == file.time.text("D/M/Y") else { return false }
      let wanted = store.drop { $0 == "0" }
      return wanted.isEmpty || wanted == file.storeID.drop { $0 == "0" }
    }
  }

  struct Row: Encodable {
    var FileNm: String
    var Company: String?
    var Store: String?
    var TypeFile: String?
    var DateFile: String?
    var PathLogo: String?
    var FileSize: Int?
    var SPath: String?
  }

  static func json(_ rows: [Row], shape: ChainProfile.ListingShape) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let data =
      switch shape {
      case .array: try encoder.encode(rows)
      case .wrapped: try encoder.encode(["d": rows])
      case .partitions:
        try encoder.encode(
          Dictionary(uniqueKeysWithValues: rows.enumerated().map { (String($0.offset + 1), $0.element) }))
      }
    return Array(data)
  }
}
