import Values

/// The unit of a unit price, normalised: `100 גרם` is a tenth of a kilogram.
package struct UnitOfMeasure: Hashable, Sendable {
  package enum Unit: String, CaseIterable, Sendable {
    case kilogram = "kg"
    case litre = "l"
    case metre = "m"
    /// A piece, or a package of them.
    case unit
  }

  package var unit: Unit
  /// Price per measure times `multiplier` is the price per `unit`; at most 6 decimals.
  package var multiplier: ExactDecimal

  /// The price per `unit`, without trailing zeros beyond the agorot; nil when the published price is zero, which
  /// portals write for "unknown", or the result has too many digits.
  package func price(of published: ExactDecimal) -> ExactDecimal? {
    guard published.mantissa > 0 else { return nil }
    let (product, isTooLarge) = published.mantissa.multipliedReportingOverflow(by: multiplier.mantissa)
    guard !isTooLarge else { return nil }
    var (mantissa, scale) = (product, Int(published.scale) + Int(multiplier.scale))
    while scale > 2, mantissa % 10 == 0 { (mantissa, scale) = (mantissa / 10, scale - 1) }
    return ExactDecimal(mantissa: mantissa, scale: scale)
  }

  /// - Parameter text: as published, trimmed: an optional amount and a word of ``words``, with `ל` (per) before either.
  /// - Returns: nil when the text names no unit: `0.00`, `100.00`, `לא ידוע`.
  package init?(_ text: UnsafeBufferPointer<UInt8>) {
    guard !text.isEmpty, text.count <= 40 else { return nil }
    var spelling = Substring(Self.plainQuotes(String(decoding: text, as: UTF8.self).lowercased()))
    if spelling.hasPrefix("ל-") { spelling = spelling.dropFirst(2) }
    if spelling.first == "/" { spelling = spelling.dropFirst() }
    let number = spelling.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == ",") }
    let word = String(spelling.dropFirst(number.count).drop { $0 == " " })
    guard let (unit, millionths) = Self.words[word] else { return nil }
    self.unit = unit
    let digits = Array((number.isEmpty ? "1" : number).utf8)
    guard let amount = ExactDecimal(published: digits.span.bytes), amount.mantissa > 0,
      amount.mantissa < 1_000_000_000, amount.scale <= 6
    else { return nil }
    // 1 / (amount * millionths / 1,000,000), to 6 decimals, rounded half up.
    let dividend = (0..<Int(amount.scale) + 12).reduce(Int64(1)) { power, _ in power * 10 }
    let (divisor, isTooLarge) = amount.mantissa.multipliedReportingOverflow(by: millionths)
    guard !isTooLarge, divisor < 1_000_000_000_000_000_000 else { return nil }
    var (mantissa, scale) = ((dividend + divisor / 2) / divisor, 6)
    while scale > 0, mantissa % 10 == 0 { (mantissa, scale) = (mantissa / 10, scale - 1) }
    guard let multiplier = ExactDecimal(mantissa: mantissa, scale: scale), mantissa > 0 else { return nil }
    self.multiplier = multiplier
  }

  /// Each word with its unit and its size in millionths of it. The spellings are those of published files and of the
  /// languages spoken there, in singular and plural and with every mark of abbreviation. A missing word is counted by
  /// name; see ``UnitCache/forEachUnknown``.
  private static let words: [String: (Unit, Int64)] = {
    let spellings: [(Unit, Int64, String)] = [
      (.kilogram, 1, "מ\"ג|מג|מיליגרם|מיליגרמים|mg|milligram|milligrams|ملغ|ملجم"),
      (.kilogram, 1_000, """
        גרם|גרמים|גר|גר'|ג'|ג|לגרם|לגר'|g|gr|gr.|gm|gram|grams|gramme|grammes|غرام|جرام|غم|جم|غ|г|гр|грамм
        """),
      // "שקיל" is sold by weight, whose price is that of a kilogram.
      (.kilogram, 1_000_000, """
        ק"ג|קג|ק'ג|ק.ג|ק.ג.|קילו|קילוגרם|קילוגרמים|לק"ג|לקג|לקילו|לקילוגרם|שקיל|kg|kgs|kg.|kilo|kilos|kilogram|kilograms|
        كغ|كغم|كجم|كيلو|كيلوغرام|كيلوجرام|кг
        """),
      (.kilogram, 1_000_000_000, "טון|טונות|ton|tonne|tonnes|طن|т"),
      (.litre, 1_000, """
        מ"ל|מל|מ'ל|מ.ל|מ.ל.|מיליליטר|מיליליטרים|למ"ל|למל|סמ"ק|cc|ml|ml.|milliliter|milliliters|millilitre|millilitres|
        مل|ملل|ملليلتر|мл
        """),
      (.litre, 10_000, "ס\"ל|סנטיליטר|cl|centiliter|centilitre|سل"),
      (.litre, 100_000, "ד\"ל|דציליטר|dl|deciliter|decilitre"),
      (.litre, 1_000_000, """
        ליטר|ליטרים|לליטר|ליט'|ליט|ל'|ltr|lit|l|lt|l.|liter|litre|liters|litres|لتر|ل|л|литр
        """),
      (.metre, 1_000, "מ\"מ|ממ|מילימטר|מילימטרים|mm|millimeter|millimetre|مم|мм"),
      (.metre, 10_000, """
        ס"מ|סמ|ס'מ|סנטימטר|סנטימטרים|לס"מ|cm|centimeter|centimetre|centimeters|centimetres|سم|см
        """),
      (.metre, 1_000_000, "מטר|מטרים|מ'|מטר רץ|למטר|m|mtr|meter|metre|meters|metres|متر|м|метр"),
      (.unit, 1_000_000, """
        יחידה|יחידות|יח'|'יח|יח|יח.|יחי'|יחי|יחיד'|ליחידה|ליח'|ליח|מארז|מארזים|למארז|מאר'|חבילה|חבילות|חב'|אריזה|אריזות|
        שקית|שקיות|בקבוק|בקבוקים|פחית|פחיות|קופסה|קופסא|קופסאות|קרטון|קרטונים|גליל|גלילים|צנצנת|צנצנות|שפופרת|מנה|מנות|
        טבליה|טבליות|כמוסה|כמוסות|קפסולה|קפסולות|כביסה|כביסות|שטיפה|שטיפות|מגבון|מגבונים|דף|דפים|
        unit|units|un|each|ea|ea.|pc|pcs|pc.|pcs.|piece|pieces|item|items|package|packages|pack|packs|pkg|pk|bag|bags|
        bottle|bottles|can|cans|box|boxes|roll|rolls|jar|jars|tablet|tablets|capsule|capsules|
        قطعة|قطع|حبة|حبات|وحدة|عبوة|عبوات|علبة|علب|كيس|шт|шт.|штука|упаковка
        """),
    ]
    var words: [String: (Unit, Int64)] = [:]
    for (unit, millionths, names) in spellings {
      for name in names.split(whereSeparator: { $0 == "|" || $0 == "\n" }) { words[String(name)] = (unit, millionths) }
    }
    return words
  }()

  /// Abbreviations use quotation marks of every kind.
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

/// The units of one file: its rows share a few spellings, each parsed once.
struct UnitCache {
  private var spellings: [[UInt8]] = []
  private var units: [UnitOfMeasure?] = []
  /// Rows per spelling; of spellings beyond the capacity, the rows that name no unit.
  private var counts: [Int] = []
  private var uncounted = 0
  /// Index into `spellings` by a hash of the bytes; -1 is free.
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
      counts[known] += 1
      return units[known]
    }
    let unit = UnitOfMeasure(text)
    guard spellings.count < 256 else {
      if unit == nil { uncounted += 1 }
      return unit
    }
    slots[slot] = Int16(spellings.count)
    spellings.append(Array(text))
    units.append(unit)
    counts.append(1)
    return unit
  }

  /// Spellings that name no unit and are not just a number (`0.00`), with their number of rows.
  func forEachUnknown(_ body: (String, Int) -> Void) {
    for (index, spelling) in spellings.enumerated() where units[index] == nil {
      let word = String(decoding: spelling, as: UTF8.self)
      if word.contains(where: \.isLetter) { body(String(word.prefix(40)), counts[index]) }
    }
    if uncounted > 0 { body("(others)", uncounted) }
  }
}
