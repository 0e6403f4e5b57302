import Core

/// A feed of market data, by the name that settings, messages and metrics have for it.
package enum Feed: String, CaseIterable, Sendable {
  case polygonStocks = "polygon-stocks"
  case polygonOptions = "polygon-options"
  case alpacaStocks = "alpaca-stocks"
  case alpacaOptions = "alpaca-options"

  package var isPolygon: Bool { self == .polygonStocks || self == .polygonOptions }
  package var hasOptions: Bool { self == .polygonOptions || self == .alpacaOptions }

  /// The channels that it has.
  package var channels: Set<FeedChannel> {
    switch self {
    case .polygonStocks: [.trades, .quotes, .bars, .seconds, .bands]
    case .polygonOptions: [.trades, .quotes, .bars, .seconds]
    case .alpacaStocks: [.trades, .quotes, .bars, .days, .statuses, .bands]
    case .alpacaOptions: [.trades, .quotes]
    }
  }

  /// Those that it can be asked for afterwards.
  package var history: Set<FeedChannel> { channels.intersection([.trades, .quotes, .bars]) }
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

/// A symbol as a feed is asked for it, in the canonical form, and the channels.
package struct FeedInterest: Hashable, Sendable {
  package var symbol: String
  package var channels: Set<FeedChannel>

  package init(_ symbol: String, _ channels: Set<FeedChannel>) {
    self.symbol = symbol
    self.channels = channels
  }
}
