import ArgumentParser
import Catalogue
import Core
import Feeds
import Foundation
import HTTP
import HTTPFlags
import Kafka
import KafkaFlags
import Messages
import Options
import Pipeline
import Redis
import RedisFlags
import ServiceKit
import Synchronization

/// `market-streamer`: without a subcommand, streams; `subscribe` and `unsubscribe` change what is streamed.
package struct MarketStreamerProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.marketStreamer.name,
    abstract: "Publishes trades, quotes and bars of market feeds, and refills what it missed.",
    version: Souk.version, subcommands: [StreamCommand.self, SubscribeCommand.self, UnsubscribeCommand.self],
    defaultSubcommand: StreamCommand.self)

  package init() {}
}

/// `market-streamer stream`: publishes what a feed says.
package struct StreamCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "stream",
    abstract: "Stream a feed into Kafka.",
    discussion: """
      Writes \(Topics.marketTicks.name), \(Topics.marketBars.name) and \(Topics.marketGaps.name), key and order by \
      symbol; follows \(Topics.subscriptions.name). --check logs in and says what the plan allows.
      """,
    version: Souk.version)

  @OptionGroup(title: "Feed") package var feed: FeedOptions
  @OptionGroup(title: "Fetching") package var http: HTTPOptions
  @OptionGroup(title: "Redis") package var redis: RedisOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics =
    StreamerMetrics.descriptions + KafkaMetrics.producer + KafkaMetrics.table + [KafkaMetrics.gaps]
      + RedisMetrics.descriptions

  package func work(_ needs: Needs) -> Work {
    let (feed, http, redis, kafka, context) = (feed, http, redis, kafka, needs.context)
    let interests = needs.add(.setting("symbols", { try feed.interests() }) { "\($0.count)" })
    let plan = needs.add(Need(
      "feed", limit: .seconds(60), open: { (settings: try feed.settings(), calendar: try NYSECalendar()) },
      check: { try await FeedSession($0.settings).check(try interests.value) }))
    let client = needs.add(Need("history", open: { try http.makeClient(name: "feed-history", perHost: Refill.atOnce) }))
    let location = needs.add(.setting("state", { () throws(Failure) -> StateLocation in
      if let text = feed.state { return try StateLocation(text) }
      return redis.redisURL.map { .redis($0) } ?? .memory
    }) { $0.kind })
    let store = needs.add(Need<RedisClient?>(
      "redis", condition: "redis",
      open: {
        guard case .redis(let url) = try location.value else { return nil }
        return try redis.makeClient(clientName: "market-streamer", url: url)
      },
      check: { client in
        try await client?.ping()
        return client == nil ? "not used" : "answers"
      },
      close: { await $0?.close() }))
    let all = [Topics.marketTicks, Topics.marketBars, Topics.marketGaps, Topics.subscriptions]
    let topics = (all + (feed.feed.hasOptions ? [Topics.optionTrades] : [])).map(\.name)
    let entry = ServiceCatalogue.marketStreamer
    let clients = needs.kafka(entry.name, kafka, topics: topics, consumes: false)
    let wanted = InterestsBox()
    needs.add(Need("interests", open: {
      wanted.interests = Interests(feed.feed, fixed: try interests.value, shards: feed.connections)
    }))
    needs.table("subscriptions", entry.name, kafka, topic: Topics.subscriptions) { wanted.interests?.take($0) }
    return clients.source("lease", linger: Publisher.linger) { producer in
      guard let interests = wanted.interests else { return }
      let (plan, location, redis) = (try plan.value, try location.value, try store.value)
      let refill = plan.settings.refillChannels.isEmpty
        ? nil : feed.makeRefill(try client.value, http.limits(maxBodyBytes: 64 << 20))
      let ready = context.health.readiness("kafka")
      let recovery = Recovery(
        options: kafka, admin: try kafka.makeAdmin(clientID: entry.name, logger: context.logger), clientID: entry.name,
        logger: context.logger)
      let fence = "\(ProcessInfo.processInfo.hostName)-\(UInt64.random(in: 0 ... .max))"
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<feed.connections {
          let name = "\(feed.feed.rawValue)-\(number)-of-\(feed.connections)"
          let outlet = Outlet(
            feed.feed, producedBy: clients.identity.producedBy, memory: .seconds(30),
            maxSkew: plan.settings.maxSkew, remembersSymbols: true)
          let publisher = Publisher(
            outlet, producer, number, drain: context.drain, logger: context.logger,
            ready: { ready.set(ready: $0, reason: $1) })
          let shard = Shard(
            number, settings: plan.settings, interests: interests,
            store: ShardStore(location, feed: feed.feed.rawValue, name: name, redis: redis, fence: fence),
            recovery: recovery, refill: refill, outlet: outlet, publisher: publisher, calendar: plan.calendar,
            context: context)
          group.addTask {
            let publishing = Task { try await publisher.run() }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await shard.run()) } catch { outcome = .failure(error) }
            publisher.finish()
            try await publishing.value
            try outcome.get()
          }
        }
        do {
          while try await group.next() != nil {}
        } catch {
          context.drain.raise()
          throw error
        }
      }
    }
  }
}

/// What the table of subscriptions is told to, once the settings are read.
private final class InterestsBox: Sendable {
  private let storage = Mutex<Interests?>(nil)
  var interests: Interests? {
    get { storage.withLock { $0 } }
    set { storage.withLock { $0 = newValue } }
  }
}
