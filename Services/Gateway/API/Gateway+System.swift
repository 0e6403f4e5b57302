import Catalogue
import Core
import Messages
import Redis
import ServiceKit

/// Status and health, in the shape that programs read: known names keep their meaning, others may come beside them. A
/// part that this gateway was not given is not there.
extension Gateway {
  var systemEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/system/ingestion/status", "ingestionStatus", "What the ingestion layer does.",
        answer: .ingestionStatus) { _ in await status() },
      Endpoint(
        .get, "/system/ingestion/health", "ingestionHealth", "Whether each part of the ingestion layer works.",
        answer: .ingestionHealth) { _ in await health() },
    ]
  }

  /// Whether market data came lately.
  private func isStreaming(_ tally: LiveState.Tally) -> Bool {
    let last = [Topics.marketTicks, Topics.marketBars].compactMap { tally.arrivals[$0.name] }.max()
    return last.map { now() - $0 <= Int64(staleAfter / .milliseconds(1)) } ?? false
  }

  /// Whether a topic is followed that has ever had a record; nil when it has had none.
  private func flows(_ topic: Topic, _ tally: LiveState.Tally) -> Bool? {
    tally.counts[topic.name].map { _ in topics?.follows([topic]) ?? false }
  }

  private func isStoreThere() async -> Bool { (try? await store.redis.ping()) != nil }

  /// nil without a batch layer. Asks its store when it was not asked lately.
  private func areViewsThere() async -> Bool? {
    guard let views else { return nil }
    _ = await views.current(of: .bars)
    return !views.isAway
  }

  func status() async -> Reply {
    let tally = live.tally
    async let hot = isStoreThere()
    async let older = database?.isThere()
    async let batch = areViewsThere()
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("ingestion_layer")
    writer.beginObject()
    writer.field("is_running", topics.map { $0.isReachable } ?? false)
    writer.field("uptime_seconds", (ContinuousClock.now - started).components.seconds)
    kafka(tally, to: &writer)
    dask(tally, to: &writer)
    for (name, isThere) in [("hot_store", await hot), ("views", await batch), ("database", await older)] {
      guard let isThere else { continue }
      writer.key(named: name)
      writer.beginObject()
      writer.field("connected", isThere)
      writer.endObject()
    }
    streams(tally, to: &writer)
    writer.endObject()
    writer.endObject()
    return .json(writer.array())
  }

  private func kafka(_ tally: LiveState.Tally, to writer: inout JSONWriter) {
    writer.key("kafka")
    writer.beginObject()
    writer.field("enabled", topics != nil)
    if let topics {
      writer.key("producer")
      writer.beginObject()
      writer.field("is_running", topics.isReachable)
      writer.field("total_messages", Int64(tally.counts.values.reduce(0, +)))
      writer.endObject()
      writer.key("consumer")
      writer.beginObject()
      writer.field("is_running", topics.isFollowingAll)
      writer.key("message_counts")
      writer.beginObject()
      for (topic, count) in tally.counts.sorted(by: { $0.key < $1.key }) {
        writer.key(named: topic)
        writer.integer(Int64(count))
      }
      writer.endObject()
      writer.endObject()
    }
    writer.endObject()
  }

  private func dask(_ tally: LiveState.Tally, to writer: inout JSONWriter) {
    writer.key("dask")
    writer.beginObject()
    writer.field("enabled", dask != nil)
    if let dask {
      let state = dask.state
      writer.key("cluster")
      writer.beginObject()
      writer.field("connected", state.isConnected)
      writer.field("workers", Int64(state.workers))
      writer.field("cores", Int64(state.cores))
      writer.field("jobs_submitted", Int64(tally.jobs))
      writer.key("expected_workers")
      if let expected = dask.expected { writer.integer(Int64(expected)) } else { writer.null() }
      writer.endObject()
    }
    writer.endObject()
  }

  private func streams(_ tally: LiveState.Tally, to writer: inout JSONWriter) {
    writer.key("streams")
    writer.beginObject()
    if topics != nil {
      writer.key("market")
      writer.beginObject()
      writer.field("is_streaming", isStreaming(tally))
      writer.key("subscribed_symbols")
      writer.strings(tally.symbols)
      writer.endObject()
      for (name, count, topic) in [
        ("options", "total_flows_detected", Topics.optionsFlow), ("sentiment", "total_events", Topics.sentimentEvents),
      ] {
        writer.key(named: name)
        guard let isStreaming = flows(topic, tally) else {
          writer.null()
          continue
        }
        writer.beginObject()
        writer.field("is_streaming", isStreaming)
        writer.key(named: count)
        writer.integer(Int64(tally.counts[topic.name] ?? 0))
        writer.endObject()
      }
    } else {
      for name in ["market", "options", "sentiment"] { writer.text(name, nil) }
    }
    writer.endObject()
  }

  func health() async -> Reply {
    let tally = live.tally
    async let older = database?.isThere()
    async let batch = areViewsThere()
    var components: [(String, Bool?)] = [("hot_store", await isStoreThere())]
    if let topics {
      components += [
        ("kafka_producer", topics.isReachable), ("kafka_consumer", topics.isFollowingAll),
        ("market_stream", topics.isReachable && (isStreaming(tally) || !calendar.isOpen(at: now() / 1_000, .extended))),
        ("options_stream", flows(Topics.optionsFlow, tally)),
        ("sentiment_stream", flows(Topics.sentimentEvents, tally)),
      ]
    }
    components += [
      ("dask_cluster", dask.map { $0.state.isConnected && $0.state.workers > 0 }),
      ("views", await batch), ("database", await older),
    ]
    let known = components.compactMap { name, works in works.map { (name, $0) } }
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("healthy", known.allSatisfy(\.1))
    writer.key("components")
    writer.beginObject()
    for (name, works) in known {
      writer.key(named: name)
      writer.bool(works)
    }
    writer.endObject()
    writer.time("timestamp", ms: now())
    writer.endObject()
    return .json(writer.array())
  }
}
