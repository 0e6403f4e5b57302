import Core
import Logging
import Synchronization

/// Publishes all bars of a range of days, symbol by symbol. With a progress file the next run continues after the last
/// finished symbol.
package struct Backfill: Sendable {
  package struct Settings: Sendable {
    package var symbols: [String]
    package var interval: BarInterval
    /// Days since 1970-01-01 in Cairo, both included.
    package var days: ClosedRange<Int64>
    package var maxBars: Int
    /// Bars per second; nil: without a limit.
    package var rate: Int?
    package var progressPath: String?
    package var attempts = 8
    package var backoff = Backoff(base: .seconds(1), cap: .seconds(60))
  }

  package struct Step: Hashable, Sendable {
    package var symbol: String
    package var done: Int
    package var total: Int
    package var published: Int
  }

  package struct Outcome: Hashable, Sendable {
    package var published = 0
    package var skipped = 0
    package var failed: [String: String] = [:]
    /// Symbols whose source does not reach back to the first day.
    package var short: [String] = []
    /// Known symbols without a bar.
    package var empty: [String] = []
    /// Unreadable frames, lines and rows.
    package var lost = 0
  }

  let source: any BarSource
  let publisher: BarPublisher
  let settings: Settings
  let clock: ExchangeClock
  let drain: Interruption
  let logger: Logger

  /// - Parameter step: called after every symbol.
  /// - Throws: configuration and fatal errors; `SourceError` after the last attempt.
  package func run(step: @escaping @Sendable (Step) -> Void) async throws -> Outcome {
    let progress = try settings.progressPath.map { try BackfillProgress(path: $0, run: identity) }
    let done = progress?.finished ?? []
    let outcome = Mutex(Outcome(skipped: settings.symbols.count { done.contains($0) }))
    let settled = Mutex(done)
    _ = try await settings.backoff.retry(until: drain) {
      if drain.isRaised { return }
      let left = settings.symbols.filter { symbol in !settled.withLock { $0.contains(symbol) } }
      if left.isEmpty { return }
      try await source.fetch(left.map(request)) { symbol, answer in
        switch answer {
        case .failure(let error):
          if error.errorClass == .configuration { throw error }
          outcome.withLock { $0.failed[symbol] = "\(error)" }
          logger.warning("no bars", metadata: ["symbol": "\(symbol)", "error": "\(error)"])
        case .success(let answer):
          let count = try await publish(answer, symbol)
          if answer.lost.count > 0 {
            logger.warning(
              "a part of the answer was lost", metadata: ["symbol": "\(symbol)", "detail": "\(answer.lost)"])
          }
          outcome.withLock { outcome in
            outcome.published += count
            outcome.lost += answer.lost.count
            if !answer.reachesBack { outcome.short.append(symbol) }
            if answer.bars.isEmpty { outcome.empty.append(symbol) }
          }
          try progress?.finish(symbol)
        }
        let count = settled.withLock { settled in
          settled.insert(symbol)
          return settings.symbols.count { settled.contains($0) }
        }
        step(Step(
          symbol: symbol, done: count, total: settings.symbols.count,
          published: outcome.withLock { $0.published }))
      }
    } isWanted: { failed in
      guard failed.error is SourceError, failed.number < settings.attempts else { throw failed.error }
      logger.warning(
        "source failed", metadata: ["error": "\(failed.error)", "again_in": "\(DurationSetting(failed.delay))"])
      return true
    }
    return outcome.withLock { $0 }
  }

  private func request(_ symbol: String) -> BarRequest {
    let start = settings.interval.isIntraday
      ? clock.start(ofDay: settings.days.lowerBound) : settings.days.lowerBound * 86_400
    var request = BarRequest(symbol: symbol, interval: settings.interval, count: settings.maxBars, reachBackTo: start)
    request.isCountLimit = true
    return request
  }

  private func publish(_ answer: BarAnswer, _ symbol: String) async throws -> Int {
    let bars = answer.bars.filter { settings.days.contains(clock.day(of: $0)) }
    let step = settings.rate.map { max(1, min($0, 500)) } ?? 2_000
    var published = 0
    var start = 0
    while start < bars.count {
      let part = Array(bars[start..<min(start + step, bars.count)])
      published += try await publisher.publish(symbol, part).published
      start += part.count
      if let rate = settings.rate, start < bars.count {
        // A drain ends the waiting; the symbol is still finished.
        _ = await drain.sleep(for: .seconds(Double(part.count) / Double(rate)))
      }
    }
    try await publisher.settle()
    return published
  }

  /// Identifies the backfill of a progress file.
  private var identity: String {
    "\(source.label)\t\(settings.interval.rawValue)\t\(settings.days.lowerBound)\t\(settings.days.upperBound)"
  }
}
