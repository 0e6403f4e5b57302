/// One indicator, and where its numbers lie in the registers.
///
/// Each case follows TA-Lib's order of additions and divisions, so that the two differ by no more than what a compiler
/// may change. `bar[2]` is the close of the current bar, `bar[-2]` that of the bar before.
struct IndicatorStep: Sendable {
  let kind: IndicatorSpec.Kind
  private let n, second, third: Int
  /// The periods as numbers, or the factor of the bands.
  private let period, other: Double
  /// Of exponential averages: 2 / (period + 1).
  private let weight, otherWeight, thirdWeight: Double
  private let output, state: Int

  init(_ spec: IndicatorSpec, output: Int, state: Int) {
    kind = spec.kind
    func parameter(_ index: Int) -> Double { spec.parameters.indices.contains(index) ? spec.parameters[index] : 0 }
    (period, other) = (parameter(0), parameter(1))
    (n, second, third) = (Int(parameter(0)), Int(parameter(1)), Int(parameter(2)))
    weight = 2 / (parameter(0) + 1)
    otherWeight = 2 / (parameter(1) + 1)
    thirdWeight = 2 / (parameter(2) + 1)
    self.output = output
    self.state = state
  }

  /// What counts as no difference, as a part of what is compared.
  private static let epsilon = 1e-14

  @inline(__always)
  func update(
    _ registers: UnsafeMutablePointer<Double>, _ bar: UnsafePointer<Double>, _ session: Int64, _ ordinal: Int
  ) {
    let (s, out) = (registers + state, registers + output)
    switch kind {
    case .sma: sma(s, out, bar, ordinal)
    case .ema: out[0] = Self.ema(s, bar[2], ordinal, n, weight)
    case .rsi: rsi(s, out, bar, ordinal)
    case .macd: macd(s, out, bar, ordinal)
    case .bb: bands(s, out, bar, ordinal)
    case .atr: atr(s, out, bar, ordinal)
    case .adx: adx(s, out, bar, ordinal)
    case .stoch: stochastic(s, out, bar, ordinal)
    case .mfi: moneyFlow(s, out, bar, ordinal)
    case .obv: onBalance(s, out, bar, ordinal)
    case .vwap: volumeWeighted(s, out, bar, session, ordinal)
    case .pricedev:
      out[0] = ordinal <= n ? .nan : deviation(bar) { $0[2] / $0[-2] - 1 }
    case .volumedev:
      out[0] = ordinal < n ? .nan : deviation(bar) { $0[3] }
    }
  }

  private typealias Row = UnsafePointer<Double>
  private typealias Registers = UnsafeMutablePointer<Double>

  @inline(__always)
  private func sma(_ s: Registers, _ out: Registers, _ bar: Row, _ o: Int) {
    s[0] += bar[2]
    guard o >= n - 1 else { return out[0] = .nan }
    out[0] = s[0] / period
    s[0] -= bar[2 - 4 * (n - 1)]
  }

  /// Seeded by the mean of the first `n` values.
  /// - Parameter index: of the value, from 0.
  @inline(__always)
  private static func ema(_ s: Registers, _ value: Double, _ index: Int, _ n: Int, _ weight: Double) -> Double {
    if index < n - 1 {
      s[0] += value
      return .nan
    }
    s[0] = index == n - 1 ? (s[0] + value) / Double(n) : (value - s[0]) * weight + s[0]
    return s[0]
  }

  /// Wilder's; 0 where there were neither gains nor losses.
  @inline(__always)
  private func rsi(_ s: Registers, _ out: Registers, _ bar: Row, _ o: Int) {
    guard o > 0 else { return out[0] = .nan }
    let change = bar[2] - bar[-2]
    if o > n {
      s[0] *= period - 1
      s[1] *= period - 1
    }
    if change < 0 { s[1] -= change } else { s[0] += change }
    guard o >= n else { return out[0] = .nan }
    s[0] /= period
    s[1] /= period
    let sum = s[0] + s[1]
    out[0] = sum > 0 ? 100 * (s[0] / sum) : 0
  }

