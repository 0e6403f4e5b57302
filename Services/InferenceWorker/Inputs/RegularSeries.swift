import Messages
import Values

/// Observations at equal distances, which models need, made from observations at any times.
///
/// Slot 0 is the newest. A point belongs to the slot with the nearest time; of several in one slot the newest counts.
/// The series ends at the first older point with another currency or unit.
struct RegularSeries {
  private(set) var slots: [Double?]
  /// How far back the observations reach, in slots; slots beyond are not gaps.
  private(set) var reach = 0
  private(set) var measureChange: InputReason?

  /// - Parameters:
  ///   - known: newest first, at least one.
  ///   - period: microseconds.
  ///   - history: the number of slots.
  init(_ known: [SeriesHistory.Point], measures: [SeriesHistory.Measure], period: Int64, history: Int) {
    slots = [Double?](repeating: nil, count: history)
    guard let newest = known.first else { return }
    for point in known {
      if measures[point.measure] != measures[newest.measure] {
        let isSameUnit = measures[point.measure].unit == measures[newest.measure].unit
        measureChange = isSameUnit ? .currencyChanged : .unitChanged
        break
      }
      let slot = Int((newest.observedAt - point.observedAt + period / 2) / period)
      reach = max(reach, slot + 1)
      guard slot < history else { break }
      if slots[slot] == nil { slots[slot] = point.value.double }
    }
  }

  /// Of the existing values.
  var median: Double? { Self.median(slots.compactMap { $0 }) }

  /// How widely the values lie around `middle`: the median of their distances, scaled to the standard deviation of a
  /// normal distribution; at least a hundredth of the middle, so that a constant price does not make every change an
  /// outlier.
  /// Source: Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", JASA 1993.
  func deviation(around middle: Double) -> Double {
    let distances = slots.compactMap { $0 }.map { abs($0 - middle) }
    return max(1.4826 * (Self.median(distances) ?? 0), abs(middle) / 100)
  }

  private static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Removes the values for which `isBad` is true, except the newest.
  /// - Returns: the number of removed values.
  mutating func remove(where isBad: (Double) -> Bool) -> Int {
    var count = 0
    for slot in slots.indices.dropFirst() {
      if let value = slots[slot], isBad(value) {
        slots[slot] = nil
        count += 1
      }
    }
    return count
  }

  /// The longest run of slots without a value.
  var longestGap: Int {
    var (longest, run) = (0, 0)
    for slot in slots {
      run = slot == nil ? run + 1 : 0
      longest = max(longest, run)
    }
    return longest
  }

  /// Oldest first, with gaps filled: a price stays the same, a demand is zero. Before its first value a price is that
  /// value.
  func filled(_ kind: SeriesKind) -> [Double] {
    var last = kind == .demand ? 0 : slots.last { $0 != nil }.flatMap { $0 } ?? 0
    return slots.reversed().map { value in
      guard let value else { return last }
      if kind == .price { last = value }
      return value
    }
  }
}

extension ExactDecimal {
  /// The nearest binary number.
  var double: Double {
    // Both are exact below 2^53 and 10^22, so one division rounds once; larger ones are parsed from text.
    if mantissa.magnitude < 1 << 53 { return Double(mantissa) / Self.powers[Int(scale)] }
    return Double(description) ?? .nan
  }

  private static let powers: [Double] = (0...maxScale).map { exponent in
    (0..<exponent).reduce(1.0) { power, _ in power * 10 }
  }

  /// The decimal with nine significant digits, the precision of the models, without trailing zeros.
  /// - Returns: nil for a value that is not finite or exceeds 18 digits.
  init?(rounding value: Double) {
    guard value.isFinite else { return nil }
    guard value != 0 else {
      self = .zero
      return
    }
    var exponent = 0
    var bound = 1.0
    let size = abs(value)
    while exponent < Self.maxScale, size >= bound {
      exponent += 1
      bound *= 10
    }
    var scale = max(0, 9 - exponent)
    if exponent == 0 {
      var small = size
      while scale < Self.maxScale, small < 0.1 {
        scale += 1
        small *= 10
      }
    }
    guard let mantissa = Int64(exactly: (value * Self.powers[scale]).rounded(.toNearestOrEven)),
      let decimal = ExactDecimal(mantissa: mantissa, scale: scale)
    else { return nil }
    self = decimal.normalized
  }
}
