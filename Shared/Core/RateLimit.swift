/// A request limit of a provider: `5/s`, `300/m`, `10/h`, `500/d`.
///
/// Seconds, minutes and hours are a token bucket of size `burst` that fills at the rate: any period of length t sees at
/// most burst + t * rate requests. A day is a calendar day of the provider's: `count` requests from midnight to
/// midnight, at any pace.
package struct RateLimit: Hashable, Sendable, CustomStringConvertible {
  package var count: Int
  package var interval: Duration
  /// Of no meaning for a day.
  package var burst: Int

  /// - Parameter burst: nil for the tokens of one second, but at least one.
  package init(count: Int, per interval: Duration, burst: Int? = nil) {
    precondition(count > 0 && interval > .zero, "a rate is above 0")
    self.count = count
    self.interval = interval
    self.burst = burst ?? max(1, Int(Double(count) / (interval / .seconds(1))))
  }

  /// - Returns: nil when the text is not a number from 1 to a million and one of the units.
  package init?(_ text: String, burst: Int? = nil) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(parts[0]),
      (1...1_000_000).contains(count), let seconds = Self.units[String(parts[1])]
    else { return nil }
    self.init(count: count, per: .seconds(seconds), burst: burst)
  }

  private static let units: [String: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]

  /// Counted from midnight to midnight.
  package var isDaily: Bool { interval == .seconds(86_400) }

  /// `300/m`.
  package var text: String {
    let seconds = Int(interval.components.seconds)
    return "\(count)/\(Self.units.first { $0.value == seconds }?.key ?? "\(seconds)s")"
  }

  package var description: String { isDaily ? text : "\(text), burst \(burst)" }
}

/// All limits of one account at a provider. They hold together: a request takes one token of each.
package struct RateLimits: Hashable, Sendable {
  package var limits: [RateLimit]
  /// IANA name of the zone in which the provider's days begin.
  package var zone: String

  /// - Parameter limits: at most one of a day.
  package init(_ limits: [RateLimit] = [], zone: String = "UTC") {
    self.limits = limits
    self.zone = zone
  }

  package var daily: RateLimit? { limits.first(where: \.isDaily) }
}
