import ArgumentParser
import Catalogue
import Core
import Foundation
import LocalServers
import ObjectStoreFlags
import Redis
import Synchronization

/// Market feeds: a simulated market at one end, the hot store and the archive at the other.
final class LambdaSystem: ShownSystem {
  let system = FleetSystem.lambda
  private struct Ends: Sendable {
    let redis: PrivateRedis
    let client: RedisClient
    /// Of the simulated feeds.
    let feeds: UInt16
    /// Of the gateway.
    let door: UInt16
    /// nil where other runs archive, too.
    let archive: ObjectStoreOptions?
    let past: PastDays
    let batch: BatchLayer?
    /// Of the simulated options.
    let options: UInt16
    /// Of the simulated filings.
    let edgar: UInt16
    /// nil unless outages are asked for.
    let outages: Outages?
  }
  /// What is asked.
  private let ends = Mutex<Ends?>(nil)
  static let symbols = ["AAPL", "BRK.B", "MSFT", "NVDA", "QQQ", "SPY", "TSLA"]
  /// Those of them that the invented news are about.
  static let newsSymbols = ["AAPL", "MSFT", "NVDA", "TSLA"]

  /// What options are on, and the contracts that trade.
  static let underlyings = ["AAPL", "NVDA"]
  static let contracts = underlyings.flatMap { name in
    (0..<8).map { "\(name)291221\($0 % 2 == 0 ? "C" : "P")00\(200 + 10 * ($0 / 2))000" }
  }

  func check(_ options: UpOptions) throws {}

  func prepare(_ startup: inout Startup) async throws {
    let server = try await startup.startRedis(modules: true)
    startup.surroundings.servers[.redis] = ["REDIS_URL": server.url]
    try await startup.startObjectStore()
    startup.surroundings.arguments[ServiceCatalogue.archiver.name] = [
      "--rotate-interval", "1s", "--catalogue-interval", "1s",
    ]
    // A minute in two seconds, twenty seconds long; in the middle the feed is away for one of its minutes.
    let port = try await startup.simulate("feed-simulator", [
      "--speed", "30", "--events", "4000", "--cut-after", "1800", "--away", "2", "--past-days", "\(PastDays.count)",
      "--page-size", "1000",
    ], "an invented market")
    // Twenty seconds, with unusual activity in every one of them.
    let options = try await startup.simulate("options-simulator", by: "feed-simulator", [
      "--symbols", Self.contracts.joined(separator: ","), "--rate", "150", "--events", "3000", "--plant-every", "150",
      "--chain-contracts", "300", "--page-size", "1000",
    ], "invented options")
    let client = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    let door = try FreePort.next()
    startup.surroundings.arguments[ServiceCatalogue.gateway.name] = [
      "--api-port", "\(door)", "--stale-after", "3600s", "--views-enabled", "true", "--views-refresh", "2s",
      "--fleet-addresses-file", try startup.folder.file("addresses"),
    ]
    let isOwn = ObjectStoreChoice(startup.parts, objects: "") == .embedded
    let store = try startup.surroundings.objectStore(of: ServiceCatalogue.archiver)
    let past = PastDays(
      environment: startup.surroundings.environment(of: ServiceCatalogue.marketStreamer),
      sources: try startup.folder.file("data_sources.yaml"), feeds: port, screen: startup.screen)
    let batch = try await BatchLayer.start(&startup)
    let edgar = try await startup.simulate(
      "edgar-simulator", ["--paragraphs", "4"], "invented reports")
    ends.withLock {
      $0 = Ends(
        redis: server, client: client, feeds: port, door: door, archive: isOwn ? store : nil, past: past, batch: batch,
        options: options, edgar: edgar,
        outages: startup.options.outages
          ? Outages(
            door: door, redis: server, broker: startup.servers["broker"], dask: batch?.cluster, screen: startup.screen)
          : nil)
    }
    startup.surroundings.arguments[ServiceCatalogue.marketStreamer.name] = [
      "--feed", "alpaca-stocks", "--feed-url", "ws://127.0.0.1:\(port)/v2/iex",
      "--history-url", "http://127.0.0.1:\(port)", "--feed-key", "key", "--feed-secret", "secret",
      "--symbols", Self.symbols.joined(separator: ","), "--hours", "always", "--silence", "3600s",
      "--allow-private-addresses",
    ]
    startup.surroundings.further[ServiceCatalogue.marketStreamer.name] = [.init(
      name: "market-streamer-options", arguments: [
        "--feed", "polygon-options", "--feed-url", "ws://127.0.0.1:\(options)/options",
        "--history-url", "http://127.0.0.1:\(options)", "--feed-key", "key", "--symbols",
        Self.contracts.joined(separator: ","), "--channels", "trades,quotes", "--hours", "always", "--silence",
        "3600s", "--allow-private-addresses",
      ])]
    // Of these stories, three lose an article while the run watches, and one of them its only one.
    let news = try await startup.simulate("news-simulator", ["--seed", "4"], "invented news and posts")
    try describeSchedules(&startup, feeds: port, options: options, news: news, edgar: edgar)
    describeSentiment(&startup)
    // The simulated market never closes.
    startup.surroundings.arguments[ServiceCatalogue.signalWorker.name] = ["--hours", "always"]
    startup.sources = 2
  }

