import Core
import StrictYAML
import Values

/// A unit of prices and demands: `t`, `lb`, `bbl`.
///
/// Factors are exact by definition: the international yard and pound (1959), NIST Handbook 44, appendix C, for the
/// US customary ones, the BTU of the International Table (ISO 31-4), and the weights of a bushel that US futures
/// exchanges and the USDA use for each grain.
package struct PhysicalUnit: Hashable, Sendable, CustomStringConvertible {
  /// Units of one dimension convert into each other; the base unit has the factor 1.
  package enum Dimension: String, Hashable, Sendable {
    /// Kilograms.
    case mass
    /// Cubic metres.
    case volume
    /// Megajoules.
    case energy
    /// Metres.
    case length
    /// Square metres.
    case area
    /// Pieces.
    case count
    /// A bushel of an unnamed grain, which converts into nothing.
    case bushel
  }

  /// The symbol in the catalogue and in messages.
  package let symbol: String
  package let dimension: Dimension
  /// The number of base units in one of these.
  package let factor: ExactDecimal

  package var description: String { symbol }

  package static func == (left: PhysicalUnit, right: PhysicalUnit) -> Bool { left.symbol == right.symbol }
  package func hash(into hasher: inout Hasher) { hasher.combine(symbol) }

  /// - Parameter text: a symbol or a name, singular or plural, in any case.
  /// - Returns: nil for an unknown word, and for an ambiguous one: `ton`, `ounce`, `oz`, `hundredweight`.
  package init?(_ text: String) {
    var word = text.lowercased().split(whereSeparator: { $0.isWhitespace || $0 == "_" || $0 == "-" })
      .joined(separator: " ")
    if word.hasSuffix(".") { word.removeLast() }
    guard let unit = Self.byName[word] else { return nil }
    self = unit
  }

  private init(_ symbol: String, _ dimension: Dimension, _ factor: String) {
    guard let factor = ExactDecimal(factor) else { preconditionFailure("\(symbol): \(factor) is no decimal") }
    self.symbol = symbol
    self.dimension = dimension
    self.factor = factor
  }

  /// The symbols, for messages.
  package static let symbols = table.map(\.unit.symbol)

  private static let byName: [String: PhysicalUnit] = {
    var units: [String: PhysicalUnit] = [:]
    for (unit, names) in table {
      let symbol = unit.symbol.replacing("_", with: " ")
      for name in [symbol] + names.split(separator: ",").map({ $0.trimmingPrefix(" ") }).map(String.init) {
        units[name] = unit
        if name.utf8.count > 3 { units[name + "s"] = unit }
      }
    }
    return units
  }()

  private static let table: [(unit: PhysicalUnit, names: String)] = [
    (PhysicalUnit("t", .mass, "1000"), "mt,tonne,metric ton,metric tonne,tonne (metric),metric tons,ton (metric)"),
    (PhysicalUnit("kg", .mass, "1"), "kgs,kilo,kilogram,kilogramme"),
    (PhysicalUnit("g", .mass, "0.001"), "gram,gramme"),
    (PhysicalUnit("quintal", .mass, "100"), ""),
    (PhysicalUnit("lb", .mass, "0.45359237"), "lbs,pound"),
    (PhysicalUnit("ozt", .mass, "0.0311034768"), "toz,t.oz,oz t,oz tr,troy oz,troy ounce,ounce troy"),
    (PhysicalUnit("oz_av", .mass, "0.028349523125"), "avoirdupois ounce,ounce avoirdupois"),
    (PhysicalUnit("cwt", .mass, "45.359237"), "us hundredweight,short hundredweight"),
    (PhysicalUnit("short_ton", .mass, "907.18474"), "us ton,net ton"),
    (PhysicalUnit("long_ton", .mass, "1016.0469088"), "imperial ton,gross ton"),
    (PhysicalUnit("bu_wheat", .mass, "27.2155422"), "bushel of wheat,wheat bushel"),
    (PhysicalUnit("bu_soybeans", .mass, "27.2155422"), "bushel of soybeans,soybean bushel"),
    (PhysicalUnit("bu_corn", .mass, "25.40117272"), "bushel of corn,corn bushel,bu maize,bushel of maize"),
    (PhysicalUnit("bu_sorghum", .mass, "25.40117272"), "bushel of sorghum"),
    (PhysicalUnit("bu_rye", .mass, "25.40117272"), "bushel of rye"),
    (PhysicalUnit("bu_barley", .mass, "21.77243376"), "bushel of barley"),
    (PhysicalUnit("bu_rice", .mass, "20.41165665"), "bushel of rough rice"),
    (PhysicalUnit("bu_oats", .mass, "14.51495584"), "bushel of oats,oat bushel"),
    (PhysicalUnit("bu", .bushel, "1"), "bushel"),
    (PhysicalUnit("m3", .volume, "1"), "m³,cubic metre,cubic meter,cbm"),
    (PhysicalUnit("l", .volume, "0.001"), "ltr,litre,liter"),
    (PhysicalUnit("bbl", .volume, "0.158987294928"), "barrel,barrel of oil"),
    (PhysicalUnit("gal", .volume, "0.003785411784"), "gallon,us gallon,us gal"),
    (PhysicalUnit("gal_imp", .volume, "0.00454609"), "imperial gallon,uk gallon"),
    (PhysicalUnit("mcf", .volume, "28.316846592"), "thousand cubic feet"),
    (PhysicalUnit("mbf", .volume, "2.359737216"), "thousand board feet,1000 board feet"),
    (PhysicalUnit("mmbtu", .energy, "1055.05585262"), "mm btu,million btu,million british thermal unit"),
    (PhysicalUnit("therm", .energy, "105.505585262"), ""),
    (PhysicalUnit("mwh", .energy, "3600"), "megawatt hour,megawatthour"),
    (PhysicalUnit("kwh", .energy, "3.6"), "kilowatt hour,kilowatthour"),
    (PhysicalUnit("gj", .energy, "1000"), "gigajoule"),
    (PhysicalUnit("m", .length, "1"), "metre,meter"),
    (PhysicalUnit("km", .length, "1000"), "kilometre,kilometer"),
    (PhysicalUnit("ft", .length, "0.3048"), "foot,feet"),
    (PhysicalUnit("yd", .length, "0.9144"), "yard"),
    (PhysicalUnit("m2", .area, "1"), "m²,sqm,square metre,square meter"),
    (PhysicalUnit("ft2", .area, "0.09290304"), "sqft,square foot,square feet"),
    (PhysicalUnit("pc", .count, "1"), "pcs,piece,unit,each,ea"),
    (PhysicalUnit("dozen", .count, "12"), ""),
  ]
}

