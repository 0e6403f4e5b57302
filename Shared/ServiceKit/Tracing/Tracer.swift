import Core
import CoreMetrics
import Logging
import Synchronization
import Values

/// The trace that the current task works on, for its log lines.
package enum TraceContext {
  @TaskLocal package static var current: TraceParent?
}

/// Which traces are recorded, by the names and rules of OpenTelemetry's `OTEL_TRACES_SAMPLER`.
package struct TraceSampler: Hashable, Sendable {
  package enum Rule: String, CaseIterable, Sendable {
    case alwaysOn = "always_on"
    case alwaysOff = "always_off"
    case ratio = "traceidratio"
    case parentOrOn = "parentbased_always_on"
    case parentOrOff = "parentbased_always_off"
    case parentOrRatio = "parentbased_traceidratio"
  }
  package var rule: Rule
  /// The share of new traces that is recorded, 0 to 1.
  package var ratio: Double

  package init(_ rule: Rule = .parentOrOn, ratio: Double = 1) {
    self.rule = rule
    self.ratio = ratio
  }

  /// - Parameters:
  ///   - low: the lower half of the trace id: every service decides alike.
  ///   - parent: what came with the message; nil for a new trace.
  func records(_ low: UInt64, parent: TraceParent?) -> Bool {
    switch rule {
    case .alwaysOn: true
    case .alwaysOff: false
    case .ratio: isWithin(low)
    case .parentOrOn: parent?.isSampled ?? true
    case .parentOrOff: parent?.isSampled ?? false
    case .parentOrRatio: parent?.isSampled ?? isWithin(low)
    }
  }

  private func isWithin(_ low: UInt64) -> Bool { ratio >= 1 || low >> 1 < UInt64(ratio * Double(1 << 63 as UInt64)) }
}

/// Makes spans, and keeps those that ended until they are exported. Never waits: when too many wait, spans are dropped
/// and counted.
package final class Tracer: Sendable {
  static let exported = MetricDescription(
    "souk_spans_exported_total", .counter, "Spans that the trace collector took.")
  static let dropped = MetricDescription(
    "souk_spans_dropped_total", .counter,
    "Spans that were dropped: too many waited (queue_full), the collector refused them (refused), or the process ended "
      + "before it took them (unsent).", labels: ["reason"])

  /// Ended spans that wait for the collector.
  static let limit = 2_048
  static let batch = 512

  private struct State {
    var waiting: [TraceSpan] = []
    var isFull = Interruption()
    var isEnding = false
  }
  private let state = Mutex(State())
  private let sampler: TraceSampler
  private let now: @Sendable () -> Int64

  /// - Parameter now: microseconds since 1970, UTC; replaced by tests.
  package init(_ sampler: TraceSampler, now: @escaping @Sendable () -> Int64 = WallClock.microseconds) {
    self.sampler = sampler
    self.now = now
  }

  /// Begins work on a message.
  /// - Parameter parent: the context that it came with.
  package func begin(
    _ name: String, _ kind: TraceSpan.Kind, parent: TraceParent?, _ attributes: [TraceSpan.Attribute]
  ) -> TraceSpan {
    let own = parent?.child() ?? TraceParent.root()
    return TraceSpan(
      name: name, kind: kind, context: own.sampled(sampler.records(own.traceIDLow, parent: parent)), parent: parent,
      attributes: attributes, links: SpanLinks(), start: now())
  }

  /// Begins work on the messages of a batch, a trace of its own that is recorded when that of one of them is.
  package func begin(_ name: String, over links: SpanLinks, _ attributes: [TraceSpan.Attribute]) -> TraceSpan {
    let own = TraceParent.root()
    let records = links.isEmpty
      ? sampler.records(own.traceIDLow, parent: nil)
      : links.contexts.contains { sampler.records($0.traceIDLow, parent: $0) }
    return TraceSpan(
      name: name, kind: .consumer, context: own.sampled(records), parent: nil, attributes: attributes, links: links,
      start: now())
  }

  /// - Parameter failure: the code of the error that the work ended with.
  package func end(_ span: TraceSpan, failure: String? = nil) {
    guard span.context.isSampled else { return }
    var span = span
    span.end = max(now(), span.start)
    span.failure = failure
    let isDropped = state.withLock { state in
      guard state.waiting.count < Self.limit else { return true }
      state.waiting.append(span)
      if state.waiting.count >= Self.batch { state.isFull.raise() }
      return false
    }
    if isDropped { Self.drop(1, "queue_full") }
  }

  /// The context of messages that are about to be produced.
  /// - Parameter parent: that of the message which led to them.
  package func create(_ topic: String, parent: TraceParent?) -> TraceParent {
    let span = begin(
      "create \(topic)", .producer, parent: parent,
      [
        ("messaging.system", .text("kafka")), ("messaging.operation.type", .text("create")),
        ("messaging.operation.name", .text("create")), ("messaging.destination.name", .text(topic)),
      ])
    end(span)
    return span.context
  }

  static func drop(_ count: Int, _ reason: String) {
    Counter(label: dropped.name, dimensions: [("reason", reason)]).increment(by: count)
  }

  /// Takes spans out, at most a batch.
  func take() -> [TraceSpan] {
    state.withLock { state in
      let taken = Array(state.waiting.prefix(Self.batch))
      state.waiting.removeFirst(taken.count)
      return taken
    }
  }

  /// Raised once a batch waits.
  var isFull: Interruption {
    state.withLock { state in
      if state.waiting.count < Self.batch, !state.isEnding { state.isFull = Interruption() }
      return state.isFull
    }
  }

  /// Ends the wait for a batch, this one and all later ones.
  func wake() {
    state.withLock { state in
      state.isEnding = true
      return state.isFull
    }.raise()
  }
}

extension TraceParent {
  fileprivate func sampled(_ isSampled: Bool) -> TraceParent {
    TraceParent(
      traceIDHigh: traceIDHigh, traceIDLow: traceIDLow, parentID: parentID, flags: isSampled ? 1 : 0) ?? self
  }
}
