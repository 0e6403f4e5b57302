import Core
import Feeds
import SimulatorServer

/// The bars of the time before the simulated market began, by formula: a function of seed, symbol and minute, so that
/// years of them cost nothing until they are asked for. Prices are hundredths.
///
/// In regular hours a twentieth of the minutes has no bar, in the hours before and after nine tenths have none.
package struct PastBars: Sendable {
  private let seed: UInt64
  private let calendar: NYSECalendar
  private let symbols: Set<String>
  /// Nanoseconds since 1970; the live market's bars come after it.
  package let range: Range<Int64>

  private static let second: Int64 = 1_000_000_000
  private static let minute = 60 * second

  init(seed: UInt64, symbols: [String], range: Range<Int64>) throws(Failure) {
    self.seed = seed
    self.symbols = Set(symbols)
    self.range = range
    calendar = try NYSECalendar()
  }

  /// The first `most` bars that start in a range; the earliest first.
  package func bars(
    _ symbol: String, _ interval: BarInterval, in asked: ClosedRange<Int64>, most: Int = .max
  ) -> [SimulatedEvent] {
    let from = max(asked.lowerBound, range.lowerBound)
    let to = min(asked.upperBound, range.upperBound - 1)
    guard symbols.contains(symbol), from <= to, most > 0 else { return [] }
    let word = symbol.utf8.reduce(seed) { splitMix64($0 ^ UInt64($1)) }
    var bars: [SimulatedEvent] = []
    let days = calendar.day(of: from / Self.second)...calendar.day(of: to / Self.second)
    for day in days where bars.count < most {
      guard let session = calendar.session(on: day) else { continue }
      let midnight = calendar.zone.midnight(of: day) * Self.second
      if interval == .day {
        if (from...to).contains(midnight), let bar = sum(symbol, word, session.open..<session.close, midnight) {
          bars.append(bar)
        }
        continue
      }
      var time = session.preOpen
      while time < session.postClose, bars.count < most {
        defer { time += interval.minutes * 60 }
        guard (from...to).contains(time * Self.second) else { continue }
        let end = min(time + interval.minutes * 60, session.postClose)
        let bar = interval == .minute
          ? bar(symbol, word, time, session) : sum(symbol, word, time..<end, time * Self.second, session)
        if let bar { bars.append(bar) }
      }
    }
    return bars
  }

  /// The bar of a minute, in seconds since 1970.
  private func bar(
    _ symbol: String, _ word: UInt64, _ time: Int64, _ session: NYSECalendar.Session
  ) -> SimulatedEvent? {
    let minute = UInt64(time / 60)
    let dice = splitMix64(word ^ minute &* 0x9e37_79b9)
    let isRegular = session.range(.regular).contains(time)
    guard isRegular ? dice % 20 != 0 : dice % 10 == 0 else { return nil }
    let (open, close) = (price(word, minute &- 1), price(word, minute))
    var bar = SimulatedEvent(
      number: 0, kind: .bar, symbol: symbol, eventNs: time * Self.second, price: open,
      size: 100 + Int64((dice >> 20) % 9_000))
    bar.high = max(open, close) + Int64((dice >> 34) % 9)
    bar.low = min(open, close) - Int64((dice >> 38) % 9)
    bar.close = close
    bar.trades = 1 + Int64((dice >> 44) % 200)
    return bar
  }

  /// Two waves of a day and of three months about a price of the symbol's own, and noise of the minute.
  private func price(_ word: UInt64, _ minute: UInt64) -> Int64 {
    func wave(_ period: UInt64, _ height: UInt64) -> Int64 {
      let place = minute % period
      return Int64(min(place, period - place) * height / period)
    }
    let base = 5_000 + Int64(word % 40_000)
    return base + wave(1_440, 400) + wave(131_071, 3_000) + Int64(splitMix64(word &+ minute) % 11)
  }

  private func sum(
    _ symbol: String, _ word: UInt64, _ seconds: Range<Int64>, _ startNs: Int64,
    _ session: NYSECalendar.Session? = nil
  ) -> SimulatedEvent? {
    guard let session = session ?? calendar.session(on: calendar.day(of: seconds.lowerBound)) else { return nil }
    var sum: SimulatedEvent?
    for time in stride(from: seconds.lowerBound, to: seconds.upperBound, by: 60) {
      guard let bar = bar(symbol, word, time, session) else { continue }
      guard var whole = sum else {
        sum = bar
        continue
      }
      whole.high = max(whole.high, bar.high)
      whole.low = min(whole.low, bar.low)
      whole.close = bar.close
      whole.size += bar.size
      whole.trades += bar.trades
      sum = whole
    }
    sum?.eventNs = startNs
    return sum
  }
}

extension ZoneTable {
  /// When a day begins, in seconds since 1970.
  func midnight(of day: Int64) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    return instant(year: date.year, month: date.month, day: date.day).epochSeconds
  }
}