  /// Both averages begin at the same bar: the fast one is seeded by the last bars of the slow one's seed.
  @inline(__always)
  private func macd(_ s: Registers, _ out: Registers, _ bar: Row, _ o: Int) {
    let start = second - 1
    if o >= second - n { _ = Self.ema(s, bar[2], o - (second - n), n, weight) }
    _ = Self.ema(s + 1, bar[2], o, second, otherWeight)
    (out[0], out[1], out[2]) = (.nan, .nan, .nan)
    guard o >= start else { return }
    let difference = s[0] - s[1]
    let signal = Self.ema(s + 2, difference, o - start, third, thirdWeight)
    guard o >= start + third - 1 else { return }
    (out[0], out[1], out[2]) = (difference, signal, difference - signal)
  }

  /// Mean and standard deviation of the population, from the differences themselves: a sum of squares would leave noise
  /// where prices stand still.
  @inline(__always)
  private func bands(_ s: Registers, _ out: Registers, _ bar: Row, _ o: Int) {
    s[0] += bar[2]
    guard o >= n - 1 else { return (out[0], out[1], out[2]) = (.nan, .nan, .nan) }
    let mean = s[0] / period
    s[0] -= bar[2 - 4 * (n - 1)]
    var squares = 0.0
    for back in 0..<n {
      let difference = bar[2 - 4 * back] - mean
      squares += difference * difference
    }
    let width = (squares / period).squareRoot() * other
    (out[0], out[1], out[2]) = (mean + width, mean, mean - width)
  }

  @inline(__always)
  private static func trueRange(_ bar: Row) -> Double {
    let before = bar[-2]
    return max(bar[0] - bar[1], abs(bar[0] - before), abs(bar[1] - before))
  }

  @inline(__always)
  private func atr(_ s: Registers, _ out: Registers, _ bar: Row, _ o: Int) {
    out[0] = .nan
    guard o > 0 else { return }
    let range = Self.trueRange(bar)
    if o < n {
      s[0] += range
      return
    }
    s[0] = o == n ? (s[0] + range) / period : (s[0] * (period - 1) + range) / period
    out[0] = s[0]
  }

  /// Registers: movement down, movement up, true range, and the sum of the first indices or the average.
  @inline(__always)
  private func adx(_ s: Registers, _ out: Registers, _ bar: Row, _ o: Int) {
    out[0] = .nan
    guard o > 0 else { return }
    let (up, down) = (bar[0] - bar[-4], bar[-3] - bar[1])
    if o >= n {
      s[0] -= s[0] / period
      s[1] -= s[1] / period
      s[2] -= s[2] / period
    }
    if down > 0, up < down { s[0] += down } else if up > 0, up > down { s[1] += up }
    s[2] += Self.trueRange(bar)
    guard o >= n else { return }
    if s[2] > 0 {
      let (minus, plus) = (100 * (s[0] / s[2]), 100 * (s[1] / s[2]))
      let sum = minus + plus
      if sum > 0 {
        let index = 100 * (abs(minus - plus) / sum)
        s[3] = o < 2 * n ? s[3] + index : (s[3] * (period - 1) + index) / period
      }
    }
    if o == 2 * n - 1 { s[3] /= period }
    if o >= 2 * n - 1 { out[0] = s[3] }
  }

  /// Registers: the two sums, and the last values that each is made of, in turn.
  @inline(__always)
  private func stochastic(_ s: Registers, _ out: Registers, _ bar: Row, _ o: Int) {
    (out[0], out[1]) = (.nan, .nan)
    let index = o - (n - 1)
    guard index >= 0 else { return }
    var (highest, lowest) = (bar[0], bar[1])
    for back in 1..<max(1, n) {
      highest = max(highest, bar[-4 * back])
      lowest = min(lowest, bar[1 - 4 * back])
    }
    let width = highest - lowest
    let raw = width > Self.epsilon * (abs(highest) + abs(lowest)) ? (bar[2] - lowest) / (width / 100) : 0
    let (first, last) = (s + 2, s + 2 + second)
    s[0] += raw
    first[index % second] = raw
    guard index >= second - 1 else { return }
    let k = s[0] / other
    s[0] -= first[(index + 1) % second]
    let place = index - (second - 1)
    s[1] += k
    last[place % third] = k
    guard place >= third - 1 else { return }
    (out[0], out[1]) = (k, s[1] / Double(third))
    s[1] -= last[(place + 1) % third]
  }

