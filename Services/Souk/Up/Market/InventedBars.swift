import Core
import Foundation
import Values

/// Invents bars in the shape of those of the exchange: minutes without a trade have none, prices move by ticks, volumes
/// differ by orders of magnitude, and now and then a source's open lies outside the bar's own range.
struct InventedBars {
  /// What is traded, with the price in thousandths of a pound of its first bar.
  static let instruments: [(symbol: String, price: Int64)] = [
    ("ABUK", 52_400), ("ADIB", 27_350), ("AMOC", 8_120), ("BTFH", 3_845), ("CCAP", 2_764), ("CIEB", 21_900),
    ("COMI", 83_500), ("EAST", 31_200), ("EFIH", 17_640), ("EKHO", 12_380), ("EMFD", 8_450), ("ESRS", 78_900),
    ("ETEL", 39_700), ("EXPA", 9_860), ("FWRY", 11_240), ("GBCO", 22_180), ("HELI", 5_430), ("HRHO", 24_600),
    ("ISPH", 9_170), ("JUFO", 25_050), ("MASR", 4_295), ("MFPC", 29_800), ("MNHD", 4_710), ("ORAS", 398_000),
    ("ORWE", 23_400), ("PHDC", 7_820), ("RAYA", 3_015), ("SKPC", 19_340), ("SWDY", 74_100), ("TMGH", 58_300),
  ]
  /// Trading minutes of a day, 10:00 to 14:30.
  static let minutes = 270

  private let zone: ZoneTable

  /// - Throws: `Failure(.configuration)` when the host has no zone database.
  init() throws(Failure) { zone = try ZoneTable(identifier: "Africa/Cairo") }

  /// Writes `<SYMBOL>.csv` for each instrument, the latest trading days before `today`.
  /// - Parameter today: days since 1970-01-01.
  func write(to folder: String, days count: Int = 2, before today: Int64) throws {
    // The exchange trades from Sunday to Thursday.
    let days = (1...Int64(count * 2 + 4)).map { today - $0 }.filter { CivilDate.weekday(daysSinceEpoch: $0) <= 4 }
      .prefix(count).sorted()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (number, instrument) in Self.instruments.enumerated() {
      var walk = PriceWalk(price: instrument.price, seed: UInt64(number + 1))
      var text = "datetime,open,high,low,close,volume\n"
      for day in days {
        let date = CivilDate(daysSinceEpoch: day)
        let opening = zone.instant(year: date.year, month: date.month, day: date.day, hour: 10).epochSeconds
        for minute in 0..<Self.minutes {
          guard let bar = walk.next() else { continue }
          let time = LocalDateTime(microseconds: (opening + Int64(minute) * 60) * 1_000_000) ?? .epoch
          text += "\(time),\(bar)\n"
        }
      }
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(instrument.symbol).csv"))
    }
  }
}

/// The minutes of one instrument: the same for the same seed.
private struct PriceWalk {
  /// Thousandths of a pound.
  private var price: Int64
  /// Prices below two pounds move by thousandths, others by hundredths.
  private var tick: Int64 { price < 4_000 ? 1 : 10 }
  /// Percent of the minutes in which there is a trade.
  private let activity: Int64
  private var state: UInt64

  init(price: Int64, seed: UInt64) {
    self.price = price
    state = seed
    activity = 35 + Int64(seed * 7 % 50)
  }

  /// A number in `0..<bound`: the high half of a linear congruence (Knuth's MMIX constants).
  private mutating func random(_ bound: Int64) -> Int64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int64(state >> 33) % bound
  }

  /// `open,high,low,close,volume`; nil for a minute without a trade.
  mutating func next() -> String? {
    guard random(100) < activity else { return nil }
    let open = price
    let close = max(tick * 20, open + (random(7) - 3) * tick)
    let high = max(open, close) + random(3) * tick
    let low = min(open, close) - random(3) * tick
    price = close
    var volume = 10 + random(90)
    for _ in 0..<random(4) { volume *= 2 + random(9) }
    let shown = random(400) == 0 ? high + tick : open
    return [shown, high, low, close].map(text).joined(separator: ",") + ",\(volume)"
  }

  private func text(_ thousandths: Int64) -> String {
    let decimal = tick == 1
      ? ExactDecimal(mantissa: thousandths, scale: 3) : ExactDecimal(mantissa: thousandths / 10, scale: 2)
    return (decimal ?? .zero).description
  }
}
