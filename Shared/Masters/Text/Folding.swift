/// What one Unicode scalar of a product name means for comparing names.
///
/// Hebrew and Latin are spelled out; other alphabets are lowered and kept as they are.
enum Folding {
  /// A letter is its folded code unit; the other values are below every letter.
  static let separator: UInt16 = 0
  /// Written or not, the word is the same: vowel points, zero-width and direction marks.
  static let nothing: UInt16 = 1
  /// Quotation marks and geresh: inside a word nothing (`ק"ג`), at its end the mark of an abbreviation.
  static let quote: UInt16 = 2
  static let point: UInt16 = 3
  static let percent: UInt16 = 4
  /// Between numbers: pieces times size.
  static let times: UInt16 = 5
  /// A point between digits, else a separator.
  static let comma: UInt16 = 6

  /// Of the scalars up to U+07FF, which Latin, Cyrillic and Hebrew lie in.
  nonisolated(unsafe) static let table: UnsafePointer<UInt16> = {
    let table = UnsafeMutablePointer<UInt16>.allocate(capacity: 0x800)
    for value in UInt32(0)..<0x800 { table[Int(value)] = Unicode.Scalar(value).map(folded) ?? separator }
    return UnsafePointer(table)
  }()

  @inline(__always)
  static func fold(_ scalar: UInt32) -> UInt16 {
    scalar < 0x800 ? table[Int(scalar)] : Unicode.Scalar(scalar).map(folded) ?? separator
  }

  @inline(__always)
  static func isDigit(_ unit: UInt16) -> Bool { unit &- 0x30 <= 9 }
  @inline(__always)
  static func isLetter(_ unit: UInt16) -> Bool { unit >= 0x61 }

  private static func folded(_ scalar: Unicode.Scalar) -> UInt16 {
    switch scalar.value {
    case 0x30...0x39: return UInt16(scalar.value)
    case 0x61...0x7A: return UInt16(scalar.value)
    case 0x41...0x5A: return UInt16(scalar.value + 32)
    case 0x22, 0x27, 0x60, 0xB4, 0x5F3, 0x5F4, 0x2018...0x201F: return quote
    case 0x2E: return point
    case 0x2C: return comma
    case 0x25: return percent
    case 0x2A, 0xD7: return times
    case 0x5BE, 0x5C0, 0x5C3, 0x5C6: return separator  // maqaf and other Hebrew punctuation
    case 0x591...0x5C7: return nothing  // vowel points and accents
    case 0xAD, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2069, 0xFEFF: return nothing
    case 0x5D0...0x5EA: return hebrew(scalar.value)
    case 0xC0...0x17F: return latin(scalar)
    default: break
    }
    // The Hebrew presentation forms, and letters of other alphabets: decided by what Unicode says of them.
    if 0xFB1D...0xFB4F ~= scalar.value { return presentation(scalar.value) }
    guard scalar.properties.isAlphabetic else {
      return scalar.properties.generalCategory == .nonspacingMark ? nothing : separator
    }
    let lowered = scalar.properties.lowercaseMapping.unicodeScalars.first?.value ?? scalar.value
    // Beyond the first plane nothing is sold yet; such letters only have to differ from the others.
    return lowered <= 0xFFFF ? UInt16(lowered) : UInt16(truncatingIfNeeded: lowered) | 0x8000
  }

  /// Final letters become their other form.
  private static func hebrew(_ value: UInt32) -> UInt16 {
    switch value {
    case 0x5DA, 0x5DD, 0x5DF, 0x5E3, 0x5E5: UInt16(value + 1)
    default: UInt16(value)
    }
  }

  /// Letters with diacritics become the letter they are written with.
  private static func latin(_ scalar: Unicode.Scalar) -> UInt16 {
    let base = Array(
      "aaaaaaaceeeeiiiidnooooo ouuuuybsaaaaaaaceeeeiiiidnooooo ouuuuyby"
        .utf8)
    if scalar.value < 0x100 {
      let index = Int(scalar.value) - 0xC0
      return index < base.count && base[index] != 0x20 ? UInt16(base[index]) : separator
    }
    // Latin Extended-A lists its letters alphabetically, upper case before lower case.
    let extended = Array(
      ("aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
        + "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs").utf8)
    let index = Int(scalar.value) - 0x100
    return index < extended.count ? UInt16(extended[index]) : separator
  }

  private static func presentation(_ value: UInt32) -> UInt16 {
    let bases: [UInt32: UInt32] = [
      0xFB1D: 0x5D9, 0xFB1F: 0x5D9, 0xFB20: 0x5E2, 0xFB21: 0x5D0, 0xFB22: 0x5D3, 0xFB23: 0x5D4, 0xFB24: 0x5DB,
      0xFB25: 0x5DC, 0xFB26: 0x5DE, 0xFB27: 0x5E8, 0xFB28: 0x5EA, 0xFB4B: 0x5D5, 0xFB4C: 0x5D1, 0xFB4D: 0x5DB,
      0xFB4E: 0x5E4, 0xFB4F: 0x5D0, 0xFB2A: 0x5E9, 0xFB2B: 0x5E9, 0xFB2C: 0x5E9, 0xFB2D: 0x5E9, 0xFB2E: 0x5D0,
      0xFB2F: 0x5D0,
    ]
    if let base = bases[value] { return UInt16(base) }
    // The letters with a dot inside keep the alphabet's order.
    return 0xFB30...0xFB4A ~= value ? hebrew(0x5D0 + value - 0xFB30) : separator
  }
}
