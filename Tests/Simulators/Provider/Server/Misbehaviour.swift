import Core
import SimulatorServer

/// A fault of a provider.
package struct Misbehaviour: Hashable, Sendable {
  package enum Mode: String, Hashable, Sendable, CaseIterable {
    /// 503.
    case outage
    /// 429; the value is what Retry-After says, 1s by default; 0s says nothing.
    case rateLimit = "rate-limit"
    /// The right answer after the value, 1s by default.
    case slow
    /// 200 with a page of HTML.
    case garbage
    /// 200 with half of the answer.
    case truncated
    /// 200 with a megabyte of nested arrays.
    case deep
    /// 200 with a body of 64 MiB.
    case flood
    /// Prices 100,000 times too high.
    case poison
    /// Prices below 0.
    case negative
    /// Prices of 0.
    case zero
    /// A number outside JSON and decimals, such as NaN.
    case notANumber = "not-a-number"
    /// Values of the day after tomorrow.
    case future
    /// Another unit (JSON, CSV) or currency (Yahoo) than it has.
    case wrongUnit = "wrong-unit"
    /// 404 for every symbol.
    case unknown
    /// 401.
    case unauthorized
    /// 200 with a message about a wrong key.
    case wrongKey = "wrong-key"
    /// 200 with a message about a quota.
    case quota
    /// 422 with the reason.
    case unprocessable
  }

  package var mode: Mode
  /// The provider; nil means all.
  package var provider: String?
  /// How many requests it applies to; nil means until it is cleared.
  package var remaining: Int?
  package var value: Duration

  package init(_ mode: Mode, of provider: String? = nil, times: Int? = nil, value: Duration = .seconds(1)) {
    self.mode = mode
    self.provider = provider
    remaining = times
    self.value = value
  }

  /// `mode[:value][@provider][*times]`, e.g. `outage@yahoo`, `rate-limit:3s@json*20`, `slow:500ms`.
  package init(text: String) throws(Failure) {
    let written = try FaultText(text)
    guard written.prefix == nil else { throw written.wrong("a fault of a provider has no prefix") }
    let value = try written.value.map { (word) throws(Failure) in
      guard let setting = DurationSetting(text: String(word)) else {
        throw written.wrong("what follows : must be a time such as 3s")
      }
      return setting.duration
    }
    self.init(
      try written.one(of: Mode.self, written.mode), of: written.target.map(String.init), times: written.times,
      value: value ?? .seconds(1))
  }
}
