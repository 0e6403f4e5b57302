import Core
import Messages
import Values

/// Records of topics as the engine takes them.
extension FeatureBar {
  package init(_ bar: FeedBarValues) {
    func number(_ value: ExactDecimal) -> Double { Double("\(value)") ?? .nan }
    self.init(
      startNs: bar.startNs, knownNs: bar.knownNs, high: number(bar.high), low: number(bar.low),
      close: number(bar.close), volume: number(bar.volume))
  }
}

/// Times are whole milliseconds, as the hot store orders events by.
extension FeatureEvent {
  package init(_ event: SentimentEvent) {
    self.init(
      id: event.cluster, revision: event.revision, timeNs: event.publishedAt.microseconds / 1_000 * 1_000_000,
      knownNs: event.knownAt.microseconds * 1_000, isGone: event.withdrawn,
      first: Double("\(event.score)") ?? 0, second: Double("\(event.confidence)") ?? 0, sources: event.sources)
  }

  package init(_ flow: OptionsFlow) {
    self.init(
      id: flow.eventID, revision: flow.revision, timeNs: flow.firstNs / 1_000_000 * 1_000_000, knownNs: flow.knownNs,
      isGone: flow.status == .withdrawn, first: flow.premium, second: flow.netPremium)
  }
}

/// Reads lines of one topic and writes lines of features: what a batch does with rows of the archive.
package struct FeatureLines: Sendable {
  private var engine: FeatureEngine
  private let source: FeatureDefinition.Source

  package init(_ set: FeatureSet, _ source: FeatureDefinition.Source) {
    engine = FeatureEngine(set)
    self.source = source
  }

  /// - Parameter line: a record of the source's topic, as JSON. Records of a symbol come in the order of their times.
  /// - Returns: nil when nothing changes, and for a bar that has not ended.
  package mutating func take(_ line: RawSpan) throws(DecodingFailure) -> FeatureRow? {
    switch source {
    case .bars:
      let bar = try FeedBar(decoding: line)
      guard !bar.values.isRunning, let length = FeatureEngine.length(of: bar.interval) else { return nil }
      return engine.take(FeatureBar(bar.values), symbol: bar.symbol, interval: bar.interval, length: length)
    case .signals:
      let signal = try TechnicalSignal(decoding: line)
      guard let length = FeatureEngine.length(of: signal.interval) else { return nil }
      return engine.take(
        signals: Dictionary(zip(signal.values.names, signal.values.numbers)) { $1 }, symbol: signal.symbol,
        interval: signal.interval, eventNs: signal.startNs + Int64(length / .nanoseconds(1)),
        knownNs: signal.knownNs)
    case .flow:
      let flow = try OptionsFlow(decoding: line)
      return engine.take(FeatureEvent(flow), symbol: flow.underlying, source: .flow)
    case .sentiment:
      let event = try SentimentEvent(decoding: line)
      return engine.take(FeatureEvent(event), symbol: event.symbol, source: .sentiment)
    }
  }
}

extension FeatureRow {
  /// `{"symbol":"AAPL","group":"bars:1m","event_ns":1,"known_ns":2,"values":{"return_5m@1":0.01}}`; null where there
  /// are too few records.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("symbol")
    writer.string(symbol)
    writer.key("group")
    writer.string(group)
    writer.key("event_ns")
    writer.integer(eventNs)
    writer.key("known_ns")
    writer.integer(knownNs)
    writer.key("values")
    writer.beginObject()
    for value in values {
      writer.key(named: value.feature.id)
      if let number = value.number { number.write(to: &writer) } else { writer.null() }
    }
    writer.endObject()
    writer.endObject()
  }
}