  @inline(__always)
  private static func typical(_ bar: Row) -> Double { (bar[0] + bar[1] + bar[2]) / 3 }

  /// Price times volume, below zero where the typical price fell, zero where it did not move.
  @inline(__always)
  private static func flow(_ bar: Row) -> Double {
    let (price, before) = (typical(bar), typical(bar - 4))
    if abs(price - before) <= epsilon * (abs(price) + abs(before)) { return 0 }
    return price < before ? -(price * bar[3]) : price * bar[3]
  }

  /// Registers: the sums up and down, and how many of the last bars had no flow. Sums that are empty are set to zero,
  /// so that no rounding is left of what was subtracted.
  @inline(__always)
  private func moneyFlow(_ s: Registers, _ out: Registers, _ bar: Row, _ o: Int) {
    out[0] = .nan
    guard o > 0 else { return }
    if o > n {
      let old = Self.flow(bar - 4 * n)
      if old < 0 { s[1] += old } else { s[0] -= old }
    }
    let flow = Self.flow(bar)
    if flow < 0 { s[1] -= flow } else { s[0] += flow }
    s[2] = flow == 0 ? min(s[2] + 1, period) : 0
    if s[2] == period { (s[0], s[1]) = (0, 0) }
    guard o >= n else { return }
    let sum = s[0] + s[1]
    out[0] = sum > 0 ? 100 * (min(max(s[0], 0), sum) / sum) : 0
  }

  @inline(__always)
  private func onBalance(_ s: Registers, _ out: Registers, _ bar: Row, _ o: Int) {
    if o == 0 {
      s[0] = bar[3]
    } else if bar[2] > bar[-2] {
      s[0] += bar[3]
    } else if bar[2] < bar[-2] {
      s[0] -= bar[3]
    }
    out[0] = s[0]
  }

  /// Registers: price times volume, volume, session.
  @inline(__always)
  private func volumeWeighted(_ s: Registers, _ out: Registers, _ bar: Row, _ session: Int64, _ o: Int) {
    if o == 0 || s[2] != Double(session) { (s[0], s[1], s[2]) = (0, 0, Double(session)) }
    s[0] += Self.typical(bar) * bar[3]
    s[1] += bar[3]
    out[0] = s[1] > 0 ? s[0] / s[1] : .nan
  }

  // MARK: - robust deviations

  /// How far a value is from the median of the `n` before, in estimated standard deviations; NaN where half of those
  /// are equal.
  @inline(__always)
  private func deviation(_ bar: Row, _ value: (Row) -> Double) -> Double {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: n) { sorted in
      for back in 1...n { Self.insert(value(bar - 4 * back), into: sorted, at: back - 1) }
      let median = Self.middle(of: sorted)
      for place in 0..<n { Self.insert(abs(sorted[place] - median), into: sorted, at: place) }
      let spread = 1.4826 * Self.middle(of: sorted)
      return spread > 0 ? (value(bar) - median) / spread : .nan
    }
  }

  /// Inserts a value into the `count` first ones, which are sorted.
  @inline(__always)
  private static func insert(_ value: Double, into sorted: UnsafeMutableBufferPointer<Double>, at count: Int) {
    var place = count
    while place > 0, sorted[place - 1] > value {
      sorted[place] = sorted[place - 1]
      place -= 1
    }
    sorted[place] = value
  }

  @inline(__always)
  private static func middle(of sorted: UnsafeMutableBufferPointer<Double>) -> Double {
    let half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }
}
