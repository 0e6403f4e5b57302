import Core
import Messages

/// The numbers that the rules compare with.
package struct FlowRules: Sendable, Hashable {
  /// Prints of one contract and side are one order within this time from the first, nanoseconds.
  package var window: Int64 = 250_000_000
  /// Prints of different contracts on one exchange with one size are legs of one order within this time.
  package var legWindow: Int64 = 1_000_000
  /// Contracts of a print below which no such coincidence is looked for.
  package var legSize: Int64 = 10
  /// How long after its last print an order without an event can still be added to, by the time of knowing.
  package var hold: Int64 = 5_000_000_000
  /// How long a print is remembered, so that a repeat is known as one.
  package var memory: Int64 = 60_000_000_000
  /// Dollars from which on a sweep is an event.
  package var sweepPremium = 25_000.0
  /// Contracts, or dollars, of one print from which on it is a block.
  package var blockSize: Int64 = 500
  package var blockPremium = 1_000_000.0
  /// A contract's volume of the day has to reach this before it is compared with anything.
  package var minVolume: Int64 = 500
  /// Open contracts of the day before from which on volume is compared with them; with 0, none counts as one.
  package var minOpenInterest: Int64 = 100
  /// A last price below it is not compared.
  package var minPrice = 0.10
  package var volumeOI = 1.25
  /// Times the contract's own average volume of a day.
  package var volumeAverage = 3.0
  /// Days from which on there is an average; it is of the last `averageMost`, the earlier the less.
  package var averageDays: Int64 = 3
  package var averageMost: Int64 = 20
  /// A quote older than this lowers the confidence of the side.
  package var staleQuote: Int64 = 2_000_000_000
  /// The part of an event's size by which open interest has to grow for it to be confirmed.
  package var confirmShare = 0.5
  /// Days that an event waits for an open interest.
  package var confirmDays: Int64 = 5
}

/// The side of the order that took the price, by the quote rule.
package struct SideOfPrint: Hashable, Sendable {
  package var side: OptionsFlow.Side
  /// From 0 to 1.
  package var confidence: Double

  static let unknown = SideOfPrint(side: .unknown, confidence: 0)

  /// At the ask or above it a buyer took, at the bid or below it a seller; between them the nearer side, the less sure
  /// the nearer to the middle. A stale quote, or one that is later than the print, says less.
  ///
  /// - Parameter age: of the quote at the print, nanoseconds; below zero when it is the later one; nil: not known.
  package init(price: Double, bid: Double?, ask: Double?, age: Int64?, stale: Int64) {
    guard let bid, let ask, ask >= bid, ask > 0 else {
      self = .unknown
      return
    }
    let (middle, half) = ((bid + ask) / 2, (ask - bid) / 2)
    let distance = half > 0 ? (price - middle) / half : price > ask ? 1 : price < bid ? -1 : 0
    var confidence = min(1, abs(distance))
    switch age {
    case nil: confidence *= 0.5
    case let age? where age < 0: confidence *= 0.5
    case let age? where age > stale: confidence *= Double(stale) / Double(age)
    default: break
    }
    // In the middle fifth of the spread neither side is the nearer one.
    guard abs(distance) >= 0.2, confidence >= 0.05 else {
      self = .unknown
      return
    }
    self.init(side: distance > 0 ? .buy : .sell, confidence: confidence)
  }

  package init(side: OptionsFlow.Side, confidence: Double) { (self.side, self.confidence) = (side, confidence) }
}