extension PhysicalUnit {
  /// Converts a price per `self` into one per `other`: USD/lb into USD/t is times 1000 / 0.45359237.
  /// - Returns: nil for different dimensions, and for a result with too many digits.
  package func price(_ price: ExactDecimal, per other: PhysicalUnit) -> ExactDecimal? {
    guard dimension == other.dimension else { return nil }
    return other == self ? price : price.multiplied(by: other.factor, over: factor)
  }

  /// Converts a quantity: 500 kg are 0.5 t.
  package func quantity(_ quantity: ExactDecimal, in other: PhysicalUnit) -> ExactDecimal? {
    guard dimension == other.dimension else { return nil }
    return other == self ? quantity : quantity.multiplied(by: factor, over: other.factor)
  }
}

extension ExactDecimal {
  /// Digits of a rounded quotient: more than any provider has, fewer than a decimal holds.
  private static let quotientDigits = 15

  /// `self * factor / divisor`: exact within 15 digits, otherwise rounded half away from zero to 15.
  /// - Returns: nil for a divisor of 0, and on overflow.
  func multiplied(by factor: ExactDecimal, over divisor: ExactDecimal) -> ExactDecimal? {
    guard !divisor.isZero else { return nil }
    let common = Self.commonDivisor(factor.mantissa.magnitude, divisor.mantissa.magnitude)
    guard common > 0 else { return .zero }
    let (upper, lower) = (factor.mantissa / Int64(common), divisor.mantissa / Int64(common))
    // value = mantissa * upper / lower / 10^shift
    var shift = Int(scale) + Int(factor.scale) - Int(divisor.scale)
    let (product, isTooLarge) = Int128(mantissa).multipliedReportingOverflow(by: Int128(upper))
    guard !isTooLarge else { return nil }
    var (rest, denominator) = (product.magnitude, UInt128(lower.magnitude))
    while shift < 0 {
      let (next, overflows) = rest.multipliedReportingOverflow(by: 10)
      guard !overflows else { return nil }
      (rest, shift) = (next, shift + 1)
    }
    while shift > Self.maxScale {
      let (next, overflows) = denominator.multipliedReportingOverflow(by: 10)
      guard !overflows else { return nil }
      (denominator, shift) = (next, shift - 1)
    }
    var (quotient, remainder) = rest.quotientAndRemainder(dividingBy: denominator)
    var digits = quotient == 0 ? 0 : "\(quotient)".utf8.count
    while remainder != 0, digits < Self.quotientDigits, shift < Self.maxScale {
      let (next, overflows) = remainder.multipliedReportingOverflow(by: 10)
      guard !overflows else { break }
      let digit = next.quotientAndRemainder(dividingBy: denominator)
      quotient = quotient * 10 + digit.quotient
      remainder = digit.remainder
      shift += 1
      if quotient != 0 { digits += 1 }
    }
    if remainder >= denominator - remainder { quotient += 1 }
    guard let magnitude = Int64(exactly: quotient) else { return nil }
    let isNegative = (mantissa < 0) != ((upper < 0) != (lower < 0))
    return ExactDecimal(mantissa: isNegative ? -magnitude : magnitude, scale: shift)?.normalized
  }

  private static func commonDivisor(_ left: UInt64, _ right: UInt64) -> UInt64 {
    var (left, right) = (left, right)
    while right != 0 { (left, right) = (right, left % right) }
    return left
  }
}

extension YAMLFields {
  func unit(_ name: String) throws(Failure) -> PhysicalUnit? {
    guard let text = try text(name) else { return nil }
    guard let unit = PhysicalUnit(text) else {
      throw wrong(name, "'\(text)' is none of \(PhysicalUnit.symbols.joined(separator: ", "))")
    }
    return unit
  }
}
