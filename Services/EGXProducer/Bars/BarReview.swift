import Messages
import Values

/// Which bars of an answer are to be published, and with which flags. Pure.
package struct BarReview: Sendable {
  package struct Settings: Sendable {
    package var interval: BarInterval
    package var exchange: String?
    /// Intraday messages carry only the close, as readers of the older producer expect.
    package var closeOnly: Bool
    /// Publishes repeats too.
    package var republish = false

    package init(interval: BarInterval, exchange: String?, closeOnly: Bool, republish: Bool = false) {
      self.interval = interval
      self.exchange = exchange
      self.closeOnly = closeOnly && interval.isIntraday
      self.republish = republish
    }
  }

  package struct Outgoing: Hashable, Sendable {
    package var bar: MarketBar
    package var position: Int64
    package var fingerprint: UInt64
    package var isChange: Bool
  }

  package struct Outcome: Sendable {
    /// In order of time.
    package var outgoing: [Outgoing] = []
    package var unchanged = 0
    /// Bars with a time that is none, or a volume below zero.
    package var unusable = 0
    package var refilled: [Outgoing] { outgoing.filter { $0.bar.flags.contains(.refilled) } }
  }

  package let settings: Settings
  package let clock: ExchangeClock

  /// - Parameters:
  ///   - bars: in any order; of two with one position the later counts.
  ///   - missedUntil: the series was not polled until now, and bars that had closed by this instant (seconds since
  ///     1970) would have been seen otherwise; nil when nothing was missed.
  ///   - now: UTC.
  package func review(
    _ bars: [SourceBar], symbol: String, memory: SeriesMemory?, missedUntil: Int64? = nil, now: LocalDateTime
  ) -> Outcome {
    var outcome = Outcome()
    let newest = memory?.newest
    var latest: [Int64: SourceBar] = [:]
    latest.reserveCapacity(bars.count)
    for bar in bars { latest[clock.position(bar, settings.interval)] = bar }
    for position in latest.keys.sorted() {
      guard let bar = latest[position] else { continue }
      guard let stamp = clock.stamp(bar, settings.interval), bar.candle.volume?.isNegative != true else {
        outcome.unusable += 1
        continue
      }
      let fingerprint = bar.fingerprint(closeOnly: settings.closeOnly)
      let comparison = memory?.compare(position, fingerprint) ?? .new
      if !settings.republish, comparison == .unchanged || comparison == .forgotten {
        outcome.unchanged += 1
        continue
      }
      var flags: MarketBar.Flags = []
      if !bar.candle.isConsistent { flags.insert(.inconsistentRange) }
      // What a price may be is a matter of the instrument, which its readers know.
      if prices(bar.candle).contains(where: { $0 <= .zero }) { flags.insert(.nonPositivePrice) }
      if comparison == .new, let newest {
        // Older than a bar that was published, or closed while the series was not polled.
        let closed = settings.interval.seconds.map { position + $0 } ?? position + 86_400
        if position < newest || missedUntil.map({ closed <= $0 }) == true { flags.insert(.refilled) }
      }
      let values: MarketBar.Values =
        settings.closeOnly ? .value(bar.candle.close, field: "close") : .candle(Self.tidied(bar.candle))
      outcome.outgoing.append(Outgoing(
        bar: MarketBar(
          symbol: symbol, exchange: settings.exchange, interval: settings.interval.rawValue,
          datetime: stamp.datetime, values: values, ingestedAt: now, observedAt: stamp.observedAt, flags: flags),
        position: position, fingerprint: fingerprint, isChange: comparison == .changed))
    }
    return outcome
  }

  /// Those of the message.
  private func prices(_ candle: MarketBar.Candle) -> [ExactDecimal] {
    settings.closeOnly ? [candle.close] : [candle.open, candle.high, candle.low, candle.close]
  }

  /// Volumes are pieces: `1600086.0` of a source that writes every number as a fraction is `1600086`.
  private static func tidied(_ candle: MarketBar.Candle) -> MarketBar.Candle {
    var candle = candle
    candle.volume = candle.volume?.normalized
    return candle
  }
}
