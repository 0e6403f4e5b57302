/// A request for the bars of one symbol.
package struct BarRequest: Hashable, Sendable {
  /// Without the exchange: `COMI`.
  package var symbol: String
  package var interval: BarInterval
  /// How many of the latest bars.
  package var count: Int
  /// `count` is a limit for reaching back, not the wanted number.
  package var isCountLimit = false
  /// The bars should reach back to this opening (seconds since 1970; midnight UTC of a date) if the source has them,
  /// even when that needs more than `count`.
  package var reachBackTo: Int64?

  package init(symbol: String, interval: BarInterval, count: Int, reachBackTo: Int64? = nil) {
    self.symbol = symbol
    self.interval = interval
    self.count = count
    self.reachBackTo = reachBackTo
  }
}

/// A source's answer for one symbol.
package struct BarAnswer: Hashable, Sendable {
  package var bars: [SourceBar]
  /// False when bars between `reachBackTo` and the first of `bars` may be missing.
  package var reachesBack = true
  /// The number of missing bars, unless the source reported that it has no more.
  package var missing = 0
  /// Unreadable frames, lines and rows; each may have held a bar.
  package var lost = Losses()
}

/// Unreadable parts of an answer, which were skipped.
package struct Losses: Hashable, Sendable, CustomStringConvertible {
  package private(set) var count = 0
  /// The reason of the first.
  package private(set) var first: String?

  package init() {}

  package mutating func add(_ reason: @autoclosure () -> String) {
    count += 1
    if first == nil { first = reason() }
  }

  package mutating func add(_ other: Losses) {
    count += other.count
    first = first ?? other.first
  }

  package var description: String { "\(count) could not be read, the first because of: \(first ?? "")" }
}

/// A source of bars.
package protocol BarSource: Sendable {
  typealias Delivery = @Sendable (_ symbol: String, Result<BarAnswer, SourceError>) async throws -> Void

  /// For logs, without secrets.
  var label: String { get }
  /// `fetch` delivers every bar as it arrives, until the source ends; otherwise it answers every request once.
  var isLive: Bool { get }

  /// Requests every symbol and delivers the answers, one at a time. A failed symbol is delivered as a failure; the
  /// others continue.
  /// - Throws: `SourceError` when the whole source fails before every request was answered; errors of `deliver`.
  func fetch(_ requests: [BarRequest], deliver: Delivery) async throws
}
