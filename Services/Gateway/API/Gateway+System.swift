import Catalogue
import Core
import Messages
import Redis

/// Status and health, in the shape that programs read: known names keep their meaning, others may come beside them.
extension Gateway {
  /// Whether market data came lately.
  private func isStreaming(_ tally: LiveState.Tally) -> Bool {
    let last = [Topics.marketTicks, Topics.marketBars].compactMap { tally.arrivals[$0.name] }.max()
    return last.map { now() - $0 <= Int64(staleAfter / .milliseconds(1)) } ?? false
  }

  private func isStoreThere() async -> Bool { (try? await store.redis.ping()) != nil }

  func status() async -> Reply {
    let (tally, isStoreThere) = (live.tally, await isStoreThere())
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("ingestion_layer")
    writer.beginObject()
    writer.key("is_running")
    writer.bool(topics.map { $0.isReachable } ?? false)
    writer.key("uptime_seconds")
    writer.integer((ContinuousClock.now - started).components.seconds)
    writer.key("kafka")
    writer.beginObject()
    writer.key("enabled")
    writer.bool(topics != nil)
    if let topics {
      writer.key("producer")
      writer.beginObject()
      writer.key("is_running")
      writer.bool(topics.isReachable)
      writer.key("total_messages")
      writer.integer(Int64(tally.counts.values.reduce(0, +)))
      writer.endObject()
      writer.key("consumer")
      writer.beginObject()
      writer.key("is_running")
      writer.bool(topics.isFollowing)
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
    writer.key("hot_store")
    writer.beginObject()
    writer.key("connected")
    writer.bool(isStoreThere)
    writer.endObject()
    writer.key("streams")
    writer.beginObject()
    writer.key("market")
    if topics != nil {
      writer.beginObject()
      writer.key("is_streaming")
      writer.bool(isStreaming(tally))
      writer.key("subscribed_symbols")
      writer.strings(tally.symbols)
      writer.endObject()
    } else {
      writer.null()
    }
    writer.endObject()
    writer.endObject()
    writer.endObject()
    return .json(writer.array())
  }

  func health() async -> Reply {
    var components = [("hot_store", await isStoreThere())]
    if let topics {
      components += [
        ("kafka_producer", topics.isReachable), ("kafka_consumer", topics.isFollowing),
        ("market_stream", topics.isReachable && isStreaming(live.tally)),
      ]
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("healthy")
    writer.bool(components.allSatisfy(\.1))
    writer.key("components")
    writer.beginObject()
    for (name, works) in components {
      writer.key(named: name)
      writer.bool(works)
    }
    writer.endObject()
    writer.time("timestamp", ms: now())
    writer.endObject()
    return .json(writer.array())
  }
}
