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

extension PriceFileName {
  /// - Parameter text: the last component of a path or URL, percent-decoded.
  /// - Throws: `PriceFileNameError` that names the wrong part.
  package init(_ text: some StringProtocol) throws(PriceFileNameError) {
    guard !text.isEmpty else { throw .empty }
    guard text.utf8.count <= Self.maximumLength else { throw .tooLong(text.utf8.count) }
    for character in text where !(character.isASCII && (character.isLetter || character.isNumber)) {
      guard character == "-" || character == "." else { throw .unexpectedCharacter(character) }
    }

    let dot = text.firstIndex(of: ".") ?? text.endIndex
    let fileExtension = dot == text.endIndex ? "" : text[text.index(after: dot)...].lowercased()
    var rest = Substring(text[..<dot].lowercased())

    let isNull = rest.hasPrefix("null")
    if isNull { rest = rest.dropFirst(4) }
    // Longer spellings first: every "pricefull" starts with "price".
    guard let (spelling, type) = Self.types.first(where: { rest.hasPrefix($0.0) }) else { throw .unknownType }
    rest = rest.dropFirst(spelling.count)
    if rest.first == "-" { rest = rest.dropFirst() }

    let parts = rest.split(separator: "-", omittingEmptySubsequences: false)
    let chainID = parts[0]
    guard 6...14 ~= chainID.count, chainID.isDigits else { throw .badChainID(String(chainID)) }
    if let bad = parts.first(where: { !$0.isDigits }) { throw .badPart(String(bad)) }

    // Stores and sub-chains have few digits; the first part of eight or more digits is the date.
    guard let dateIndex = parts.dropFirst().firstIndex(where: { $0.count >= 8 }) else { throw .noDate }
    let (date, joinedTime) = try Self.dateAndTime(parts[dateIndex])
    let places = parts[1..<dateIndex].map { $0.isEmpty ? nil : Self.normalized(storeID: $0) }
    guard places.count <= 2 else { throw .tooManyParts(places.count) }

    var time = joinedTime
    var tail = parts[(dateIndex + 1)...]
    // Six digits after a bare date are a time; after a date with a time they may repeat it. Three digits (`-020`) are a
    // sequence.
    if let candidate = tail.first, candidate.count == 6 {
      let repeats = time != nil && parts[dateIndex].count == 14 && parts[dateIndex].hasSuffix(candidate)
      guard time == nil || repeats else { throw .badPart(String(candidate)) }
      time = try Self.timeOfDay(candidate)
      tail = tail.dropFirst()
    }
    let sequence = tail.popFirst()
    guard tail.isEmpty, sequence.map({ 1...5 ~= $0.count }) ?? true else {
      throw .badPart(String(tail.first ?? sequence ?? ""))
    }

    self.init(
      type: type, chainID: String(chainID), subChainID: places.count == 2 ? places[0] : nil,
      storeID: places.last ?? nil, date: date, time: time, sequence: sequence.map { String($0) }, isNull: isNull,
      fileExtension: fileExtension)
  }

  private static let types: [(String, FileType)] = [
    ("pricefull", .priceFull), ("price", .price), ("promofull", .promoFull), ("promo", .promo),
    ("storesfull", .stores), ("storefull", .stores), ("stores", .stores), ("store", .stores),
  ]

  /// `yyyyMMdd`, `yyyyMMddHHmm`, `yyyyMMddHHmmss`, or thirteen digits: one portal writes seconds without a leading
  /// zero, so that only the minute is used.
  private static func dateAndTime(_ digits: Substring) throws(PriceFileNameError) -> (CivilDate, TimeOfDay?) {
    guard [8, 12, 13, 14].contains(digits.count),
      let date = CivilDate(year: digits.number(0, 4), month: digits.number(4, 2), day: digits.number(6, 2)),
      2000...2099 ~= date.year
    else { throw .badDate(String(digits)) }
    switch digits.count {
    case 8: return (date, nil)
    case 14: return (date, try timeOfDay(digits.dropFirst(8)))
    default: return (date, try timeOfDay(digits.dropFirst(8).prefix(4)))
    }
  }

  private static func timeOfDay(_ digits: Substring) throws(PriceFileNameError) -> TimeOfDay {
    let second = digits.count == 6 ? digits.number(4, 2) : 0
    guard let time = TimeOfDay(hour: digits.number(0, 2), minute: digits.number(2, 2), second: second) else {
      throw .badTime(String(digits))
    }
    return time
  }
}

extension Substring {
  /// True for the empty string too.
  fileprivate var isDigits: Bool { utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } }

  /// The number in `count` ASCII digits.
  fileprivate func number(_ start: Int, _ count: Int) -> Int {
    utf8.dropFirst(start).prefix(count).reduce(0) { $0 * 10 + Int($1) - Int(UInt8(ascii: "0")) }
  }
}

/// Why a name is not the name of a price file. Portals list other files too.
package enum PriceFileNameError: ClassifiedError, Equatable {
  case empty
  case tooLong(Int)
  /// Anything but letters, digits, dashes and dots.
  case unexpectedCharacter(Character)
  case unknownType
  case badChainID(String)
  case noDate
  case badDate(String)
  case badTime(String)
  case badPart(String)
  case tooManyParts(Int)

  package var code: String { "bad_file_name" }
  package var errorClass: ErrorClass { .data }

  package var description: String {
    let grammar = "expected Type ChainId -[SubChain-][Store-]Date[Time][-Sequence][.extension]"
    return switch self {
    case .empty: "the file name is empty; \(grammar)"
    case .tooLong(let length): "the file name has \(length) bytes, more than \(PriceFileName.maximumLength)"
    case .unexpectedCharacter(let character): "unexpected character \"\(character)\" in the file name; \(grammar)"
    case .unknownType: "the file name starts with none of Price, PriceFull, Promo, PromoFull, Stores; \(grammar)"
    case .badChainID(let text): "\"\(text)\" is not a chain id of 6 to 14 digits; \(grammar)"
    case .noDate: "the file name has no date; \(grammar)"
    case .badDate(let text): "\"\(text)\" is not a date of the file name; \(grammar)"
    case .badTime(let text): "\"\(text)\" is not a time of day"
    case .badPart(let text): "\"\(text)\" is neither a store, a date, a time nor a sequence; \(grammar)"
    case .tooManyParts(let count): "\(count) parts before the date, at most sub-chain and store are allowed; \(grammar)"
    }
  }
}
