import Glibc
import Values

/// Prices and demand of every material in every country at every time: a function of the seed, so that simulators
/// with equal seeds agree and times can be queried in any order.
///
/// Oil varies over hours, days and months. Other prices follow it, each some hours behind and with a weight and noise
/// of its own. Demand is intermittent: most periods have none.
package struct SimulatedMarket: Sendable {
  package struct Point: Hashable, Sendable {
    package var time: Timestamp
    /// Money in the requested currency, or a number of units.
    package var value: ExactDecimal
  }

  package let seed: UInt64
  /// Seconds from one value to the next.
  package let step: Int64

  private let oil: Noise
  private static let oilNames: Set<String> = ["brent", "wti", "oil", "crude_oil"]
  private static let hour = 3_600.0

  package init(seed: UInt64 = 1, step: Int64 = 3_600) {
    precondition(step > 0, "values have some time between them")
    self.seed = seed
    self.step = step
    oil = Noise(seed, "oil")
  }

  /// The latest `count` values at and before a time, oldest first.
  package func points(
    _ kind: SeriesKind, material: String, country: String, currency: String?, at time: Timestamp, count: Int
  ) -> [Point] {
    let series = Series(self, material: material, country: country)
    let last = (time.microseconds / 1_000_000).flooredQuotient(step)
    return (0..<Int64(max(1, count))).reversed().compactMap { back in
      let place = last - back
      guard let time = Timestamp(microseconds: place * step * 1_000_000) else { return nil }
      let value = kind == .price
        ? series.price(place) * Self.rate(of: currency) : Double(series.demand(place))
      return Self.decimal(value, scale: kind == .price ? 2 : 0).map { Point(time: time, value: $0) }
    }
  }

  /// What one US dollar is, roughly, so that prices of countries differ as they do; 1 for a currency not listed.
  package static func rate(of currency: String?) -> Double { currency.flatMap { rates[$0] } ?? 1 }

  private static let rates = [
    "EGP": 48.5, "SAR": 3.75, "AED": 3.67, "EUR": 0.92, "TRY": 34.2, "INR": 83.5, "CNY": 7.25, "JOD": 0.71, "KWD": 0.31,
    "GBP": 0.79, "MAD": 9.9, "QAR": 3.64, "ILS": 3.7,
  ]

  private static func decimal(_ value: Double, scale: Int) -> ExactDecimal? {
    ExactDecimal(mantissa: Int64((value * pow(10, Double(scale))).rounded()), scale: scale)
  }

  /// US dollars a barrel.
  fileprivate func oilPrice(_ seconds: Double) -> Double {
    func part(_ hours: Double) -> Double { oil.smooth(seconds, period: hours * Self.hour) }
    let log = 0.25 * part(90 * 24) + 0.10 * part(240) + 0.03 * part(36) + 0.01 * part(5)
    return 80 * exp(log)
  }

  private struct Series {
    let market: SimulatedMarket
    let own: Noise
    let isOil: Bool
    /// US dollars for one unit, when oil costs 80.
    let level: Double
    let lag: Double
    let weight: Double
    /// The share of periods with a demand, and its mean there.
    let frequency: Double
    let size: Double

    init(_ market: SimulatedMarket, material: String, country: String) {
      self.market = market
      own = Noise(market.seed, "\(material)/\(country)")
      let common = Noise(market.seed, material)
      isOil = SimulatedMarket.oilNames.contains(material)
      level = isOil ? (material == "wti" ? 0.95 : 1) : exp(6 + 2 * common.chance(1)) * (1 + 0.1 * own.white(2))
      lag = (2 + (22 * common.chance(3)).rounded(.down)) * SimulatedMarket.hour
      weight = 0.3 + 0.6 * common.chance(4)
      frequency = 0.1 + 0.3 * own.chance(5)
      size = 3 + 40 * own.chance(6)
    }

    func price(_ place: Int64) -> Double {
      let seconds = Double(place * market.step)
      if isOil { return level * market.oilPrice(seconds) * exp(0.002 * own.white(place)) }
      let oil = Glibc.log(market.oilPrice(seconds - lag) / 80)
      let noise = 0.04 * own.smooth(seconds, period: 400 * SimulatedMarket.hour) + 0.004 * own.white(place)
      return level * exp(weight * oil + noise)
    }

    func demand(_ place: Int64) -> Int64 {
      // Places of demands and of their sizes are drawn apart.
      guard own.chance(place &* 2 &+ 1_000_000_007) < frequency else { return 0 }
      return 1 + Int64(-size * Glibc.log(1 - own.chance(place &* 2 &+ 1_000_000_008)))
    }
  }
}

extension Int64 {
  fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
