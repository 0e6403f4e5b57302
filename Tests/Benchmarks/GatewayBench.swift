import ArgumentParser
import Catalogue
import Compression
import Core
import Foundation
import Kafka
import LocalServers
import Messages
import Redis
import TestSupport
import Values

/// `souk-bench gateway`: what the door answers how fast.
struct GatewayBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gateway", abstract: "Answers of the gateway: last ticks, features, merged bars, live events.",
    discussion: """
      One gateway with a private Redis, a lake in a folder and the embedded broker, and a client of one thread on the \
      same cores. Last ticks of 100 symbols, at 1,000 requests/s and as many as go; 250 features of a symbol; 390 \
      bars, half of the batch layer and half live; trades at 10,000 events/s from their writing into Kafka until a \
      listener has them. Then the last ticks again from FastAPI with uvicorn and redis-py.
      """)

  @Option(help: "Seconds of each measurement.") var seconds = 10.0
  @Option(help: "Events a second of the live measurement.") var events = 10_000

  private static let symbols = (0..<100).map { "S\($0)" }
  private static let minute: Int64 = 60_000

  func run() async throws {
    let redis = try await PrivateRedis.start(modules: true)
    let broker = try EmbeddedBroker(topics: ServiceCatalogue.gateway.tables.map { ($0.name, 12) })
    defer { broker.close() }
    let client = RedisClient(RedisConfiguration(url: try RedisURL(redis.url), timeout: .seconds(60)))
    let folder = try PrivateFolder("gateway-bench")
    let first = (WallClock.milliseconds() - 390 * Self.minute) / Self.minute * Self.minute
    try await fill(client, first)
    try publish(folder.path, first)
    let api = try FreePort.next()
    let gateway = try await ServiceProcess.start("gateway", [], environment: [
      // The embedded broker answers a fetch that waits for records only when its time is over.
      "KAFKA_PROPERTIES": "fetch.wait.max.ms=5",
      "API_PORT": "\(api)", "REDIS_URL": redis.url, "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers,
      "LOG_LEVEL": "warning", "VIEWS_ENABLED": "true", "VIEWS_REFRESH": "10m", "OBJECT_STORE": "file://\(folder.path)",
    ])
    try await gateway.awaitReady()
    try await eventually("topics are followed") {
      await LoopbackHTTP.shared.get(port: api, path: "/api/v1/system/ingestion/health")?.body
        .contains("\"kafka_consumer\":true") == true
    }
    let latest = Self.symbols.map { "/api/v1/ticks/\($0)/latest" }
    try await measure("last tick out of Redis, 1,000/s", HTTPLoad(port: api, paths: latest), 1_000)
    let producer = try MarketFeed.producer(for: broker)
    try await send(producer, Self.symbols.flatMap { [tick(.trade, $0), tick(.quote, $0)] })
    try await eventually("ticks came") {
      await LoopbackHTTP.shared.get(port: api, path: "/api/v1/streams/S99")?.body
        .contains("\"is_streaming\":true") == true
    }
    try await measure("last tick, 1,000/s", HTTPLoad(port: api, paths: latest), 1_000)
    try await measure("last tick, as many as go", HTTPLoad(port: api, paths: latest, connections: 64), nil)
    try await measure("250 features, 500/s", HTTPLoad(port: api, paths: ["/api/v1/features/S0"]), 500)
    let bars = "/api/v1/bars/S0?interval=1m&start=\(RFC3339.text(ns: first * 1_000_000))&limit=390"
    try await measure("390 merged bars, 100/s", HTTPLoad(port: api, paths: [bars]), 100)
    try await live(api, producer)
    let rss = await gateway.metrics().sum("process_resident_memory_bytes") ?? 0
    print("gateway: \(Int(rss) >> 20) MiB resident")
    await producer.close()
    await gateway.terminate()
    try await peer(redis)
    await client.close()
    await redis.stop()
  }

  // MARK: - what is asked for

  private func fill(_ client: RedisClient, _ first: Int64) async throws {
    var commands: [RedisCommand] = []
    let now = WallClock.milliseconds() * 1_000_000
    for symbol in Self.symbols {
      commands.append(RedisCommand(
        "HSET", "trade:\(symbol)", "event_ns", "\(now)", "price", "187.10", "size", "100", "id", "1", "exchange", "4",
        "feed", "polygon-stocks"))
      commands.append(RedisCommand(
        "HSET", "quote:\(symbol)", "event_ns", "\(now)", "bid", "187.09", "ask", "187.11", "bid_size", "3", "ask_size",
        "2", "feed", "polygon-stocks"))
    }
    let features = (0..<250).flatMap { ["1m:f\($0)", "\(Double($0) / 7)"] } + ["1m:start_ns", "\(now)"]
    commands.append(RedisCommand("HSET", (["feat:{S0}"] + features).map { Array($0.utf8) }))
    for field in ["open", "high", "low", "close", "volume", "vwap"] {
      commands.append(RedisCommand("TS.CREATE", "ts:S0:1m:\(field)", "DUPLICATE_POLICY", "LAST"))
      for minute in 0..<390 {
        commands.append(RedisCommand(
          "TS.ADD", "ts:S0:1m:\(field)", "\(first + Int64(minute) * Self.minute)", "\(100 + minute).25"))
      }
    }
    try await client.sendAll(commands)
  }

  /// The first half of the bars as the batch layer publishes them.
  private func publish(_ folder: String, _ first: Int64) throws {
    let price = ExactDecimal(mantissa: 10_025, scale: 2) ?? .zero
    let bars = (0..<195).map { minute in
      FeedBar(symbol: "S0", feed: "polygon-stocks", interval: "1m", values: FeedBarValues(
        startNs: (first + Int64(minute) * Self.minute) * 1_000_000, knownNs: 1, open: price, high: price, low: price,
        close: price, volume: price))
    }
    guard let packed = Deflate.gzip(bars.flatMap { $0.encoded() + [UInt8(ascii: "\n")] }) else { return }
    let (from, until) = (first * 1_000_000, (first + 195 * Self.minute) * 1_000_000)
    let manifest = """
      {"format":1,"dataset":"bars","schema":"bars/1","run":"r1","job":"j","kind":"compact","code":"0","sequence":1,\
      "created_ns":1,"inputs":[],"parts":[{"key":"lake/p","lines":"lake/p.gz","date":"2026-03-02","symbol":"S0",\
      "rows":195,"bytes":1,"sha256":"0","min_ns":\(from),"max_ns":\(until - 60_000_000_000),"run":"r1"}],\
      "boundaries":[{"symbol":"S0","covers":[{"from_ns":\(from),"until_ns":\(until)}]}]}
      """
    let pointer = """
      {"sequence":1,"manifest":"lake/bars/manifests/r1.json","sha256":"\(SHA256.hash(manifest).hex)","run":"r1"}
      """
    for (key, bytes) in [
      ("lake/p.gz", packed), ("lake/bars/manifests/r1.json", Array(manifest.utf8)),
      ("lake/bars/current/000000000001.json", Array(pointer.utf8)),
    ] {
      let file = URL(filePath: "\(folder)/\(key)")
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: file)
    }
  }

  private func tick(_ kind: FeedTick.Kind, _ symbol: String) -> FeedTick {
    let now = WallClock.microseconds() * 1_000
    var tick = FeedTick(kind, symbol: symbol, feed: "polygon-stocks", eventNs: now, knownNs: now)
    if kind == .trade {
      (tick[\.price], tick[\.size], tick[\.id]) = (ExactDecimal(mantissa: 18_710, scale: 2), ExactDecimal(100), "1")
    } else {
      (tick[\.bid], tick[\.ask]) = (ExactDecimal(mantissa: 18_709, scale: 2), ExactDecimal(mantissa: 18_711, scale: 2))
    }
    return tick
  }

  private func send(_ producer: Producer, _ ticks: [FeedTick]) async throws {
    var batch = OutgoingBatch()
    for tick in ticks { batch.append(topic: Topics.marketTicks.name, key: tick.key, value: tick.encoded()) }
    try await producer.send(batch)
  }

  // MARK: - measuring

  private func measure(_ name: String, _ load: HTTPLoad, _ rate: Double?) async throws {
    _ = try await load.run(seconds: 1, rate: rate)
    let outcome = try await load.run(seconds: seconds, rate: rate)
    guard outcome.refused == 0 else { throw Failure(.fatal, code: "refused", "\(name): \(outcome.refused) refused") }
    print("\(name.padding(toLength: 34, withPad: " ", startingAt: 0)) \(Int(outcome.rate)) requests/s, "
      + "p50 \(text(outcome.percentile(0.5))), p99 \(text(outcome.percentile(0.99))) ms")
  }

  private func text(_ microseconds: Double) -> String { "\((microseconds / 10).rounded() / 100)" }

  /// From the writing of each trade into Kafka's queue until its event is read.
  private func live(_ api: UInt16, _ producer: Producer) async throws {
    let listener = EventListener(port: api, path: "/api/v1/live?kinds=tick")
    async let heard = listener.listen(seconds: seconds + 2)
    try await Task.sleep(for: .milliseconds(500))
    let (start, total) = (ContinuousClock.now, Int(seconds) * events)
    var sent = 0
    while sent < total {
      let due = min(total, Int((ContinuousClock.now - start) / .seconds(1) * Double(events)))
      if due > sent {
        try await send(producer, (sent..<due).map { tick(.trade, Self.symbols[$0 % Self.symbols.count]) })
        sent = due
      }
      try await Task.sleep(for: .milliseconds(5))
    }
    let outcome = try await heard
    print("\("event to listener, \(events)/s".padding(toLength: 34, withPad: " ", startingAt: 0)) "
      + "\(outcome.latencies.count) of \(sent) events, p50 \(text(outcome.percentile(0.5))), "
      + "p99 \(text(outcome.percentile(0.99))) ms")
  }

  private func peer(_ redis: PrivateRedis) async throws {
    guard let program = Program.find("uvicorn", in: Program.environmentFolders) else {
      return print("FastAPI: uvicorn is not installed (pip install fastapi uvicorn[standard] redis)")
    }
    let port = try FreePort.next()
    let folder = URL(filePath: #filePath).deletingLastPathComponent().path
    var launch = Launch(program, [
      "fastapi_ticks:app", "--app-dir", folder, "--port", "\(port)", "--log-level", "error", "--workers", "2",
    ])
    launch.environment = ["REDIS_URL": redis.url]
    let process = try await ChildProcess.start(launch)
    try await eventually("uvicorn answers") {
      await LoopbackHTTP.shared.get(port: port, path: "/ticks/S0/latest") != nil
    }
    let paths = Self.symbols.map { "/ticks/\($0)/latest" }
    try await measure("FastAPI, last tick, 1,000/s", HTTPLoad(port: port, paths: paths), 1_000)
    try await measure("FastAPI, as many as go", HTTPLoad(port: port, paths: paths, connections: 64), nil)
    _ = await process.stop(grace: .seconds(10))
  }
}
