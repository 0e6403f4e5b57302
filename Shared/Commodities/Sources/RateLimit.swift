/// The request limit of a provider: `5/s`, `300/m`, `10/h`, `500/d`.
///
/// A token bucket of size `burst` that fills at the rate: any period of length t sees at most burst + t * rate
/// requests.
package struct RateLimit: Hashable, Sendable, CustomStringConvertible {
  package var count: Int
  package var interval: Duration
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

  package var description: String {
    let seconds = Int(interval.components.seconds)
    let unit = Self.units.first { $0.value == seconds }?.key ?? "\(seconds)s"
    return "\(count)/\(unit), burst \(burst)"
  }
}
