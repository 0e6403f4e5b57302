import Core
import Logging
import ServiceKit
import Synchronization

/// Polls the source, or follows a live one, and publishes new and changed bars.
package struct BarProducer: Sendable {
  package struct Settings: Sendable {
    package var symbols: [String]
    package var interval: BarInterval
    package var count: Int
    package var pollInterval: Duration = .seconds(300)
    package var once = false
    /// Waits for the drain where it would return, for an orchestrator that starts a process again when it ends.
    package var staysAtEnd = false
    /// Nil: at all hours.
    package var calendar: TradingCalendar?
    package var stateInterval: Duration = .seconds(10)
    package var backoff = Backoff(base: .seconds(1), cap: .seconds(60))
    /// With `once`: attempts before it is given up.
    package var onceAttempts = 5
  }

  let source: any BarSource
  let publisher: BarPublisher
  let state: BarState?
  let settings: Settings
  let metrics: ProducerMetrics
  let context: ServiceContext
  /// Seconds since 1970.
  let now: @Sendable () -> Int64

  /// What is known of the symbols from one poll to the next. `seen` is when each last gave bars: before its first
  /// answer no bar of a symbol counts as missed.
  private final class PollState: Sendable {
    struct State {
      var seen: [String: Int64] = [:]
      var answered: Set<String> = []
      var failed: Set<String> = []
      /// Why the last of them failed.
      var failure: SourceError?
      /// The failure that was logged last, by symbol.
      var reported: [String: String] = [:]
      /// Remarks on answers that had bars, by symbol, each said once until it no longer holds.
      var remarks: [String: Set<String>] = [:]
      /// Symbols of a live source that have sent nothing since it was connected.
      var awaited: Set<String> = []
      var report = BarPublisher.Report()
    }
    let state = Mutex(State())
  }

  /// Returns when drained, with `once` after one poll, or when a live source has no more.
  /// - Throws: configuration and fatal errors; with `once`, `poll_incomplete` when a symbol gave nothing.
  package func run() async throws {
    metrics.asking(for: settings.symbols.count)
    let poll = PollState()
    let heartbeat = context.health.liveness("poll", maxAge: .seconds(900))
    let ready = context.health.readiness("source")
    var backoff = settings.backoff
    // A live source is connected when the exchange opens; any other is asked once before the first wait.
    var isProbed = source.isLive
    while !context.drain.isRaised {
      heartbeat.beat()
      let closedFor = untilOpen()
      if isProbed, let wait = closedFor {
        // Bars that trade while polling is suspended are not missed ones.
        poll.state.withLock { $0.seen = [:] }
        updateReadiness(ready, poll, reason: "the exchange is closed")
        heartbeat.idle()
        if await context.drain.sleep(for: wait) { break }
        continue
      }
      let start = ContinuousClock.now
      var delay = settings.pollInterval
      do {
        if !isProbed, closedFor != nil {
          try await probe()
          isProbed = true
          backoff.reset()
          continue
        }
        try await pollOnce(poll, heartbeat, ready)
        isProbed = true
        if context.drain.isRaised { break }
        metrics.polled(took: .now - start, at: now())
        updateReadiness(ready, poll)
        backoff.reset()
        logPoll(poll, took: .now - start)
        poll.state.withLock { $0.answered = [] }
        if settings.once || source.isLive {
          guard settings.staysAtEnd else { break }
          heartbeat.idle()
          await context.drain.wait()
          break
        }
        delay = max(.zero, settings.pollInterval - (.now - start))
        heartbeat.idle()
      } catch let error as SourceError where error.isTransient {
        metrics.failed(error.code)
        ready.failed(error)
        if settings.once, backoff.attempt + 1 >= settings.onceAttempts { throw error }
        delay = backoff.next(retryAfter: error.retryAfter)
        context.logger.warning(
          "source failed", metadata: ["error": "\(error)", "again_in": "\(DurationSetting(delay))"])
        heartbeat.retrying(after: error, atMost: delay)
      }
      if await context.drain.sleep(for: delay) { break }
    }
    try await save()
    let failed = poll.state.withLock { $0.failed.sorted() }
    if settings.once, !failed.isEmpty, !context.drain.isRaised {
      throw Failure(
        .fatal, code: "poll_incomplete",
        "\(failed.count) of \(settings.symbols.count) symbols gave no bars: "
          + failed.prefix(20).joined(separator: ", "))
    }
  }

  /// Asks for one bar while the exchange is closed: a source that does not answer, or refuses the login, shows now and
  /// not at the opening.
  private func probe() async throws {
    guard let symbol = settings.symbols.first else { return }
    let request = BarRequest(symbol: symbol, interval: settings.interval, count: 1)
    try await source.fetch([request]) { symbol, answer in
      guard case .failure(let error) = answer else { return }
      if error.errorClass == .configuration || error.errorClass == .fatal { throw error }
      context.logger.warning("no bars", metadata: ["symbol": "\(symbol)", "error": "\(error)"])
    }
  }

  /// Ready when at least one symbol gives bars: with none, nothing will ever be published.
  private func updateReadiness(_ ready: ReadinessCondition, _ poll: PollState, reason: String = "") {
    let (count, failure) = poll.state.withLock { ($0.failed.count, $0.failure) }
    guard count == settings.symbols.count, let failure else { return ready.set(ready: true, reason: reason) }
    ready.failed(failure, at: "none of \(count) symbols gives bars")
  }

  private func untilOpen() -> Duration? {
    guard !settings.once, let calendar = settings.calendar else { return nil }
    let now = now()
    if calendar.isOpen(at: now) { return nil }
    // In short steps: clocks are set, machines sleep.
    let wait = (calendar.nextOpening(after: now) ?? now + 3_600) - now
    return .seconds(min(max(1, wait), 60))
  }

  /// One poll over the symbols that have not answered yet, or the whole life of a live connection.
  private func pollOnce(_ poll: PollState, _ heartbeat: Heartbeat, _ ready: ReadinessCondition) async throws {
    var requests: [BarRequest] = []
    let answered = poll.state.withLock { $0.answered }
    for symbol in settings.symbols where source.isLive || !answered.contains(symbol) {
      requests.append(BarRequest(
        symbol: symbol, interval: settings.interval, count: settings.count,
        reachBackTo: await publisher.newest(symbol)))
    }
    poll.state.withLock { $0.awaited = Set($0.seen.keys) }
    let saver = Task {
      // A live fetch does not return: acknowledgements are awaited and the state is saved while it runs.
      while source.isLive, !Task.isCancelled {
        try await Task.sleep(for: settings.stateInterval)
        heartbeat.beat()
        try await save()
      }
    }
    defer { saver.cancel() }
    try await source.fetch(requests) { symbol, answer in
      heartbeat.beat()
      switch answer {
      case .success(let answer):
        ready.set(ready: true)
        try await publish(answer, symbol, poll)
      case .failure(let error):
        if error.errorClass == .configuration || error.errorClass == .fatal { throw error }
        reportFailure(error, symbol, poll)
      }
    }
    try await save()
  }

  private func publish(_ answer: BarAnswer, _ symbol: String, _ poll: PollState) async throws {
    metrics.answered(answer)
    let now = now()
    let isLive = source.isLive
    // A live source that was connected all the time has missed nothing, however long nothing was traded.
    let seen = poll.state.withLock { state -> Int64? in
      let isFirst = state.awaited.remove(symbol) != nil
      return !isLive || isFirst ? state.seen[symbol] : nil
    }
    let cadence = isLive ? 60 : max(60, settings.pollInterval.components.seconds)
    // Polls that came late or failed in between: what closed a poll ago would have been seen.
    var missedUntil = seen.flatMap { now - $0 > 2 * cadence ? now - cadence : nil }
    // After a reconnect: a live series gives each bar while it is the newest.
    if isLive, seen != nil, let newest = answer.bars.map(\.time).max() {
      missedUntil = max(missedUntil ?? newest, newest)
    }
    let newest = await publisher.newest(symbol)
    let report = try await publisher.publish(symbol, answer.bars, missedUntil: missedUntil)
    poll.state.withLock { state in
      state.seen[symbol] = now
      state.answered.insert(symbol)
      state.failed.remove(symbol)
      state.reported[symbol] = nil
      state.report.published += report.published
      state.report.unchanged += report.unchanged
      state.report.refilled += report.refilled
      state.report.unusable += report.unusable
    }
    logRemarks(answer, unusable: report.unusable, symbol, poll)
    if report.refilled > 0 {
      metrics.gap(isFilled: true)
      context.logger.notice("gap refilled", metadata: ["symbol": "\(symbol)", "bars": "\(report.refilled)"])
    }
    if !answer.reachesBack, newest != nil {
      metrics.gap(isFilled: false)
      context.logger.warning(
        "gap stays open: the source does not give the bars that were missed; `egx-producer backfill` may",
        metadata: ["symbol": "\(symbol)", "published_until": "\(newest ?? 0)"])
    }
  }

  /// Logs each remark on an answer once, and again only after an answer without it.
  private func logRemarks(_ answer: BarAnswer, unusable: Int, _ symbol: String, _ poll: PollState) {
    var remarks: [(level: Logger.Level, text: String, detail: String)] = []
    if answer.lost.count > 0 { remarks.append((.warning, "a part of the answer was lost", "\(answer.lost)")) }
    if unusable > 0 {
      remarks.append((.warning, "bars with an impossible time or volume are not published", "\(unusable)"))
    }
    if answer.missing > 0 {
      let detail = "\(answer.bars.count) of \(answer.bars.count + answer.missing)"
      remarks.append((.notice, "fewer bars than asked for", detail))
    }
    if answer.bars.isEmpty, answer.lost.count == 0 {
      remarks.append((.warning, "empty series", "the source knows the symbol and gives no bar of it"))
    }
    let texts = remarks.map(\.text)
    // An update of a live series says nothing about the whole of it.
    let isUpdate = source.isLive && answer.bars.count == 1
    let before = poll.state.withLock { state in
      defer { state.remarks[symbol, default: []] = Set(texts).union(isUpdate ? state.remarks[symbol] ?? [] : []) }
      return state.remarks[symbol] ?? []
    }
    for remark in remarks where !before.contains(remark.text) {
      context.logger.log(
        level: remark.level, "\(remark.text)", metadata: ["symbol": "\(symbol)", "detail": "\(remark.detail)"])
    }
  }

  private func reportFailure(_ error: SourceError, _ symbol: String, _ poll: PollState) {
    metrics.failed(error.code)
    let isNews = poll.state.withLock { state in
      state.answered.insert(symbol)
      state.failed.insert(symbol)
      state.failure = error
      // Logged once, and again when it changes or the symbol gave bars in between.
      let text = "\(error)"
      if state.reported[symbol] == text { return false }
      state.reported[symbol] = text
      return true
    }
    if isNews {
      context.logger.warning("no bars", metadata: ["symbol": "\(symbol)", "error": "\(error)"])
    }
  }

  private func save() async throws {
    let memories = try await publisher.settledMemories()
    guard let state else { return }
    do { try state.save(memories) } catch {
      context.logger.warning("state not written", metadata: ["error": "\(error)"])
    }
  }

  private func logPoll(_ poll: PollState, took: Duration) {
    let report = poll.state.withLock { state in
      defer { state.report = BarPublisher.Report() }
      return state.report
    }
    context.logger.info("poll", metadata: [
      "symbols": .stringConvertible(settings.symbols.count), "published": .stringConvertible(report.published),
      "unchanged": .stringConvertible(report.unchanged),
      "refilled": .stringConvertible(report.refilled), "took_seconds": .stringConvertible(took / .seconds(1)),
    ])
  }
}
