import Core
import ServiceKit

/// A chart as plain SVG: axes and marks over one range of x and one of y. Colours are the stylesheet's, by class.
struct Plot: Sendable {
  struct Point: Sendable {
    var x, y: Double
    init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
  }
  struct Candle: Sendable {
    var x, open, high, low, close: Double
    init(_ x: Double, open: Double, high: Double, low: Double, close: Double) {
      (self.x, self.open, self.high, self.low, self.close) = (x, open, high, low, close)
    }
  }

  let x: ClosedRange<Double>
  let y: ClosedRange<Double>
  private let width: Double, height: Double
  private let isTime: Bool
  private let unit: String
  /// Of x, in the place of round numbers or times.
  var labels: [(x: Double, text: String)]?
  private var marks: [HTML] = []
  private static let (left, right, top, bottom) = (64.0, 12.0, 22.0, 28.0)

  /// - Parameters:
  ///   - x: milliseconds since 1970 with `isTime`, otherwise numbers. A range of no extent is widened.
  ///   - unit: of y, shown at the top of its axis.
  init(
    x: ClosedRange<Double>, y: ClosedRange<Double>, width: Double = 760, height: Double = 260, isTime: Bool = true,
    unit: String = ""
  ) {
    self.x = x.lowerBound < x.upperBound ? x : x.lowerBound - 1...x.upperBound + 1
    self.y = y.lowerBound < y.upperBound ? y : y.lowerBound - 0.5...y.upperBound + 0.5
    (self.width, self.height, self.isTime, self.unit) = (width, height, isTime, unit)
  }

  /// A range of y with all values in it and some room about them; nil without finite values.
  static func range(_ values: some Sequence<Double>, withZero: Bool = false) -> ClosedRange<Double>? {
    let finite = values.filter(\.isFinite) + (withZero ? [0] : [])
    guard let least = finite.min(), let most = finite.max() else { return nil }
    let room = most > least ? (most - least) * 0.06 : Swift.max(abs(most) * 0.06, 0.5)
    return (withZero && least == 0 ? 0 : least - room)...most + room
  }

