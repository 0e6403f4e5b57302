import Budgets
import Catalogue
import Core
import FeedHTTP
import Feeds
import Kafka
import Messages
import Pipeline
import Synchronization

/// Fetches the chunks of a plan and publishes their bars: some lanes at once, each in order.
///
/// A chunk's status is written when its bars are acknowledged. Whatever ends the process before that, the next run asks
/// for the chunk again and publishes the same bars under the same keys.
final class BackfillRun: Sendable {
  let plan: BackfillPlan
  private let ledger: BackfillLedger
  private let client: FeedClient
  private let budget: RequestBudget
  private let stop: Interruption
  private let identity = ServiceIdentity(name: "souk")
  let progress: BackfillProgress

  init(
    _ plan: BackfillPlan, _ ledger: BackfillLedger, _ client: FeedClient, _ budget: RequestBudget,
    progress: BackfillProgress, stop: Interruption
  ) {
    self.plan = plan
    self.ledger = ledger
    self.client = client
    self.budget = budget
    self.progress = progress
    self.stop = stop
  }

  /// - Throws: errors of class `configuration` and `fatal`; `Failure` `stopped`, after which the next run goes on.
  func run(_ lanes: [[BackfillPlan.Chunk]], parallel: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var rest = lanes[...]
      for lane in rest.prefix(parallel) { group.addTask { try await self.work(lane) } }
      rest = rest.dropFirst(parallel)
      while try await group.next() != nil {
        guard let lane = rest.popFirst() else { continue }
        group.addTask { try await self.work(lane) }
      }
    }
  }

  private func work(_ lane: [BackfillPlan.Chunk]) async throws {
    for chunk in lane { try await work(chunk) }
  }

  private func work(_ chunk: BackfillPlan.Chunk) async throws {
    let batch = PageBatch(plan.feed, range: chunk.range, identity: identity)
    let answer = try await FeedPages.read(plan.question(chunk)) { path in
      // What the page before gave is in Kafka before more is asked for.
      try await publish(batch.take())
      return try await ask(path)
    } read: { page, question, knownNs in
      try batch.read(page, question, knownNs)
    } waits: { failed in
      try await pause(after: failed)
    }
    try await publish(batch.take())
    let counts = batch.counts
    let statuses = chunk.symbols.map { symbol in
      let name = BackfillStatus.name(plan.feed.rawValue, plan.interval.rawValue, symbol, chunk.period)
      return plan.status(
        chunk, symbol, bars: counts[symbol] ?? 0, knownNs: batch.knownNs,
        reason: answer.refused[symbol].map { "\($0)" }, before: ledger.status(name))
    }
    try await again { try await ledger.note(statuses) }
    progress.settled(statuses, bars: counts.values.reduce(0, +), unreadable: batch.refused)
  }

  // MARK: - one request

  /// In its turn.
  private func ask(_ path: String) async throws -> [UInt8] {
    try await takeTurn()
    progress.asked()
    let page = try await client.page(path)
    progress.waits(nil)
    // If this fails, another process sends one more probe.
    try? await budget.recover()
    return page
  }

  /// Before a request is repeated.
  private func pause(after failed: FailedAttempt) async throws {
    if let refusal = failed.error as? FeedRefusal {
      // All that share the account pause.
      _ = try? await budget.pause(
        refusal.retryAfter.map { .asked($0) } ?? .growing(from: .seconds(1), atMost: .seconds(300)))
    }
    try await wait(failed.delay, "\(failed.error)")
  }

  private func takeTurn() async throws {
    while true {
      guard !stop.isRaised else { throw Self.stopped }
      switch await budget.turn(before: nil) {
      case .granted: return
      case .paused(let time): try await wait(time, "the provider asked for a pause")
      case .exhausted(let time): try await wait(time, "the requests of the provider's day are used up")
      case .expired: continue
      case .cancelled: throw CancellationError()
      case .failed(let error):
        guard ErrorClass(of: error) == .transient else { throw error }
        try await wait(.seconds(1), "\(error)")
      }
    }
  }

  // MARK: - Kafka

  private func publish(_ batch: OutgoingBatch) async throws {
    guard !batch.isEmpty else { return }
    try await again { try await ledger.producer.send(batch) }
  }

  /// What was sent before an outage may be sent twice: the same bars.
  private func again(_ send: () async throws -> Void) async throws {
    try await Backoff(base: .milliseconds(100), cap: .seconds(15)).retry(send) { failed in
      try await wait(failed.delay, "Kafka: \(failed.error)")
    }
  }

  private func wait(_ time: Duration, _ why: String) async throws {
    progress.waits(why)
    if await stop.sleep(for: time) { throw Self.stopped }
    try Task.checkCancellation()
  }

  private static let stopped = Failure(
    .fatal, code: "stopped", "stopped; the same command goes on where this one ended")
}