  /// Bars by schedule, beside those of the stream: what both say of a minute is the same. And news, posts and filings,
  /// which the stream does not have.
  private func describeSchedules(
    _ startup: inout Startup, feeds port: UInt16, options: UInt16, news: UInt16, edgar: UInt16
  ) throws {
    let (sources, schedules) = (try startup.folder.file("data_sources.yaml"), try startup.folder.file("schedules.yaml"))
    let key = try startup.folder.file("feed.key"), secret = try startup.folder.file("feed.secret")
    for (path, text) in [
      (key, "key\n"), (secret, "secret\n"),
      (sources, """
        sources:
          - {name: alpaca, kind: alpaca, url: "http://127.0.0.1:\(port)", key: "file:\(key)", secret: "file:\(secret)",
             rate: 200/m}
          - {name: options, kind: polygon, url: "http://127.0.0.1:\(options)", key: "file:\(key)", rate: 600/m}
          - {name: newsapi, kind: newsapi, url: "http://127.0.0.1:\(news)", key: "file:\(key)", rate: 600/m}
          - {name: reddit, kind: reddit, url: "http://127.0.0.1:\(news)", key: "file:\(key)", secret: "file:\(key)",
             user-agent: "linux:souk-demo:1 (by /u/souk)", communities: [stocks, investing], rate: 600/m}
          - {name: x, kind: x, url: "http://127.0.0.1:\(news)", key: "file:\(key)", rate: 600/m, recheck: 5s}
          - {name: fmp, kind: fmp, url: "http://127.0.0.1:\(news)", key: "file:\(key)", rate: 600/m}
          - {name: edgar, kind: edgar, url: "http://127.0.0.1:\(edgar)", user-agent: "Souk demo demo@souk.example",
             rate: 8/s, burst: 2}

        """),
      (schedules, """
        schedules:
          - {name: bars-1m, kind: bars, every: 1m, hours: always, delay: 3s, deadline: 2m, lookback: 5m}
          - {name: chains, kind: chains, source: options, symbols: [\(Self.underlyings.joined(separator: ", "))],
             every: 15s, hours: always, deadline: 30s}
          - {name: news, kind: news, every: 5s, hours: always, deadline: 30s, lookback: 1d}
          - {name: reddit, kind: social, source: reddit, symbols: none, every: 5s, hours: always, deadline: 30s,
             lookback: 1d}
          - {name: x, kind: social, source: x, every: 5s, hours: always, deadline: 30s, lookback: 1d}
          - {name: transcripts, kind: transcripts, every: 10s, hours: always, deadline: 30s}
          - {name: filings, kind: filings, every: 10s, hours: always, deadline: 30s}

        """),
    ] { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
    startup.surroundings.arguments[ServiceCatalogue.scheduler.name] = [
      "--tickers", Self.symbols.joined(separator: ","), "--schedules", schedules, "--data-sources", sources,
    ]
    startup.surroundings.arguments[ServiceCatalogue.fetcher.name] = [
      "--data-sources", sources, "--allow-private-addresses",
    ]
  }

  /// The lexicon of VADER, where `make deps` has put it; else scores are those of the finance words alone.
  private func describeSentiment(_ startup: inout Startup) {
    let folders = Program.environmentFolders.flatMap { bin -> [String] in
      let libraries = URL(filePath: bin).deletingLastPathComponent().appending(path: "lib").path
      let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries)) ?? []
      return versions.map { "\(libraries)/\($0)/site-packages/vaderSentiment" }
    }
    guard let folder = folders.first(where: { FileManager.default.fileExists(atPath: "\($0)/vader_lexicon.txt") })
    else { return }
    startup.surroundings.arguments[ServiceCatalogue.sentimentWorker.name] = [
      "--lexicon", "\(folder)/vader_lexicon.txt", "--emoji-lexicon", "\(folder)/emoji_utf8_lexicon.txt",
    ]
  }

  /// Last prices and gaps, as Redis has them now.
  func live() async -> [String] {
    guard let client = ends.withLock({ $0?.client }) else { return [] }
    do {
      let prices = try await HotStoreSide.prices(client, Self.symbols)
      return HotAnswers.live(prices, try await HotStoreSide.gaps(client, Self.symbols))
    } catch {
      return ["", "Redis does not answer: \(publicCode(of: error))"]
    }
  }

  func answers() async throws -> [String] {
    guard let ends = ends.withLock({ $0 }) else { return [] }
    let archive: ArchiveSide? = if let store = ends.archive { try await ArchiveSide.read(store) } else { nil }
    let answers = HotAnswers(
      truth: try await FeedTruth.read(port: ends.feeds), store: try await HotStoreSide.read(ends.client, Self.symbols),
      archive: archive)
    try answers.requireAgreement()
    let past = try await ends.past.fill(ends.client, Self.symbols)
    let news = try await NewsAnswers.read(ends.client, Self.newsSymbols)
    let flow = try await FlowAnswers.read(ends.client, Self.underlyings, port: ends.options)
    let batch = try await ends.batch?.run(Self.symbols) ?? BatchLayer.missing
    let door = try await DoorAnswers.read(port: ends.door, Self.symbols, isBatchSeen: ends.batch != nil)
    let outages = try await ends.outages?.run("AAPL") ?? []
    let filings = try await FilingAnswers.read(ends.client, edgar: ends.edgar, door: ends.door)
    return past + answers.lines + batch + door.lines + outages + news.lines + flow.lines + filings.lines
      + ["", "Ask it yourself while it runs (redis-cli -p \(ends.redis.port)):", ""]
      + (try await typed(ends.redis.port)) + (await asked(ends.door))
  }

  /// Commands that a person types, with the beginning of their answers.
  private func typed(_ port: UInt16) async throws -> [String] {
    var lines: [String] = []
    for command in [
      "TS.INFO ts:AAPL:price", "TS.GET ts:AAPL:price", "TS.GET ts:AAPL:1m:close", "HGET trade:AAPL price",
      "HMGET feat:{AAPL} 1m:session_vwap 1m:obv 1m:events", "XLEN stream:raw_market_data",
    ] {
      let words = ["-p", "\(port)"] + command.split(separator: " ").map(String.init)
      let answer = try await ChildProcess.run(Launch("redis-cli", words)).output
      let text = answer.split(separator: "\n").prefix(10).joined(separator: " ")
      let line = "\(command): \(text)"
      lines.append(line.count > 80 ? line.prefix(77) + "..." : line)
    }
    return lines
  }

  /// The same of the gateway.
  private func asked(_ port: UInt16) async -> [String] {
    var lines = ["", "Or over HTTP (souk tick AAPL --gateway http://127.0.0.1:\(port)):", ""]
    for path in ["/ticks/AAPL/latest", "/bars/AAPL?limit=1", "/system/ingestion/health"] {
      let answer = await LoopbackHTTP.shared.get(port: port, path: "/api/v1\(path)")
      let line = "\(path): \(answer?.body ?? "no answer")"
      lines.append(line.count > 80 ? line.prefix(77) + "..." : line)
    }
    return lines + ["", "Or in a browser: http://127.0.0.1:\(port)/board"]
  }
}
