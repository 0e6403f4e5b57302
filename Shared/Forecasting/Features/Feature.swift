import Core

/// One input number of a model, as manifests write it. All are taken at a position `t` of the series, which for the
/// first step of a forecast is the period after the last observation, so that `lag.1` is that observation.
///
/// | text | number |
/// |---|---|
/// | `lag.K` | the value `K` periods before `t`, scaled |
/// | `mean.K`, `deviation.K` | mean and standard deviation (population) of the `K` values before `t`, scaled |
/// | `change.K` | `ln(lag.1 / lag.(K+1))`, of unscaled values |
/// | `driver.NAME.lag.K` | the driver's value `K` periods before `t`, scaled; for a later `t` its last one |
/// | `driver.NAME.change.K` | as `change.K`, of the driver |
/// | `calendar.*` | the time at `t` in UTC; see ``CalendarFeature`` |
/// | `step` | 1 for the first step of the forecast |
/// | `log_scale` | natural logarithm of the input's scale |
package enum Feature: Hashable, Sendable {
  case lag(Int)
  case mean(Int)
  case deviation(Int)
  case change(Int)
  case driverLag(driver: Int, Int)
  case driverChange(driver: Int, Int)
  case calendar(CalendarFeature)
  case step
  case logScale

  /// - Throws: `ForecastError` of kind `.unknownFeature`.
  package init(_ text: String, drivers: [ModelManifest.Driver]) throws(ForecastError) {
    let words = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let periods = words.last.flatMap { Int($0) }.flatMap { (1...ModelManifest.Limit.history).contains($0) ? $0 : nil }
    switch (words.first, words.count, periods) {
    case ("lag", 2, let periods?): self = .lag(periods)
    case ("mean", 2, let periods?): self = .mean(periods)
    case ("deviation", 2, let periods?): self = .deviation(periods)
    case ("change", 2, let periods?): self = .change(periods)
    case ("driver", 4, let periods?):
      guard let driver = drivers.firstIndex(where: { $0.name == words[1] }) else {
        throw ForecastError(.unknownFeature, "the feature '\(text)' names a driver that the manifest does not list")
      }
      switch words[2] {
      case "lag": self = .driverLag(driver: driver, periods)
      case "change": self = .driverChange(driver: driver, periods)
      default: throw Self.unknown(text)
      }
    case ("calendar", 2, _):
      guard let part = CalendarFeature(rawValue: words[1]) else { throw Self.unknown(text) }
      self = .calendar(part)
    case ("step", 1, _): self = .step
    case ("log_scale", 1, _): self = .logScale
    default: throw Self.unknown(text)
    }
  }

  private static func unknown(_ text: String) -> ForecastError {
    ForecastError(.unknownFeature, "the feature '\(text)' is not known; Services/InferenceWorker/Training lists them")
  }

  /// The number of periods before `t` that it needs.
  package var reach: Int {
    switch self {
    case .lag(let periods), .mean(let periods), .deviation(let periods), .driverLag(_, let periods): periods
    case .change(let periods), .driverChange(_, let periods): periods + 1
    case .calendar, .step, .logScale: 0
    }
  }
}
