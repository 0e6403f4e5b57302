import Core
import Synchronization

/// A request for the bars of one symbol.
package struct BarRequest: Hashable, Sendable {
  /// Without the exchange: `COMI`.
  package var symbol: String
  package var interval: BarInterval
  /// How many of the latest bars.
  package var count: Int
  /// `count` is the most that may be needed to reach back, and not the number that is asked for.
  package var isCountLimit = false
  /// The bars should reach back to this opening (seconds since 1970; midnight UTC of a date), if the source holds
  /// them, even when that is more than `count`.
  package var reachBackTo: Int64?
}

/// What a source gave for one symbol.
package struct BarAnswer: Hashable, Sendable {
  package var bars: [SourceBar]
  /// False when there may be bars between `reachBackTo` and the first of `bars` that the source would not give.
  package var reachesBack = true
  /// How many fewer there are than were asked for, of a source that did not say that it has no more.
  package var missing = 0
  /// Frames, lines and rows that could not be read; each of them may have held a bar.
  package var lost = Losses()
}

/// Parts of an answer that could not be read and were passed over.
package struct Losses: Hashable, Sendable, CustomStringConvertible {
  package private(set) var count = 0
  /// Why the first of them could not be read.
  package private(set) var first: String?

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

/// Where bars come from.
package protocol BarSource: Sendable {
  typealias Delivery = @Sendable (_ symbol: String, Result<BarAnswer, SourceError>) async throws -> Void

  /// For logs, without secrets.
  var label: String { get }
  /// `fetch` goes on with every bar as it comes, until there are no more; else it answers every request once.
  var isLive: Bool { get }

  /// Asks for every symbol and hands on what comes, one delivery at a time. What is wrong with one symbol is its
  /// delivery; the others go on.
  /// - Throws: `SourceError` when the source as a whole fails, before every request was answered; what `deliver`
  ///   throws.
  func fetch(_ requests: [BarRequest], deliver: Delivery) async throws
}

/// Spaces the requests to a source.
package final class Pace: Sendable {
  private let gap: Duration
  private let drain: Interruption
  private let next = Mutex<ContinuousClock.Instant?>(nil)

  package init(gap: Duration, drain: Interruption) {
    self.gap = gap
    self.drain = drain
  }

  /// Waits until the next request may start.
  /// - Returns: false when the service drains instead.
  /// - Throws: `CancellationError`.
  package func turn() async throws -> Bool {
    try Task.checkCancellation()
    if drain.isRaised { return false }
    let now = ContinuousClock.now
    let mine = next.withLock { next in
      let turn = max(now, next ?? now)
      next = turn + gap
      return turn
    }
    if mine > now, await drain.sleep(for: mine - now) {
      try Task.checkCancellation()
      return false
    }
    return true
  }
}
