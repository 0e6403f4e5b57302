import Runtime

/// Why a name is not one of a price file. Names come from portals: a listing holds other files too.
package enum PriceFileNameError: ClassifiedError, Equatable {
  case empty
  case tooLong(Int)
  /// Something else than letters, digits, dashes and dots.
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
    case .tooManyParts(let count): "\(count) parts before the date, at most sub-chain and store are known; \(grammar)"
    }
  }
}
