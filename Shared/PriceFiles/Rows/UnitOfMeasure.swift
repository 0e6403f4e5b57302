import Schemas

/// What a unit price is for, in one spelling: `100 גרם` is a tenth of a kilogram.
package struct UnitOfMeasure: Hashable, Sendable {
  package enum Unit: String, CaseIterable, Sendable {
    case kilogram = "kg"
    case litre = "l"
    case metre = "m"
    /// A piece, or a package of them.
    case unit
  }

  package var unit: Unit
  /// A price for this measure times `multiplier` is the price of one `unit`; at most 6 decimals.
  package var multiplier: ExactDecimal

  /// The price of one `unit`, without superfluous zeros but with at least the agorot; nil when the published price
  /// is zero, which portals write for "unknown", or has too many digits.
  package func price(of published: ExactDecimal) -> ExactDecimal? {
    guard published.mantissa > 0 else { return nil }
    let (product, isTooLarge) = published.mantissa.multipliedReportingOverflow(by: multiplier.mantissa)
    guard !isTooLarge else { return nil }
    var (mantissa, scale) = (product, Int(published.scale) + Int(multiplier.scale))
    while scale > 2, mantissa % 10 == 0 { (mantissa, scale) = (mantissa / 10, scale - 1) }
    return ExactDecimal(mantissa: mantissa, scale: scale)
  }

  /// - Parameter text: as published, trimmed: an amount or none, a word of ``words``, `ל` (per) before either.
  /// - Returns: nil for what names no unit: `0.00`, `100.00`, `לא ידוע`.
  package init?(_ text: UnsafeBufferPointer<UInt8>) {
    guard !text.isEmpty, text.count <= 40 else { return nil }
    var spelling = Substring(Self.plainQuotes(String(decoding: text, as: UTF8.self).lowercased()))
    if spelling.hasPrefix("ל-") { spelling = spelling.dropFirst(2) }
    if spelling.first == "/" { spelling = spelling.dropFirst() }
    let number = spelling.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let word = String(spelling.dropFirst(number.count).drop { $0 == " " })
    guard let (unit, thousandths) = Self.words[word] else { return nil }
    self.unit = unit
    guard let amount = ExactDecimal(number.isEmpty ? "1" : String(number)), amount.mantissa > 0,
      amount.mantissa < 1_000_000_000, amount.scale <= 6
    else { return nil }
    // 1 / (amount * thousandths / 1000), to 6 decimals, rounded half up.
    let dividend = (0..<Int(amount.scale) + 9).reduce(Int64(1)) { power, _ in power * 10 }
    let divisor = amount.mantissa * thousandths
    var (mantissa, scale) = ((dividend + divisor / 2) / divisor, 6)
    while scale > 0, mantissa % 10 == 0 { (mantissa, scale) = (mantissa / 10, scale - 1) }
    guard let multiplier = ExactDecimal(mantissa: mantissa, scale: scale), mantissa > 0 else { return nil }
    self.multiplier = multiplier
  }

  /// Each word with its unit and how many thousandths of it the word means. The spellings are those of published
  /// files, in the singular, the plural and with whatever mark the portal has for an abbreviation.
  private static let words: [String: (Unit, Int64)] = {
    let spellings: [(Unit, Int64, [String])] = [
      (.kilogram, 1, ["גרם", "גרמים", "גר", "גר'", "ג'", "לגרם", "g", "gr", "gram", "grams"]),
      // The last of the Hebrew ones is "sold by weight", whose price is that of a kilogram.
      (.kilogram, 1000, [
        "ק\"ג", "קג", "ק'ג", "קילו", "קילוגרם", "קילוגרמים", "לק\"ג", "לקג", "שקיל", "kg", "kilo", "kilogram",
        "kilograms",
      ]),
      (.litre, 1, [
        "מ\"ל", "מל", "מ'ל", "מיליליטר", "מיליליטרים", "למ\"ל", "ml", "milliliter", "millilitre",
      ]),
      (.litre, 10, ["סמ\"ק", "cl"]),
      (.litre, 1000, ["ליטר", "ליטרים", "לליטר", "ל'", "l", "lt", "liter", "litre", "liters", "litres"]),
      (.metre, 10, ["ס\"מ", "סמ", "ס'מ", "סנטימטר", "סנטימטרים", "cm"]),
      (.metre, 1000, ["מטר", "מטרים", "מ'", "למטר", "m", "meter", "metre", "meters", "metres"]),
      (.unit, 1000, [
        "יחידה", "יחידות", "יח'", "'יח", "יח", "יחי'", "יחי", "ליחידה", "ליח'", "מארז", "למארז", "חבילה", "unit",
        "units", "each", "pc", "pcs", "piece", "package",
      ]),
    ]
    var words: [String: (Unit, Int64)] = [:]
    for (unit, thousandths, names) in spellings {
      for name in names { words[name] = (unit, thousandths) }
    }
    return words
  }()

  /// Abbreviations are marked with quotes of every kind.
  private static func plainQuotes(_ text: String) -> String {
    let plain = text.unicodeScalars.map { scalar -> Unicode.Scalar in
      switch scalar {
      case "\u{05F4}", "\u{201C}", "\u{201D}", "\u{201E}": "\""
      case "\u{05F3}", "\u{2018}", "\u{2019}", "`", "\u{00B4}": "'"
      default: scalar
      }
    }
    var joined = String.UnicodeScalarView()
    joined.append(contentsOf: plain)
    return String(joined).replacing("''", with: "\"")
  }
}

/// The units of one file: its rows share a few spellings, and each is read once.
struct UnitCache {
  private var spellings: [[UInt8]] = []
  private var units: [UnitOfMeasure?] = []
  /// Index of the spelling in `spellings`, by a hash of its bytes; -1 is free.
  private var slots = [Int16](repeating: -1, count: 256)

  mutating func unit(_ text: UnsafeBufferPointer<UInt8>) -> UnitOfMeasure? {
    if text.isEmpty { return nil }
    var hash = UInt32(truncatingIfNeeded: text.count)
    for byte in text { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    let slot = Int(hash >> 16 & 255)
    let known = Int(slots[slot])
    if known >= 0, spellings[known].count == text.count,
      spellings[known].withUnsafeBufferPointer({ $0.elementsEqual(text) })
    {
      return units[known]
    }
    let unit = UnitOfMeasure(text)
    guard spellings.count < 256 else { return unit }
    slots[slot] = Int16(spellings.count)
    spellings.append(Array(text))
    units.append(unit)
    return unit
  }
}
