/// How long a bar is.
package enum BarInterval: String, CaseIterable, Sendable {
  case minute = "1 Minute"
  case fiveMinutes = "5 Minute"
  case halfHour = "30 Minute"
  case daily = "Daily"
  case weekly = "Weekly"
  case monthly = "Monthly"

  /// As people and messages write it; case and blanks around it do not matter.
  package init?(text: String) {
    let wanted = text.lowercased().filter { $0 != " " }
    guard let interval = Self.allCases.first(where: { $0.rawValue.lowercased().filter { $0 != " " } == wanted })
    else { return nil }
    self = interval
  }

  /// Seconds of an intraday bar; nil for bars of whole days, whose time is a date.
  package var seconds: Int64? {
    switch self {
    case .minute: 60
    case .fiveMinutes: 300
    case .halfHour: 1_800
    case .daily, .weekly, .monthly: nil
    }
  }

  package var isIntraday: Bool { seconds != nil }

  /// What TradingView calls it.
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