/// How far a back-fill is.
final class BackfillProgress: Sendable {
  struct Reading: Hashable, Sendable {
    /// Periods of symbols: of the plan, settled before this run, settled in it.
    var total = 0
    var before = 0
    var settled = 0
    var refused = 0
    var bars: Int64 = 0
    var requests = 0
    /// Rows that cannot be read.
    var unreadable = 0
    /// Why nothing goes on; nil while it does.
    var waiting: String?
    var elapsed: Duration = .zero

    var remaining: Int { total - before - settled }
    /// Until all is settled, at the pace so far; nil before there is one.
    var eta: Duration? {
      settled == 0 ? nil : elapsed * (Double(remaining) / Double(settled))
    }
    var barsPerSecond: Int { Int(Double(bars) / max(0.001, elapsed / .seconds(1))) }
  }

  private let state: Mutex<Reading>
  private let began = ContinuousClock.now

  init(total: Int, before: Int) { state = Mutex(Reading(total: total, before: before)) }

  var reading: Reading {
    var reading = state.withLock { $0 }
    reading.elapsed = .now - began
    return reading
  }

  func asked() { state.withLock { $0.requests += 1 } }
  func waits(_ why: String?) { state.withLock { $0.waiting = why } }

  func settled(_ statuses: [BackfillStatus], bars: Int64, unreadable: Int) {
    state.withLock { state in
      state.settled += statuses.count
      state.refused += statuses.count { $0.state == .refused }
      state.bars += bars
      state.unreadable += unreadable
      state.waiting = nil
    }
  }
}

/// The bars of the pages of one chunk, as messages.
final class PageBatch {
  private var decoder: HistoryDecoder
  private var bars: BarMessages

  /// - Parameter range: of the starts of bars; others are passed over.
  init(_ feed: Feed, range: Range<Int64>, identity: ServiceIdentity) {
    decoder = HistoryDecoder(feed)
    bars = BarMessages(range: range, headers: identity.headers(schema: FeedBar.topic.schema))
  }

  /// - Returns: what the page says of the next one.
  func read(_ page: [UInt8], _ question: FeedQuestion, _ knownNs: Int64) throws -> String? {
    bars.knownNs = max(bars.knownNs, knownNs)
    return try decoder.page(page.span.bytes, of: question, knownNs: knownNs, to: &bars)
  }

  /// What was read since the last call.
  func take() -> OutgoingBatch { bars.take() }

  /// By symbol.
  var counts: [String: Int64] { bars.counts }
  /// Rows that cannot be read.
  var refused: Int { bars.refused }
  var knownNs: Int64 { bars.knownNs }
}

private struct BarMessages: FeedVisitor {
  let range: Range<Int64>
  let headers: [Header]
  var knownNs: Int64 = 0
  private(set) var refused = 0
  private var batch = OutgoingBatch()
  private let writer = WriterBox()
  /// The symbol of the bar before, and its bars so far.
  private var key: [UInt8] = []
  private var count: Int64 = 0
  private var earlier: [String: Int64] = [:]

  init(range: Range<Int64>, headers: [Header]) {
    self.range = range
    self.headers = headers
  }

  var counts: [String: Int64] {
    count == 0
      ? earlier : earlier.merging([String(decoding: key, as: UTF8.self): count], uniquingKeysWith: +)
  }

  mutating func take() -> OutgoingBatch {
    defer { batch = OutgoingBatch() }
    return batch
  }

  mutating func take(_ bar: FeedBarView) {
    var values = bar.fields.values
    // A day that is not over is the stream's.
    guard range.contains(values.startNs), !values.isRunning else { return }
    values.isRefill = true
    let isSame = bar.symbol.withUnsafeBytes { $0.elementsEqual(key) }
    if !isSame {
      earlier = counts
      (key, count) = (bar.symbol.withUnsafeBytes { Array($0) }, 0)
    }
    count += 1
    writer.json.clear()
    bar.with(values).encode(into: &writer.json)
    batch.append(topic: FeedBar.topic.name, key: key, value: writer.json.array(), headers: headers)
  }

  mutating func take(_ tick: FeedTickView) {}
  mutating func take(_ control: FeedControl) {}
  mutating func refuse(_ failure: DecodingFailure) { refused += 1 }
  mutating func ignore() {}
}

private final class WriterBox {
  var json = JSONWriter(capacity: 1_024)
}
