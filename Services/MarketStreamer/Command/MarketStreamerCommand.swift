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
struct StreamCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream",
    abstract: "Stream a feed into Kafka.",
    discussion: """
      Writes \(Topics.marketTicks.name), \(Topics.marketBars.name) and \(Topics.marketGaps.name), key and order by \
      symbol; follows \(Topics.subscriptions.name). --check logs in and says what the plan allows.
      """,
    version: Souk.version)

  @OptionGroup(title: "Feed") var feed: FeedOptions
  @OptionGroup(title: "Fetching") var http: HTTPOptions
  @OptionGroup(title: "Redis") var redis: RedisOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static let metrics =
    StreamerMetrics.descriptions + KafkaMetrics.producer + KafkaMetrics.table + [KafkaMetrics.gaps]
      + RedisMetrics.descriptions

  func work(_ needs: Needs) -> Work {
    let (feed, http, redis, kafka, context) = (feed, http, redis, kafka, needs.context)
    let interests = needs.add(.setting("symbols", { try feed.interests() }) { "\($0.count)" })
    let plan = needs.add(Need(
      "feed", limit: .seconds(60), open: { (settings: try feed.settings(), calendar: try NYSECalendar()) },
      check: { try await FeedSession(settings: $0.settings).check(try interests.value) }))
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
    let wanted = Mutex<Interests?>(nil)
    needs.add(Need("interests", open: {
      let all = Interests(feed.feed, fixed: try interests.value, shards: feed.connections)
      wanted.withLock { $0 = all }
    }))
    needs.table("subscriptions", entry.name, kafka, topic: Topics.subscriptions) { batch in
      wanted.withLock { $0 }?.take(batch)
    }
    return clients.source("lease", linger: Publisher.linger) { producer in
      guard let interests = wanted.withLock({ $0 }) else { return }
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

/// `market-streamer subscribe`: adds symbols while streamers run.
struct SubscribeCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "subscribe", abstract: "Have running streamers of a feed listen to symbols besides.",
    discussion: "Writes \(Topics.subscriptions.name). What is subscribed to stays so until `unsubscribe`.",
    version: Souk.version)

  @OptionGroup(title: "Feed") var subscription: SubscriptionOptions
  @Option(help: ArgumentHelp("What to listen to of each.", valueName: "list"))
  var channels = "trades,quotes,bars"
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static let metrics = KafkaMetrics.producer

  func work(_ needs: Needs) -> Work {
    let channels = channels
    return subscription.work(needs, kafka) { feed, symbol in
      let options = FeedOptions()
      let wanted = try options.list(channels, "--channels").intersection(feed.channels)
      return FeedSubscription(
        feed: feed.rawValue, symbol: symbol, channels: wanted.sorted().map(\.rawValue)).encoded()
    }
  }
}

/// `market-streamer unsubscribe`: takes back what `subscribe` added.
struct UnsubscribeCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "unsubscribe", abstract: "Take back what was subscribed to; what settings name stays.",
    version: Souk.version)

  @OptionGroup(title: "Feed") var subscription: SubscriptionOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static let metrics = KafkaMetrics.producer

  func work(_ needs: Needs) -> Work { subscription.work(needs, kafka) { _, _ in nil } }
}

struct SubscriptionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The feed whose streamers listen.", valueName: "feed"))
  var feed = Feed.polygonStocks

  @Argument(help: "Symbols, as any provider writes them.")
  var symbols: [String] = []

  func validate() throws {
    guard !symbols.isEmpty else { throw ValidationError("name at least one symbol") }
  }

  func work(
    _ needs: Needs, _ kafka: KafkaOptions, _ value: @escaping @Sendable (Feed, String) throws -> [UInt8]?
  ) -> Work {
    let (feed, texts) = (feed, symbols)
    let symbols = needs.add(.setting("symbols", {
      try texts.map { try FeedOptions.symbol($0, of: feed) }
    }) { $0.joined(separator: ", ") })
    let clients = needs.kafka(
      ServiceCatalogue.marketStreamer.name, kafka, topics: [Topics.subscriptions.name], consumes: false)
    return clients.source { producer in
      var batch = OutgoingBatch()
      for symbol in try symbols.value {
        batch.append(
          topic: Topics.subscriptions.name, key: FeedSubscription.key(feed: feed.rawValue, symbol: symbol),
          value: try value(feed, symbol))
      }
      try await producer.send(batch)
    }
  }
}
