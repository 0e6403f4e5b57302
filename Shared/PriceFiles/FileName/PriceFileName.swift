import Core
import Values

/// The name of a published file: `[NULL]Type[-]ChainId-[SubChain-][Store-]Date[Time][-Sequence][.ext]`.
///
/// One grammar covers every form that portals use, often several within one chain.
package struct PriceFileName: Hashable, Sendable {
  package var type: FileType
  /// The published digits; usually the 13-digit GLN of the chain.
  package var chainID: String
  /// Without leading zeros; nil when the name has none.
  package var subChainID: String?
  /// Without leading zeros ("029" and "29" are one store, "000" is "0"); nil when the name has none.
  package var storeID: String?
  /// Israel local.
  package var date: CivilDate
  /// Israel local; nil when the name has no time.
  package var time: TimeOfDay?
  /// The number after the time, as published.
  package var sequence: String?
  /// Published with the prefix `NULL`. Such files may still hold rows.
  package var isNull: Bool
  /// Lower case, without the first dot: "gz", "xml", "xml.gz", "" for none.
  package var fileExtension: String

  package static let maximumLength = 128

  /// True when the chain id is all zeros, which stands for "unknown".
  package var isPlaceholder: Bool { chainID.utf8.allSatisfy { $0 == UInt8(ascii: "0") } }

  /// Strips leading zeros: "029" is "29", "000" is "0".
  package static func normalized(storeID: some StringProtocol) -> String {
    let trimmed = storeID.drop { $0 == "0" }
    return trimmed.isEmpty && !storeID.isEmpty ? "0" : String(trimmed)
  }
}

extension PriceFileName {
  /// The time zone of every portal's names and rows.
  package static let zoneIdentifier = "Asia/Jerusalem"

  /// When the file was made, with its offset; nil for a name without a time, because a date alone would sort the file
  /// before everything else of its day.
  /// - Parameter zone: the table of `zoneIdentifier`. A repeated hour means its first occurrence.
  package func fileTime(zone: ZoneTable) -> Timestamp? {
    guard let time else { return nil }
    let (seconds, offset) = zone.instant(
      year: date.year, month: date.month, day: date.day, hour: time.hour, minute: time.minute, second: time.second)
    return Timestamp(microseconds: seconds * 1_000_000, offsetMinutes: Int(offset) / 60)
  }
}

extension FileType {
  package var holdsPrices: Bool { self == .price || self == .priceFull }
  package var holdsPromotions: Bool { self == .promo || self == .promoFull }

  /// The spelling at the start of a file name.
  package var spelling: String {
    switch self {
    case .price: "Price"
    case .priceFull: "PriceFull"
    case .promo: "Promo"
    case .promoFull: "PromoFull"
    case .stores: "Stores"
    }
  }
}

/// A time of day on a wall clock, to the second.
package struct TimeOfDay: Hashable, Sendable, CustomStringConvertible {
  package let hour: Int
  package let minute: Int
  package let second: Int

  /// - Returns: nil outside 00:00:00...23:59:59.
  package init?(hour: Int, minute: Int, second: Int = 0) {
    guard 0...23 ~= hour, 0...59 ~= minute, 0...59 ~= second else { return nil }
    (self.hour, self.minute, self.second) = (hour, minute, second)
  }

  /// `03:00:00`.
  package var description: String { "\(zeroPadded(hour, 2)):\(zeroPadded(minute, 2)):\(zeroPadded(second, 2))" }
}
