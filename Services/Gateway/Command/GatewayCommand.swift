import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Redis
import RedisFlags
import ServiceKit

/// `gateway`: the one HTTP door to what is live.
package struct GatewayCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.gateway.name,
    abstract: "Answer over HTTP with last ticks, bars, gaps and live events, and say how the system is.",
    discussion: """
      GET \(Endpoint.root)/openapi.json has the whole API. Reads Redis, and follows \(Topics.marketTicks.name), \
      \(Topics.marketBars.name), \(Topics.marketGaps.name) and \(Topics.subscriptions.name) in no group, so all \
      replicas are equal. It starts without Kafka and without Redis, answers what it can, and says what is away.

      Examples:
        gateway --redis-url redis://localhost:6379/0
        curl localhost:8000/api/v1/ticks/AAPL/latest
        curl -N 'localhost:8000/api/v1/live?symbols=AAPL,MSFT&kinds=tick'
      """,
    version: Souk.version)

  @OptionGroup(title: "API") package var door: GatewayOptions
  @OptionGroup(title: "Redis") package var redis: RedisOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics =
    GatewayMetrics.descriptions + RedisMetrics.descriptions + KafkaMetrics.producer + KafkaMetrics.table
      + [KafkaMetrics.gaps]

  package func work(_ needs: Needs) -> Work {
    let (door, redis, kafka, context) = (door, redis, kafka, needs.context)
    let name = ServiceCatalogue.gateway.name
    let access = needs.add(.setting("tokens", door.access) { $0.summary })
    let client = needs.add(Need(
      "redis", open: { try redis.makeClient(clientName: name) },
      check: { client in
        try await client.ping()
        return "answers"
      },
      close: { await $0.close() }))
    let topics = [Topics.marketTicks, Topics.marketBars, Topics.marketGaps, Topics.subscriptions].map(\.name)
    needs.add(Need(
      "kafka", limit: .seconds(20), open: {},
      check: { [logger = context.logger] in
        guard door.kafkaEnabled else { return "not used" }
        return try await kafka.check(clientID: name, topics: topics, consumes: false, logger: logger)
      }))
    let hub = LiveHub(
      history: door.eventHistory, maxListeners: door.maxListeners,
      epoch: String(UInt32.random(in: 0 ... .max), radix: 36))
    let live = LiveState(hub: hub)
    let followed = door.kafkaEnabled ? LiveTopics(kafka, live, name: name, logger: context.logger) : nil
    let subscriptions = needs.add(Need<SubscriptionWriter?>(
      "subscriptions",
      open: { door.kafkaEnabled ? SubscriptionWriter(kafka, name: name, logger: context.logger) : nil },
      close: { await $0?.close() }))
    if let followed { needs.beside { try await followed.run(until: context.drain) } }
    return .server(host: door.apiHost, port: door.apiPort, settings: ("--api-host", "--api-port"), in: context) {
      let gateway = Gateway(
        store: HotStore(redis: RedisMultiplexer(try client.value)), live: live, topics: followed,
        subscriptions: try subscriptions.value, staleAfter: door.staleAfter.duration,
        listenerBacklog: door.listenerBacklog, now: WallClock.milliseconds)
      return Door(
        endpoints: gateway.endpoints, access: try access.value, rate: RequestRate(door.rateLimit),
        origins: door.corsOrigin, logger: context.logger
      ).routes
    }
  }
}
