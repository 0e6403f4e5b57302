import Catalogue
import Core
import Kafka
import Logging
import Messages
import Pipeline
import Values

/// Publishes new and changed bars, and sends unacknowledged ones again, in order, so that the last record of a bar is
/// always its latest state.
package actor BarPublisher {
  package struct Settings: Sendable {
    package var memory = 1_024
    /// Records in flight before the publisher awaits acknowledgements.
    package var maxPending = 2_000
    package var backoff = Backoff(base: .milliseconds(100), cap: .seconds(15))
  }

  private struct Pending {
    var bars: [BarReview.Outgoing]
    var acknowledged: @Sendable () async throws -> Void
  }

  private let review: BarReview
  private let topic: any BarTopic
  private let settings: Settings
  private let metrics: ProducerMetrics
  private let drain: Interruption
  private let logger: Logger
  private let now: @Sendable () -> LocalDateTime
  private var series: [String: SeriesMemory]
  private var pending: [Pending] = []
  private var pendingCount = 0
  /// One caller at a time, in order of arrival: an actor is reentrant at its awaits.
  private let turn = Permits(1)
  /// Reports the readiness of Kafka; nil in tests.
  private let ready: (@Sendable (Bool, String) -> Void)?

  package init(
    review: BarReview, topic: any BarTopic, settings: Settings = Settings(), metrics: ProducerMetrics,
    series: [String: SeriesMemory] = [:], drain: Interruption, logger: Logger,
    ready: (@Sendable (Bool, String) -> Void)? = nil, now: @escaping @Sendable () -> LocalDateTime
  ) {
    self.review = review
    self.topic = topic
    self.settings = settings
    self.metrics = metrics
    self.series = series
    self.drain = drain
    self.logger = logger
    self.ready = ready
    self.now = now
  }

  package struct Report: Hashable, Sendable {
    package var published = 0
    package var unchanged = 0
    package var refilled = 0
    package var unusable = 0
  }

  /// The newest published bar of a symbol.
  package func newest(_ symbol: String) -> Int64? { series[symbol]?.newest }

  /// The state to save; returns when all of it is acknowledged.
  package func settledMemories() async throws -> [String: SeriesMemory] {
    guard await turn.acquire() else { throw CancellationError() }
    defer { turn.release() }
    try await settlePending()
    return series
  }

  /// Sends the new and changed bars; `settle()` awaits the acknowledgements.
  /// - Throws: configuration and fatal errors of Kafka; the last error when drained during an outage of Kafka.
  package func publish(_ symbol: String, _ bars: [SourceBar], missedUntil: Int64? = nil) async throws -> Report {
    guard await turn.acquire() else { throw CancellationError() }
    defer { turn.release() }
    let outcome = review.review(bars, symbol: symbol, memory: series[symbol], missedUntil: missedUntil, now: now())
    metrics.reviewed(outcome)
    let report = Report(
      published: outcome.outgoing.count, unchanged: outcome.unchanged, refilled: outcome.refilled.count,
      unusable: outcome.unusable)
    guard !outcome.outgoing.isEmpty else { return report }
    try await send(outcome.outgoing)
    // Remembers before the acknowledgement: unacknowledged bars are sent again, or the process ends without saving.
    var memory = series[symbol] ?? SeriesMemory(capacity: settings.memory)
    for bar in outcome.outgoing { memory.note(bar.position, bar.fingerprint) }
    series[symbol] = memory
    if let newest = outcome.outgoing.last?.bar.observedAt {
      metrics.newest(symbol, newest.microseconds / 1_000_000)
    }
    if pendingCount >= settings.maxPending { try await settlePending() }
    return report
  }

  /// Returns when all bars are acknowledged.
  package func settle() async throws {
    guard await turn.acquire() else { throw CancellationError() }
    defer { turn.release() }
    try await settlePending()
  }

  private func send(_ bars: [BarReview.Outgoing]) async throws {
    let acknowledged = try await settings.backoff.retry { @concurrent in
      try await self.topic.send(bars.map(\.bar))
    } pause: { @concurrent in try await self.pause($0) }
    pending.append(Pending(bars: bars, acknowledged: acknowledged))
    pendingCount += bars.count
  }

  private func settlePending() async throws {
    while !pending.isEmpty {
      try await settings.backoff.retry { @concurrent in
        try await self.settleFirst()
      } pause: { @concurrent in try await self.sendAgain(after: $0) }
    }
  }

  private func settleFirst() async throws {
    guard let first = pending.first else { return }
    try await first.acknowledged()
    for bar in first.bars { metrics.published(bar) }
    pending.removeFirst()
    pendingCount -= first.bars.count
    ready?(true, "")
  }

  private func sendAgain(after failed: FailedAttempt) async throws {
    // Later batches may have arrived: sends all again, or a bar could end in an older state.
    for later in pending.dropFirst() { try? await later.acknowledged() }
    try await pause(failed)
    let again = pending
    pending = []
    pendingCount = 0
    metrics.retried()
    for batch in again { try await send(batch.bars) }
  }

  private func pause(_ failed: FailedAttempt) async throws {
    if failed.error is CancellationError { throw failed.error }
    ready?(false, "\(failed.error)")
    logger.warning("Kafka does not take bars", metadata: ["error": "\(failed.error)"])
    if await drain.sleep(for: failed.delay) { throw failed.error }
  }
}

/// Where bars are published, in order.
package protocol BarTopic: Sendable {
  /// Enqueues the bars, in order across calls.
  /// - Returns: a function that awaits their acknowledgement and throws `ClassifiedError`.
  func send(_ bars: [MarketBar]) async throws -> @Sendable () async throws -> Void
}

/// A topic of Kafka; key and partition by symbol.
package struct KafkaBarTopic: BarTopic {
  let producer: Producer
  let name: String
  let identity: ServiceIdentity

  package func send(_ bars: [MarketBar]) async throws -> @Sendable () async throws -> Void {
    let headers = identity.headers(schema: MarketBar.topic.schema)
    var batch = OutgoingBatch()
    for bar in bars { batch.append(topic: name, key: bar.key, value: bar.encoded(), headers: headers) }
    let acks = try await producer.enqueue(batch)
    return { try await acks.value }
  }
}