  /// Two decimals at most, as SVG reads numbers.
  static func number(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "0" }
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() ? "\(Int64(rounded))" : "\(rounded)"
  }

  private func px(_ value: Double) -> Double {
    Self.left + (value - x.lowerBound) / (x.upperBound - x.lowerBound) * (width - Self.left - Self.right)
  }
  private func py(_ value: Double) -> Double {
    Self.top + (y.upperBound - value) / (y.upperBound - y.lowerBound) * (height - Self.top - Self.bottom)
  }
  private func place(_ point: Point) -> String { "\(Self.number(px(point.x))) \(Self.number(py(point.y)))" }

  private mutating func path(_ words: String, _ style: String, _ title: String?) {
    if words.isEmpty { return }
    marks.append(.tag("path", [.class(style), .named("d", words)], Self.title(title)))
  }
  private static func title(_ text: String?) -> HTML { text.map { .tag("title", [], .text($0)) } ?? .nothing }

  // MARK: - marks

  /// A line through points in the order of x; a value that is not finite interrupts it.
  /// - Parameter style: classes: `s1` to `s6` for colours, `dashed`, `thin`.
  mutating func line(_ points: [Point], _ style: String, title: String? = nil) {
    var words: [String] = []
    var isOpen = false
    for point in points {
      guard point.y.isFinite, point.x.isFinite else {
        isOpen = false
        continue
      }
      words.append((isOpen ? "L" : "M") + place(point))
      isOpen = true
    }
    path(words.joined(), "line \(style)", title)
  }

  /// Values that hold until the next one; the last holds until the end of x.
  mutating func step(_ points: [Point], _ style: String, title: String? = nil) {
    var corners: [Point] = []
    for point in points {
      if let last = corners.last { corners.append(Point(point.x, last.y)) }
      corners.append(point)
    }
    if let last = corners.last { corners.append(Point(x.upperBound, last.y)) }
    line(corners, style, title: title)
  }

  /// The area between two lines over the same x, such as an interval of a forecast.
  mutating func band(lower: [Point], upper: [Point], _ style: String, title: String? = nil) {
    guard lower.count == upper.count, !lower.isEmpty else { return }
    let around = (upper + lower.reversed()).filter { $0.y.isFinite }
    path("M" + around.map(place).joined(separator: "L") + "Z", "band \(style)", title)
  }

  mutating func dots(_ points: [Point], _ style: String, titles: [String] = []) {
    for (index, point) in points.enumerated() where point.y.isFinite {
      marks.append(.tag(
        "circle", [.class("dot \(style)"), .number("cx", px(point.x)), .number("cy", py(point.y)), .number("r", 3)],
        Self.title(index < titles.count ? titles[index] : nil)))
    }
  }

  /// - Parameter wide: of one, in the unit of x.
  mutating func bars(_ points: [Point], wide: Double, _ style: String, titles: [String] = []) {
    let base = py(min(max(0, y.lowerBound), y.upperBound))
    for (index, point) in points.enumerated() where point.y.isFinite {
      rectangle(point.x, wide, from: base, to: py(point.y), "bar \(style)", index < titles.count ? titles[index] : nil)
    }
  }

  private mutating func rectangle(
    _ middle: Double, _ wide: Double, from: Double, to: Double, _ style: String, _ title: String?
  ) {
    let (start, end) = (px(middle - wide / 2), px(middle + wide / 2))
    marks.append(.tag("rect", [
      .class(style), .number("x", start), .number("y", min(from, to)), .number("width", max(1, end - start)),
      .number("height", max(1, abs(to - from))),
    ], Self.title(title)))
  }

  /// - Parameters:
  ///   - wide: of one, in the unit of x.
  ///   - styles: of each besides `up` or `down`, such as `flagged`.
  mutating func candles(_ candles: [Candle], wide: Double, styles: [Int: String] = [:], titles: [String] = []) {
    for (index, candle) in candles.enumerated() {
      let style = (candle.close >= candle.open ? "up" : "down") + (styles[index].map { " \($0)" } ?? "")
      path(
        "M\(place(Point(candle.x, candle.high)))L\(place(Point(candle.x, candle.low)))", "wick \(style)", nil)
      rectangle(
        candle.x, wide, from: py(candle.open), to: py(candle.close), "candle \(style)",
        index < titles.count ? titles[index] : nil)
    }
  }

  /// A part of x that is shaded over the whole height, such as a gap.
  mutating func shade(_ range: ClosedRange<Double>, _ style: String, title: String) {
    guard range.overlaps(x) else { return }
    let range = range.clamped(to: x)
    rectangle(
      (range.lowerBound + range.upperBound) / 2, range.upperBound - range.lowerBound, from: Self.top,
      to: height - Self.bottom, "shade \(style)", title)
  }

  /// A level over the whole width.
  mutating func level(_ value: Double, _ style: String, title: String? = nil) {
    line([Point(x.lowerBound, value), Point(x.upperBound, value)], style, title: title)
  }

  // MARK: - the whole

  /// - Parameter label: what the chart shows, for those who do not see it.
  func svg(_ label: String) -> HTML {
    .tag("svg", [
      .class("plot"), .named("role", "img"), .named("aria-label", label),
      .named("viewBox", "0 0 \(Self.number(width)) \(Self.number(height))"),
    ], all: axes + marks)
  }

  private var axes: [HTML] {
    var parts: [HTML] = []
    for (value, text) in Self.ticks(y, 5) {
      let at = py(value)
      parts.append(.tag("line", [
        .class("grid"), .number("x1", Self.left), .number("x2", width - Self.right), .number("y1", at),
        .number("y2", at),
      ]))
      parts.append(.tag(
        "text", [.class("tick end"), .number("x", Self.left - 6), .number("y", at + 4)], .text(text)))
    }
    for (value, text) in labels ?? (isTime ? Self.times(x) : Self.ticks(x, 6)) {
      parts.append(.tag(
        "text", [.class("tick middle"), .number("x", px(value)), .number("y", height - 8)], .text(text)))
    }
    if !unit.isEmpty {
      parts.append(.tag("text", [.class("tick"), .number("x", 4), .number("y", 11)], .text(unit)))
    }
    return parts
  }

  /// About so many round numbers.
  static func ticks(_ range: ClosedRange<Double>, _ count: Int) -> [(Double, String)] {
    let rough = (range.upperBound - range.lowerBound) / Double(count)
    guard rough > 0, rough.isFinite else { return [] }
    var power = 1.0
    while power * 10 <= rough { power *= 10 }
    while power > rough { power /= 10 }
    let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? power * 10
    var digits = 0
    var unit = step
    while unit < 0.999_999, digits < 8 { (unit, digits) = (unit * 10, digits + 1) }
    // Counted, and not added up: a sum of tenths passes the end that it should meet.
    let first = (range.lowerBound / step - 1e-9).rounded(.up), last = (range.upperBound / step + 1e-9).rounded(.down)
    return stride(from: first, through: last, by: 1).map { ($0 * step, Self.decimal($0 * step, digits)) }
  }

  /// With so many digits behind the point and groups of three before it.
  static func decimal(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 1e15 else { return "\(value)" }
    let whole = Int64(scaled / scale)
    let text = grouped(Int(whole))
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return sign + text }
    let rest = String(Int64(scaled) - whole * Int64(scale))
    return "\(sign)\(text)." + String(repeating: "0", count: max(0, digits - rest.count)) + rest
  }

  /// Round times of UTC, seven at most; x in milliseconds.
  static func times(_ range: ClosedRange<Double>) -> [(Double, String)] {
    let minute = 60_000.0, day = 1_440 * minute
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map { $0 * minute }
      + [1, 2, 7, 14, 30, 61, 91, 183, 365, 730, 1_826].map { $0 * day }
    let span = range.upperBound - range.lowerBound
    let step = steps.first { span / $0 <= 6 } ?? span / 5
    return stride(from: (range.lowerBound / step).rounded(.up) * step, through: range.upperBound, by: step).map {
      let text = RFC3339.text(ns: Int64($0) * 1_000_000, digits: 0)
      return ($0, step < day ? String(text.dropFirst(11).prefix(5)) : String(text.prefix(10)))
    }
  }
}
