import Core

/// A feed of market data, by the name that settings, messages and metrics have for it.
package enum Feed: String, CaseIterable, Sendable {
  case polygonStocks = "polygon-stocks"
  case polygonOptions = "polygon-options"
  case alpacaStocks = "alpaca-stocks"
  case alpacaOptions = "alpaca-options"
  /// It has no stream: it is asked for bars of the past only.
  case alphaVantage = "alpha-vantage"

  /// Those that can be listened to.
  package static let streams = allCases.filter { !$0.channels.isEmpty }

  package var isPolygon: Bool { self == .polygonStocks || self == .polygonOptions }
  package var hasOptions: Bool { self == .polygonOptions || self == .alpacaOptions }

  /// The channels that it has.
  package var channels: Set<FeedChannel> {
    switch self {
    case .polygonStocks: [.trades, .quotes, .bars, .seconds, .bands]
    case .polygonOptions: [.trades, .quotes, .bars, .seconds]
    case .alpacaStocks: [.trades, .quotes, .bars, .days, .statuses, .bands]
    case .alpacaOptions: [.trades, .quotes]
    case .alphaVantage: []
    }
  }

  /// Those that it can be asked for afterwards.
  package var history: Set<FeedChannel> {
    self == .alphaVantage ? [.bars] : channels.intersection([.trades, .quotes, .bars])
  }
}

/// What a symbol can be listened to for.
package enum FeedChannel: String, CaseIterable, Sendable, Comparable {
  case trades, quotes
  /// Minute bars, and those that late trades have changed.
  case bars
  /// Second bars.
  case seconds
  /// The bar of the running day.
  case days
  case statuses
  /// The bands of limit up and limit down.
  case bands

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// How long the time of a bar is, by the name that messages, series and settings have for it.
package enum BarInterval: String, CaseIterable, Sendable {
  case minute = "1m"
  case fiveMinutes = "5m"
  case quarter = "15m"
  case half = "30m"
  case hour = "1h"
  /// Of New York: a bar starts at midnight there.
  case day = "1d"

  package var minutes: Int64 {
    switch self {
    case .minute: 1
    case .fiveMinutes: 5
    case .quarter: 15
    case .half: 30
    case .hour: 60
    case .day: 1_440
    }
  }

  package var nanoseconds: Int64 { minutes * 60_000_000_000 }
}

/// A symbol as a feed is asked for it, in the canonical form, and the channels.
package struct FeedInterest: Hashable, Sendable {
  package var symbol: String
  package var channels: Set<FeedChannel>

  package init(_ symbol: String, _ channels: Set<FeedChannel>) {
    self.symbol = symbol
    self.channels = channels
  }
}
