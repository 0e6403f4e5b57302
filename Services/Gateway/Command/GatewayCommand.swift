import ArgumentParser
import Catalogue
import Core
import EmbeddingFlags
import Influx
import InfluxFlags
import Kafka
import KafkaFlags
import Lake
import ObjectStoreFlags
import Operations
import PostgresFlags
import Redis
import RedisFlags
import SearchStore
import ServiceKit

/// `gateway`: the one HTTP door to what is live, to the batch layer, and to the older systems.
package struct GatewayCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.gateway.name,
    abstract: "Answer over HTTP with ticks, bars, signals, texts, features, jobs and live events.",
    discussion: """
      GET \(Endpoint.root)/openapi.json has the whole API. Reads Redis, and follows the live topics in no group, so \
      all replicas are equal. It starts without Kafka, Redis, Dask, the object store and the databases, answers what \
      it can, and says what is away.

      Examples:
        gateway --redis-url redis://localhost:6379/0
        gateway --redis-url redis://localhost:6379/0 --views-enabled true --object-store s3://archive
        curl localhost:8000/api/v1/ticks/AAPL/latest
        curl -N 'localhost:8000/api/v1/live?symbols=AAPL,MSFT&kinds=tick'
      """,
    version: Souk.version)

  @OptionGroup(title: "API") package var door: GatewayOptions
  @OptionGroup(title: "Board") package var board: BoardOptions
  @OptionGroup(title: "Redis") package var redis: RedisOptions
  @OptionGroup(title: "Texts as vectors") package var embedding: EmbeddingOptions
  @OptionGroup(title: "Views of the batch layer") package var objects: ObjectStoreOptions
  @OptionGroup(title: "Database of prices and forecasts") package var postgres: PostgresOptions
  @OptionGroup(title: "Database of the Egyptian Exchange") package var influx: InfluxOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics =
    GatewayMetrics.descriptions + RedisMetrics.descriptions + KafkaMetrics.producer + KafkaMetrics.table
      + [KafkaMetrics.gaps]

  package func work(_ needs: Needs) -> Work {
    let (door, board, kafka, context) = (door, board, kafka, needs.context)
    let name = ServiceCatalogue.gateway.name
    let access = needs.add(.setting("tokens", { [door, logger = needs.logger] in try door.access(logger) }) {
      $0.summary
    })
    let splits = needs.add(.setting("splits", door.splits) { given in
      given.map { "\($0.values.reduce(0) { $0 + $1.count }) of a file" } ?? "those of market-splits"
    })
    let embedder = needs.add(embedding.need())
    let client = needs.add(redisNeed(name))
    let views = needs.add(viewsNeed(context))
    let database = needs.add(databaseNeed(name))
    let exchange = needs.add(exchangeNeed())
    let topics = LiveTopics.all.map(\.name)
    needs.add(Need(
      "kafka", limit: .seconds(20), open: {},
      check: { [logger = context.logger] in
        guard door.kafkaEnabled else { return "not used" }
        return try await kafka.check(clientID: name, topics: topics, consumes: false, logger: logger)
      }))
    let live = LiveState(hub: LiveHub(
      history: door.eventHistory, maxListeners: door.maxListeners,
      epoch: String(UInt32.random(in: 0 ... .max), radix: 36)))
    let followed = door.kafkaEnabled ? LiveTopics(kafka, live, name: name, logger: context.logger) : nil
    let writer = needs.add(Need<ChangeWriter?>(
      "changes", open: { door.kafkaEnabled ? ChangeWriter(kafka, name: name, logger: context.logger) : nil },
      close: { await $0?.close() }))
    let sources = needs.add(Need<BoardSources?>(
      "board",
      open: {
        guard board.board != .off, door.kafkaEnabled else { return nil }
        return try BoardSources(try Cluster(kafka, name: name), board.addresses)
      },
      close: { $0?.close() }))
    let dask = needs.add(.setting("dask", { try door.dask(context.logger) }) { $0 == nil ? "not used" : "asked" })
    if let followed { needs.beside { try await followed.run(until: context.drain) } }
    if door.daskEnabled { needs.beside { await (try dask.value)?.run(until: context.drain) } }
    return .server(host: door.apiHost, port: door.apiPort, settings: ("--api-host", "--api-port"), in: context) {
      let redis = RedisMultiplexer(try client.value)
      let gateway = Gateway(
        store: HotStore(redis: redis), live: live, topics: followed, writer: try writer.value, views: try views.value,
        dask: try dask.value, database: try database.value, exchange: try exchange.value,
        splitsGiven: try splits.value, knowledge: Knowledge(
          passages: PassageSearch(redis, try embedder.value), users: UserDocuments(redis),
          cache: SemanticCache(redis, try embedder.value)),
        calendar: try NYSECalendar(), staleAfter: door.staleAfter.duration, listenerBacklog: door.listenerBacklog,
        now: WallClock.milliseconds)
      let (access, rate) = (try access.value, RequestRate(door.rateLimit))
      var routes = Door(
        endpoints: gateway.endpoints, access: access, rate: rate, origins: door.corsOrigin, logger: context.logger
      ).routes
      if board.isOn(host: door.apiHost, hasTokens: !access.isOpen) {
        let settings = try board.settings(hasTokens: !access.isOpen)
        Board(
          gateway, try sources.value, access: access, rate: rate, maxListeners: door.maxListeners, settings: settings,
          logger: context.logger
        ).add(to: &routes)
      }
      return routes
    }
  }

  private func redisNeed(_ name: String) -> Need<RedisClient> {
    Need(
      "redis", open: { [redis] in try redis.makeClient(clientName: name) },
      check: { client in
        try await client.ping()
        return "answers"
      },
      close: { await $0.close() })
  }

  private func viewsNeed(_ context: ServiceContext) -> Need<BatchViews?> {
    Need(
      "views",
      open: { [door, objects] in
        guard door.viewsEnabled else { return nil }
        return BatchViews(
          Lake(try objects.makeStore()), refresh: door.viewsRefresh.duration, cacheBytes: door.viewsCache.bytes,
          logger: context.logger)
      },
      check: { views in
        guard let views else { return "not used" }
        try await views.check()
        return "can be reached"
      },
      close: { $0?.close() })
  }

  private func databaseNeed(_ name: String) -> Need<Database?> {
    Need(
      "database",
      open: { [postgres] in
        guard postgres.databaseURL?.isEmpty == false else { return nil }
        return Database(try postgres.configuration(applicationName: name))
      },
      check: { database in
        guard let database else { return "not used" }
        _ = try await database.rows("SELECT 1 FROM offers, price_changes LIMIT 0", [], "check")
        return "answers, and has the tables of db-writer"
      })
  }

  private func exchangeNeed() -> Need<InfluxClient?> {
    Need(
      "exchange",
      open: { [influx] in
        guard influx.influxDatabase?.isEmpty == false else { return nil }
        return try InfluxClient(try influx.configuration())
      },
      check: { client in
        guard let client else { return "not used" }
        _ = try await client.query("SHOW MEASUREMENTS LIMIT 1")
        return "answers"
      },
      close: { $0?.close() })
  }
}
