import Runtime
import Schemas

/// What the name of a published file says: `[NULL]Type[-]ChainId-[SubChain-][Store-]Date[Time][-Sequence][.ext]`.
///
/// One grammar for every form the portals use, side by side and often within one chain:
/// `PriceFull7290058140886-001-202501200300.gz`, `PriceFull7290027600007-001-001-20260828-030000.gz`,
/// `Stores7290027600007-000-20260816-020.gz`, `Stores7290058140886-202211012005.xml`. Letters compare without
/// case. The extension promises nothing about the content: compression is judged by the first bytes.
package struct PriceFileName: Hashable, Sendable {
  package var type: FileType
  /// The digits as published; usually the 13-digit GLN of the chain.
  package var chainID: String
  /// Without leading zeros; nil when the name has none.
  package var subChainID: String?
  /// Without leading zeros ("029" and "29" are one store, "000" is "0"); nil when the name has none.
  package var storeID: String?
  /// Israel local.
  package var date: CivilDate
  /// Israel local; nil when the name has only a date.
  package var time: TimeOfDay?
  /// The number after the time, digits as published.
  package var sequence: String?
  /// Published with the placeholder prefix `NULL`. Such files may still hold rows.
  package var isNull: Bool
  /// Lower case, without the first dot: "gz", "xml", "xml.gz", "" for none.
  package var fileExtension: String

  package static let maximumLength = 128

  package init(
    type: FileType, chainID: String, subChainID: String? = nil, storeID: String? = nil, date: CivilDate,
    time: TimeOfDay? = nil, sequence: String? = nil, isNull: Bool = false, fileExtension: String = "gz"
  ) {
    self.type = type
    self.chainID = chainID
    self.subChainID = subChainID
    self.storeID = storeID
    self.date = date
    self.time = time
    self.sequence = sequence
    self.isNull = isNull
    self.fileExtension = fileExtension
  }

  /// A chain id of nothing but zeros stands for "unknown".
  package var isPlaceholder: Bool { chainID.utf8.allSatisfy { $0 == UInt8(ascii: "0") } }

  /// "029" -> "29", "000" -> "0"; any other text is only trimmed of its leading zeros while digits remain.
  package static func normalized(storeID: some StringProtocol) -> String {
    let trimmed = storeID.drop { $0 == "0" }
    return trimmed.isEmpty && !storeID.isEmpty ? "0" : String(trimmed)
  }
}
