import Values

/// How much of a product one package holds: `1.5 ליטר`, `1500 ml` and `6*250 מ"ל` are the same amount.
package struct ProductSize: Hashable, Sendable, BitwiseCopyable {
  package enum Dimension: UInt8, Sendable, BitwiseCopyable {
    case mass = 1, volume, pieces
  }
  package let dimension: Dimension
  /// Tenths of a gram, millilitre or piece.
  package let tenths: UInt32

  init(_ dimension: Dimension, tenths: UInt32) {
    self.dimension = dimension
    self.tenths = tenths
  }

  /// - Returns: nil for nothing and for what no package holds (over 100 tonnes).
  init?(_ dimension: Dimension, millis: Int64) {
    // Ounces and pounds are rounded on the label: above 100 only whole grams count.
    let tenths = millis >= 100_000 ? (millis + 500) / 1_000 * 10 : (millis + 50) / 100
    guard 1...1_000_000_000 ~= tenths else { return nil }
    self.init(dimension, tenths: UInt32(tenths))
  }

  /// `g`, `ml` or `pc`.
  package var unit: String {
    switch dimension {
    case .mass: "g"
    case .volume: "ml"
    case .pieces: "pc"
    }
  }

  /// In `unit`.
  package var quantity: ExactDecimal {
    (ExactDecimal(mantissa: Int64(tenths), scale: 1) ?? .zero).normalized
  }

  package init?(quantity: ExactDecimal?, unit: String?) {
    guard let quantity, let unit, let thousandths = quantity.thousandths else { return nil }
    let dimension: Dimension
    switch unit {
    case "g": dimension = .mass
    case "ml": dimension = .volume
    case "pc": dimension = .pieces
    default: return nil
    }
    self.init(dimension, millis: thousandths)
  }

  /// A number for hash tables; never 0, which stands for no size.
  var word: UInt64 { UInt64(dimension.rawValue) << 32 | UInt64(tenths) }

  /// The same for grams and millilitres: of what is poured some chains publish the weight, others the volume.
  var amount: UInt64 { dimension == .pieces ? word : UInt64(tenths) }
}

extension ExactDecimal {
  /// nil when negative or too large for a size.
  var thousandths: Int64? {
    guard !isNegative, mantissa < 1_000_000_000_000 else { return nil }
    var value = mantissa
    if scale <= 3 {
      for _ in scale..<3 { value *= 10 }
    } else {
      for _ in 3..<scale { value /= 10 }
    }
    return value
  }
}
