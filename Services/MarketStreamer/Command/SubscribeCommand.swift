import ArgumentParser
import Catalogue
import Core
import Feeds
import Kafka
import KafkaFlags
import Messages
import Pipeline
import ServiceKit

/// `market-streamer subscribe`: adds symbols while streamers run.
package struct SubscribeCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "subscribe", abstract: "Have running streamers of a feed listen to symbols besides.",
    discussion: "Writes \(Topics.subscriptions.name). What is subscribed to stays so until `unsubscribe`.",
    version: Souk.version)

  @OptionGroup(title: "Feed") package var subscription: SubscriptionOptions
  @Option(help: ArgumentHelp("What to listen to of each.", valueName: "list"))
  package var channels = "trades,quotes,bars"
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics = KafkaMetrics.producer

  package func work(_ needs: Needs) -> Work {
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
package struct UnsubscribeCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "unsubscribe", abstract: "Take back what was subscribed to; what settings name stays.",
    version: Souk.version)

  @OptionGroup(title: "Feed") package var subscription: SubscriptionOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics = KafkaMetrics.producer

  package func work(_ needs: Needs) -> Work { subscription.work(needs, kafka) { _, _ in nil } }
}

package struct SubscriptionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The feed whose streamers listen.", valueName: "feed"))
  package var feed = Feed.polygonStocks

  @Argument(help: "Symbols, as any provider writes them.")
  package var symbols: [String] = []

  package init() {}

  package func validate() throws {
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
