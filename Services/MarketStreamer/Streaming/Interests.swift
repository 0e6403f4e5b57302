import Core
import CoreMetrics
import Feeds
import Kafka
import Messages
import Synchronization

/// What is listened to: by the settings, and by the topic `subscriptions` besides. Each connection has the symbols
/// whose hash is its own.
final class Interests: Sendable {
  private struct State {
    var topic: [String: Set<FeedChannel>] = [:]
  }
  private let feed: Feed
  private let fixed: [String: Set<FeedChannel>]
  private let shards: Int
  private let state = Mutex(State())

  init(_ feed: Feed, fixed: [FeedInterest], shards: Int) {
    self.feed = feed
    self.fixed = Dictionary(fixed.map { ($0.symbol, $0.channels) }, uniquingKeysWith: { $0.union($1) })
    self.shards = shards
  }

  /// Takes records of the topic. What cannot be read is counted and changes nothing.
  func take(_ batch: RecordBatch) {
    batch.forEach { record in
      guard let key = record.keyBytes else { return }
      let name = String(decoding: key, as: UTF8.self)
      guard name.hasPrefix(feed.rawValue + "/") else { return }
      let symbol = String(name.dropFirst(feed.rawValue.utf8.count + 1))
      if record.isTombstone {
        return state.withLock { $0.topic[symbol] = nil }
      }
      do throws(DecodingFailure) {
        let message = try FeedSubscription(decoding: record.value, limits: .init(maxBytes: 64 << 10))
        let channels = Set(message.channels.compactMap(FeedChannel.init(rawValue:))).intersection(feed.channels)
        state.withLock { $0.topic[symbol] = channels }
      } catch {
        StreamerMetrics.refused(error.code)
      }
    }
  }

  /// Of one connection, by symbol, sorted.
  func of(shard: Int) -> [FeedInterest] {
    let all = state.withLock { fixed.merging($0.topic, uniquingKeysWith: { $0.union($1) }) }
    return all.filter { Self.shard(of: $0.key, shards) == shard && !$0.value.isEmpty }
      .map { FeedInterest($0.key, $0.value) }.sorted { $0.symbol < $1.symbol }
  }

  /// The channels of a symbol; those of `*` where it is not named itself.
  static func channels(of symbol: String, in interests: [String: Set<FeedChannel>]) -> Set<FeedChannel> {
    interests[symbol] ?? interests["*"] ?? []
  }

  func isOf(shard: Int, _ symbol: String) -> Bool { Self.shard(of: symbol, shards) == shard }

  /// FNV-1a, the same in every process.
  static func shard(of symbol: String, _ shards: Int) -> Int {
    let hash = symbol.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    return Int((hash ^ (hash >> 32)) % UInt64(max(1, shards)))
  }

  /// What turns one list into another.
  static func changes(
    from old: [FeedInterest], to new: [FeedInterest]
  ) -> [(FeedRequests.Action, [FeedInterest])] {
    func difference(_ left: [FeedInterest], _ right: [FeedInterest]) -> [FeedInterest] {
      let others = Dictionary(right.map { ($0.symbol, $0.channels) }, uniquingKeysWith: { first, _ in first })
      return left.compactMap { interest in
        let rest = interest.channels.subtracting(others[interest.symbol] ?? [])
        return rest.isEmpty ? nil : FeedInterest(interest.symbol, rest)
      }
    }
    return [(.unsubscribe, difference(old, new)), (.subscribe, difference(new, old))].filter { !$0.1.isEmpty }
  }
}
