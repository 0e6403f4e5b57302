import Core
import Values

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
