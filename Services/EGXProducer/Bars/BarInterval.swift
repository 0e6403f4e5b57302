/// The length of a bar.
package enum BarInterval: String, CaseIterable, Sendable {
  case minute = "1 Minute"
  case fiveMinutes = "5 Minute"
  case halfHour = "30 Minute"
  case daily = "Daily"
  case weekly = "Weekly"
  case monthly = "Monthly"

  /// Ignores case and blanks.
  package init?(text: String) {
    let wanted = text.lowercased().filter { $0 != " " }
    guard let interval = Self.allCases.first(where: { $0.rawValue.lowercased().filter { $0 != " " } == wanted })
    else { return nil }
    self = interval
  }

  /// Seconds of an intraday bar; nil for daily and longer bars, whose time is a date.
  package var seconds: Int64? {
    switch self {
    case .minute: 60
    case .fiveMinutes: 300
    case .halfHour: 1_800
    case .daily, .weekly, .monthly: nil
    }
  }

  package var isIntraday: Bool { seconds != nil }

  /// TradingView's name.
  package var resolution: String {
    switch self {
    case .minute: "1"
    case .fiveMinutes: "5"
    case .halfHour: "30"
    case .daily: "1D"
    case .weekly: "1W"
    case .monthly: "1M"
    }
  }
}
