import Core
import CoreMetrics
import Feeds
import HTTP
import Kafka
import Logging
import Messages
import ServiceKit
import Synchronization
import WebSocket

/// One connection of a feed through all its lives: waits for the lease, connects, streams, backs off, and has every
/// hole refilled.
actor Shard {
  private let number: Int
  private let settings: FeedSettings
  private let interests: Interests
  private let store: ShardStore
  private let recovery: Recovery
  private let refill: Refill?
  private let outlet: Outlet
  private let publisher: Publisher
  private let calendar: NYSECalendar
  private let context: ServiceContext
  private let logger: Logger
  private let gauges: StreamerMetrics.Connection
  private var state = ShardState()
  private var lost = Interruption()
  /// Of the connection that is open.
  private let current = Mutex<[FeedInterest]>([])

  init(
    _ number: Int, settings: FeedSettings, interests: Interests, store: ShardStore, recovery: Recovery,
    refill: Refill?, outlet: Outlet, publisher: Publisher, calendar: NYSECalendar, context: ServiceContext
  ) {
    self.number = number
    self.settings = settings
    self.interests = interests
    self.store = store
    self.recovery = recovery
    self.refill = refill
    self.outlet = outlet
    self.publisher = publisher
    self.calendar = calendar
    self.context = context
    gauges = StreamerMetrics.Connection(number)
    var logger = context.logger
    logger[metadataKey: "connection"] = "\(settings.feed.rawValue)-\(number)"
    self.logger = logger
  }

  /// Works until drained.
  func run() async throws {
    while !context.drain.isRaised {
      guard try await own() else { break }
      lost = Interruption()
      let renewal = Task { [lost] in await self.renew(lost) }
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await work()) } catch { outcome = .failure(error) }
      renewal.cancel()
      await renewal.value
      if context.drain.isRaised { try? await save() }
      await store.release()
      if case .failure(let error) = outcome, ErrorClass(of: error) != .transient { throw error }
      if await context.drain.sleep(for: .milliseconds(500)) { break }
    }
  }

  // MARK: - the lease

  /// Waits for the lease.
  /// - Returns: false when drained first.
  private func own() async throws -> Bool {
    let readiness = context.health.readiness("lease")
    while !context.drain.isRaised {
      do {
        if try await store.take(for: settings.leaseTimeout) {
          // Not ready before it is connected, where there is something to listen to.
          if !interests.of(shard: number).isEmpty { context.expect(["feed"]) }
          readiness.set(ready: true)
          return true
        }
        // One that stands by is ready.
        readiness.set(ready: true, reason: "stands by")
      } catch where ErrorClass(of: error) == .transient {
        readiness.set(ready: false, reason: publicCode(of: error))
        logger.warning("the lease cannot be asked for", metadata: ["error": "\(error)"])
      }
      if await context.drain.sleep(for: settings.leaseTimeout / 3) { return false }
    }
    return false
  }

  /// Renews the lease; raises `lost` when it is another's, or could not be renewed in time.
  private func renew(_ lost: Interruption) async {
    var until = ContinuousClock.now + settings.leaseTimeout * 0.9
    while !Task.isCancelled, !lost.isRaised {
      try? await Task.sleep(for: settings.leaseTimeout / 4)
      let now = ContinuousClock.now
      do {
        guard try await store.renew(for: settings.leaseTimeout) else { break }
        until = now + settings.leaseTimeout * 0.9
      } catch {
        logger.warning("the lease cannot be renewed", metadata: ["error": "\(error)"])
      }
      if ContinuousClock.now >= until { break }
    }
    if !Task.isCancelled { lost.raise() }
  }

  // MARK: - one ownership

  private func work() async throws {
    state = try await store.load()
    if let inherited = ShardState.inherited(
      from: try await store.all(), by: store.name, where: { interests.isOf(shard: number, $0) }) {
      logger.notice("goes on where another number of connections was")
      state = inherited
    }
    if let first = state.checkpoints.first, let last = state.checkpoints.last {
      try await recovery.read(from: first.ends, into: outlet) { interests.isOf(shard: number, $0) }
      let symbols = covered(interests.of(shard: number))
      let watermark = max(last.watermark, outlet.watermark)
      if watermark > 0 { open(from: watermark, .restarted, symbols: symbols, unknownUntil: first.after) }
    } else {
      // What is published from now on lies behind these ends.
      state.add(.init(watermark: 0, ends: try await recovery.ends(), after: 0))
      try await save()
    }
    var wait = state.wait(at: WallClock.milliseconds())
    while !context.drain.isRaised, !lost.isRaised {
      if wait > .zero {
        logger.info("waits before it connects", metadata: ["for": "\(wait)"])
        if await interrupted(for: wait) { return }
      }
      do {
        try await connect()
        wait = .zero
      } catch {
        wait = try await failed(error)
      }
    }
  }

  private func connect() async throws {
    let wanted = interests.of(shard: number)
    guard !wanted.isEmpty else {
      // Nothing to listen to: a symbol may be subscribed to later.
      if await interrupted(for: .milliseconds(200)) { return }
      return
    }
    current.withLock { $0 = wanted }
    let (publisher, outlet) = (publisher, outlet)
    let around = FeedSession.Surroundings(
      outlet: outlet, drain: context.drain, lost: lost,
      watchdog: Watchdog(calendar: calendar, hours: settings.hours, limit: settings.silence),
      backlog: { publisher.backlog }, logger: logger)
    let keeper = Mutex<Task<Void, Never>?>(nil)
    let (interests, number) = (interests, number)
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await FeedSession(settings: settings).run(
      wanted, in: around,
      changes: { [self] in
        let next = interests.of(shard: number)
        return current.withLock { old in
          let changes = Interests.changes(from: old, to: next)
          if !changes.isEmpty {
            old = next
            gauges.symbols.record(next.count)
          }
          return changes
        }
      },
      began: { [self] in
        await connected(wanted.count)
        let task = Task { await self.keep() }
        keeper.withLock { $0 = task }
      }))
    } catch { outcome = .failure(error) }
    gauges.connections.record(0)
    // Two of them would close the same hole.
    let task = keeper.withLock { $0 }
    task?.cancel()
    await task?.value
    try outcome.get()
  }

  private func connected(_ symbols: Int) {
    logger.info("streaming", metadata: ["symbols": "\(symbols)"])
    gauges.connections.record(1)
    gauges.symbols.record(symbols)
    context.health.readiness("feed").set(ready: true)
  }

  /// While connected: closes holes, and writes down how far things are.
  private func keep() async {
    var since = ContinuousClock.now
    var isSettled = false
    while !Task.isCancelled {
      do {
        if !state.holes.isEmpty { try await refillHoles(since) }
        try await checkpoint()
        if !isSettled, ContinuousClock.now - since > .seconds(10) {
          // A connection that lasts ends the back-off.
          isSettled = true
          (state.failures, state.notBefore) = (0, 0)
        }
      } catch is CancellationError {
        return
      } catch {
        logger.warning("the state is not written or a gap not refilled", metadata: ["error": "\(error)"])
        since = .now
      }
      try? await Task.sleep(for: settings.checkpointInterval)
    }
  }

  private func checkpoint() async throws {
    // Of what is in Kafka: the rest is lost with the process. First the mark, then the ends: what is newer than the
    // mark may lie before them.
    let watermark = await publisher.watermark
    guard watermark > 0 else { return }
    let ends = try await recovery.ends()
    state.add(.init(watermark: watermark, ends: ends, after: outlet.watermark))
    try await save()
  }

  private func save() async throws { try await store.save(state) }

  /// - Returns: how long to wait before the next try.
  private func failed(_ error: any Error) async throws -> Duration {
    if context.drain.isRaised || lost.isRaised { return .zero }
    StreamerMetrics.failed(publicCode(of: error))
    context.health.readiness("feed").set(ready: false, reason: publicCode(of: error))
    let failure = error as? FeedFailure
    let isFinal = ErrorClass(of: error) == .configuration || ErrorClass(of: error) == .fatal
    logger.warning("the connection ended", metadata: ["error": "\(error)"])
    let why: FeedGap.Why = switch failure?.kind {
    case .silent: .silent
    case .slowReader: .slowReader
    default: .disconnected
    }
    if outlet.watermark > 0 { open(from: outlet.watermark, why, symbols: covered(current.withLock { $0 })) }
    if isFinal {
      try? await save()
      throw error
    }
    state.failures += 1
    var backoff = Backoff(base: .milliseconds(500), cap: .seconds(60))
    for _ in 1..<min(state.failures, 20) { _ = backoff.next() }
    let asked = (error as? any ClassifiedError)?.retryAfter
    let wait = max(backoff.next(retryAfter: asked), failure?.kind.coolDown ?? .zero)
    state.notBefore = WallClock.milliseconds() + Int64(wait / .milliseconds(1))
    do { try await save() } catch where ErrorClass(of: error) == .transient {
      logger.warning("the state is not written", metadata: ["error": "\(error)"])
    }
    return wait
  }

  private func interrupted(for duration: Duration) async -> Bool {
    await withTaskGroup(of: Bool.self) { [drain = context.drain, lost] group in
      group.addTask { await drain.sleep(for: duration) }
      group.addTask {
        await lost.wait()
        return lost.isRaised
      }
      let first = await group.next() ?? true
      group.cancelAll()
      return first
    }
  }

  // MARK: - gaps

  /// The symbols that a hole is one of: of `*` those too that the feed gave lately, since only they can be asked for.
  private func covered(_ interests: [FeedInterest]) -> [String] {
    let symbols = interests.map(\.symbol)
    guard symbols.contains("*") else { return symbols }
    let named = Set(symbols)
    return symbols + outlet.symbols.filter { !named.contains($0) }.prefix(settings.refillSymbols)
  }

  /// The channels that a symbol is listened to for now.
  private func channels() -> (String) -> Set<FeedChannel> {
    let interests = Dictionary(
      interests.of(shard: number).map { ($0.symbol, $0.channels) }, uniquingKeysWith: { first, _ in first })
    return { Interests.channels(of: $0, in: interests) }
  }

  /// A hole begins, unless one is open already: that one goes on.
  /// - Parameter unknownUntil: events up to then may have been published without this process knowing them.
  private func open(from watermark: Int64, _ why: FeedGap.Why, symbols: [String], unknownUntil: Int64 = 0) {
    let now = WallClock.microseconds() * 1_000
    guard !state.holes.contains(where: { $0.toNs == nil }), !symbols.isEmpty else { return }
    let hole = ShardState.Hole(
      fromNs: watermark, toNs: nil, unknownUntil: unknownUntil, why: why.rawValue, openedNs: now, symbols: symbols)
    state.holes.append(hole)
    StreamerMetrics.gaps("opened", symbols.count)
    gauges.openGaps.record(state.holes.count)
    for gap in gaps(hole) { outlet.add(gap) }
  }

  private func gaps(_ hole: ShardState.Hole) -> [FeedGap] {
    let channels = channels()
    return hole.symbols.map { symbol in
      FeedGap(
        feed: settings.feed.rawValue, symbol: symbol, channels: channels(symbol).sorted().map(\.rawValue),
        fromNs: hole.fromNs, toNs: hole.toNs, why: FeedGap.Why(rawValue: hole.why) ?? .disconnected,
        openedNs: hole.openedNs)
    }
  }

  private func refillHoles(_ since: ContinuousClock.Instant) async throws {
    outlet.hold(true)
    defer { outlet.hold(false) }
    for index in state.holes.indices where state.holes[index].toNs == nil {
      state.holes[index].toNs = try await end(of: state.holes[index], since)
    }
    try await save()
    while let hole = state.holes.first, let to = hole.toNs {
      try await fill(hole, to)
      // The hole is owed until its events are in Kafka.
      try await publisher.settle()
      state.holes.removeFirst()
      gauges.openGaps.record(state.holes.count)
      try await save()
    }
  }

  /// The hole ends with the first event of the new connection; when none comes, with the present.
  private func end(of hole: ShardState.Hole, _ since: ContinuousClock.Instant) async throws -> Int64 {
    while ContinuousClock.now - since < settings.firstEventLimit {
      if let first = outlet.firstEvent { return max(first, hole.fromNs) }
      try await Task.sleep(for: .milliseconds(20))
    }
    return max(hole.fromNs, WallClock.microseconds() * 1_000)
  }

  private func fill(_ hole: ShardState.Hole, _ to: Int64) async throws {
    var gaps = gaps(hole)
    let seconds = hole.fromNs / 1_000_000_000..<max(hole.fromNs, to) / 1_000_000_000 + 1
    var result = Refill.Result()
    var reason: String?
    if !calendar.isOpen(within: seconds, settings.hours) {
      // Nothing happened: there is nothing to ask for.
    } else if let refill {
      let channels = channels()
      var questions: [FeedQuestion] = []
      let (overlap, minute) = (settings.overlap.nanoseconds, Int64(60_000_000_000))
      let begin = max(hole.fromNs - overlap, min(hole.fromNs, hole.unknownUntil + 1))
      let end = max(hole.fromNs, min(to + overlap, WallClock.microseconds() * 1_000))
      for channel in settings.refillChannels {
        let symbols = hole.symbols.filter { $0 != "*" && channels($0).contains(channel) }
        for question in FeedQuestion.all(settings.feed, [channel], of: symbols, in: begin...end) {
          // Late trades change bars for a quarter of an hour.
          questions.append(question.channel == .bars
            ? FeedQuestion(
              feed: question.feed, channel: .bars, symbols: question.symbols,
              range: hole.fromNs / minute * minute - 15 * minute...max(hole.fromNs, to)) : question)
        }
      }
      let ids = Dictionary(gaps.map { ($0.symbol, $0.id) }, uniquingKeysWith: { first, _ in first })
      for symbol in hole.symbols where channels(symbol).isEmpty {
        result.refused[symbol] = "unsubscribed: the symbol is not listened to any more"
      }
      if hole.symbols.contains("*") {
        result.refused["*"] = """
          all_symbols: symbols are asked for by name; the \(hole.symbols.count - 1) that the feed had given lately \
          have gaps of their own
          """
      }
      let answers = try await refill.run(questions, gaps: ids, closedBefore: to, outlet: outlet) { [logger] failed in
        logger.info("a gap waits", metadata: ["error": "\(failed.error)"])
        try await Task.sleep(for: failed.delay)
      }
      result.refused.merge(answers.refused) { first, _ in first }
      (result.added, result.known) = (answers.added, answers.known)
    } else {
      reason = "no_history: this feed is not asked about the past (--refill none)"
    }
    let now = WallClock.microseconds() * 1_000
    for index in gaps.indices {
      let symbol = gaps[index].symbol
      gaps[index].toNs = to
      gaps[index].closedNs = now
      gaps[index].added = result.added[symbol] ?? 0
      gaps[index].known = result.known[symbol] ?? 0
      gaps[index].reason = reason ?? result.refused[symbol]
      gaps[index].state = gaps[index].reason == nil ? .filled : .unfillable
      outlet.add(gaps[index])
    }
    let lostCount = gaps.count { $0.state == .unfillable }
    StreamerMetrics.gaps("filled", gaps.count - lostCount)
    if lostCount > 0 { StreamerMetrics.gaps("unfillable", lostCount) }
    logger.info("a gap is closed", metadata: [
      "symbols": .stringConvertible(gaps.count), "added": .stringConvertible(result.added.values.reduce(0, +)),
      "unfillable": .stringConvertible(lostCount),
    ])
  }
}
