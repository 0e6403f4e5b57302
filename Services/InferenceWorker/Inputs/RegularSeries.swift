import Schemas

/// Observations at equal distances, as models want them, made from observations as they came.
///
/// Slot 0 is the newest; a point belongs to the slot whose time is nearest to its own, and of several in one slot the
/// newest counts. Only points of the newest one's currency and unit are comparable: an older one with another ends
/// the series.
struct RegularSeries {
  private(set) var slots: [Double?]
  /// How far back the observations reach; beyond that nothing is missing, there was nothing.
  private(set) var reach = 0
  private(set) var measureChange: InputReason?

  /// - Parameters:
  ///   - known: newest first, at least one.
  ///   - period: microseconds.
  ///   - history: slots that are wanted.
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

  /// Of what is there.
  var median: Double? { Self.median(slots.compactMap { $0 }) }

  /// How widely the values lie around `middle`: the median of their distances, scaled to the standard deviation of a
  /// normal distribution; at least a hundredth of the middle, so that a price that stood still is no trap.
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

  /// Takes out the values that `isBad`, except the newest.
  /// - Returns: how many.
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

  /// Oldest first, with what is missing filled: a price stays what it was, a demand was none. Before the first value
  /// a price is that first one.
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
    // Both are exact below 2^53 and 10^22, so one division rounds once; beyond, the text is read.
    if mantissa.magnitude < 1 << 53 { return Double(mantissa) / Self.powers[Int(scale)] }
    return Double(description) ?? .nan
  }

  private static let powers: [Double] = (0...maxScale).map { exponent in
    (0..<exponent).reduce(1.0) { power, _ in power * 10 }
  }

  /// The decimal with nine significant digits, without zeros at the end of its fraction: models know no more.
  /// - Returns: nil for what is not finite or beyond 18 digits.
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
