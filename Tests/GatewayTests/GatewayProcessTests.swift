import ArgumentParser
import Catalogue
import Core
import Foundation
import GatewayAPI
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Redis
import Synchronization
import Testing
import TestSupport
import Values

/// The executable, with a real Redis and the embedded broker, asked by Python.
@Suite(.timeLimit(.minutes(20))) struct GatewayProcessTests {
  static let topics = ServiceCatalogue.gateway.tables
  static let python = ".souk/venv/bin/python"
  static let script = #filePath.replacing("GatewayProcessTests.swift", with: "ask.py")
  let now = WallClock.milliseconds() / 60_000 * 60_000

  // MARK: - what the tests are made of

  func start(_ redis: String, _ broker: EmbeddedBroker? = nil, _ more: [String: String?] = [:]) async throws
    -> (process: ServiceProcess, base: String) {
    let port = try FreePort.next()
    var environment: [String: String?] = ["API_PORT": "\(port)", "REDIS_URL": redis]
    if let broker {
      environment["KAFKA_BOOTSTRAP_SERVERS"] = broker.bootstrapServers
    } else {
      environment["KAFKA_ENABLED"] = "false"
    }
    let process = try await ServiceProcess.start("gateway", [], environment: environment.merging(more) { $1 })
    try await process.awaitReady()
    return (process, "http://127.0.0.1:\(port)/api/v1")
  }

  func lines(_ arguments: [String]) async throws -> [String] {
    let outcome = try await ChildProcess.run(Launch(Self.python, [Self.script] + arguments), atMost: .seconds(200))
    guard outcome.status == .exited(0) else { throw Unfit(text: outcome.errorOutput) }
    return outcome.output.split(separator: "\n").map(String.init)
  }

  /// An answer that is not what the document says, or none.
  struct Unfit: Error { let text: String }

  /// Status and JSON of each path, every one of them as the document has it.
  func ask(_ base: String, _ paths: String...) async throws -> [(status: Int, body: [String: Any])] {
    try await lines([base] + paths).map { line in
      let pair = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [Any])
      return (try #require(pair[0] as? Int), try #require(pair[1] as? [String: Any]))
    }
  }

  func curl(_ arguments: String...) async throws -> String {
    let launch = Launch(try Program.require("curl", package: "curl"), ["-s", "--max-time", "60"] + arguments)
    return try await ChildProcess.run(launch, atMost: .seconds(120)).output
  }

  func send(_ broker: EmbeddedBroker, _ topic: Topic, _ key: String, _ values: [[UInt8]]) async throws {
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Logger(label: "test")))
    var batch = OutgoingBatch()
    for value in values { batch.append(topic: topic.name, key: Array(key.utf8), value: value, headers: []) }
    try await producer.send(batch)
    await producer.close()
  }

  private func trade(_ symbol: String, _ price: String, ago: Int64 = 500, id: String = "1") -> [UInt8] {
    var tick = FeedTick(
      .trade, symbol: symbol, feed: "polygon-stocks", eventNs: (WallClock.milliseconds() - ago) * 1_000_000,
      knownNs: WallClock.milliseconds() * 1_000_000)
    tick[\.id] = id
    tick[\.price] = ExactDecimal(price)
    tick[\.size] = ExactDecimal("100")
    return tick.encoded()
  }

  /// Three bars and a trade, as hot-writer's README says that they are kept.
  func fill(_ redis: RedisClient, _ symbol: String) async throws {
    var commands = [RedisCommand(
      "HSET", "trade:\(symbol)", "event_ns", "\(now * 1_000_000 + 7)", "price", "187.10", "size", "5", "id", "77",
      "conditions", "[\"@\",\"T\"]", "feed", "polygon-stocks")]
    for (place, field) in ["open", "high", "low", "close", "volume"].enumerated() {
      commands.append(RedisCommand("TS.CREATE", "ts:\(symbol):1m:\(field)", "DUPLICATE_POLICY", "LAST"))
      for minute in 0..<3 {
        let stamp = now - Int64(3 - minute) * 60_000
        commands.append(RedisCommand("TS.ADD", "ts:\(symbol):1m:\(field)", "\(stamp)", "\(100 + minute).\(place)5"))
      }
    }
    for case .failure(let error) in try await redis.replies(to: commands) { throw error }
  }

  // MARK: - tests

  @Test func answersAreWhatTheStoreHas() async throws {
    let server = try await TestServers.redisWithModules()
    let redis = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    let symbol = "G" + TestServers.uniqueName().uppercased()
    try await fill(redis, symbol)
    let (process, base) = try await start(server.url)
    let answers = try await ask(
      base, "/ticks/\(symbol)/latest", "/bars/\(symbol)?limit=2", "/bars/\(symbol)?interval=1d",
      "/ticks/NOSUCH1/latest",
      "/ticks/latest?symbols=\(symbol),NOSUCH1", "/gaps/\(symbol)", "/system/ingestion/status",
      "/system/ingestion/health", "/bars/\(symbol)?limit=0", "/bars/\(symbol)?limits=1", "/streams/\(symbol)",
      "/bars/\(symbol)?start=2026-01-01T00:00:00")
    #expect(answers.map(\.status) == [200, 200, 404, 404, 200, 200, 200, 200, 400, 400, 404, 400])
    let trade = try #require(answers[0].body["trade"] as? [String: Any])
    #expect(trade["price"] as? Double == 187.1 && trade["id"] as? String == "77")
    #expect(trade["conditions"] as? [String] == ["@", "T"])
    #expect(answers[0].body["quote"] is NSNull)
    let first = try #require(answers[1].body["bars"] as? [[String: Any]])
    #expect(first.map { $0["close"] as? Double } == [100.35, 101.35])
    #expect(first.map { $0["volume"] as? Double } == [100.45, 101.45])
    // The rest of the pages, and a range that leaves its end out.
    let cursor = try #require(answers[1].body["next_cursor"] as? String)
    let end = ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: Double(now - 60_000) / 1_000))
    let more = try await ask(base, "/bars/\(symbol)?limit=2&cursor=\(cursor)", "/bars/\(symbol)?end=\(end)")
    #expect((more[0].body["bars"] as? [[String: Any]])?.map { $0["close"] as? Double } == [102.35])
    #expect(more[0].body["next_cursor"] is NSNull)
    #expect((more[1].body["bars"] as? [Any])?.count == 2)
    #expect(answers[4].body["unknown"] as? [String] == ["NOSUCH1"])
    let health = try #require(answers[7].body["components"] as? [String: Bool])
    #expect(health == ["hot_store": true], "what is switched off is not there")
    // The head of answers, as curl sees it.
    let head = try await curl("-i", "--compressed", "\(base)/bars/\(symbol)")
    let tag = try #require(head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("etag: ") }?.dropFirst(6))
    #expect(try await curl("-i", "-H", "If-None-Match: \(tag)", "\(base)/bars/\(symbol)").contains(" 304 "))
    #expect(try await curl("-i", "\(base)/nothing").contains("application/problem+json"))
    #expect(try await curl("-i", "-X", "POST", "\(base)/gaps/AAPL").contains(" 405 "))
    #expect(try await curl("-i", "-X", "PUT", "\(base)/users/ann/profile").contains(" 403 "))
    // And the operator's tool.
    let tick = try await ServiceProcess.run(
      "souk", ["tick", symbol, "NOSUCH1", "--gateway", base.replacing("/api/v1", with: "")])
    #expect(tick.status == .exited(2))
    #expect(tick.output.contains("187.1") && tick.output.contains("NOSUCH1: nothing is known of it"))
    #expect(await process.terminate() == .exited(0))
  }

  /// Redis, Kafka, Dask and PostgreSQL away, one after the other until all are: what can be answered is, what was away
  /// is said, and nothing has to be started anew.
  @Test func partsThatGoAwayAreSaidAndComeBack() async throws {
    try await withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(atPath: "\(folder)/json", withIntermediateDirectories: true)
      try #"{"type":"Scheduler","workers":{"tcp://a:1":{"nthreads":2}}}"#
        .write(toFile: "\(folder)/json/identity.json", atomically: true, encoding: .utf8)
      // What a scheduler of Dask answers, served as a file.
      let port = try FreePort.next()
      let scheduler = try await ChildProcess.start(Launch(
        try Program.require("python3", package: "python3"),
        ["-m", "http.server", "\(port)", "--bind", "127.0.0.1", "--directory", folder]))
      try await eventually("the scheduler answers") {
        await LoopbackHTTP.shared.get(port: port, path: "/json/identity.json")?.status == 200
      }
      try await partsGoAway(dask: try SwitchedPort(to: Int(port)), at: Int(port))
      await scheduler.stop(signal: SIGKILL)
    }
  }

  private func partsGoAway(dask: SwitchedPort, at scheduler: Int) async throws {
    let (url, _, postgres) = try await TestServers.database()
    let database = try SwitchedPort(to: Int(postgres.port))
    let server = try await PrivateRedis.start(modules: true)
    let port = try SwitchedPort(to: Int(try RedisURL(server.url).port))
    let broker = try EmbeddedBroker(topics: Self.topics.map { ($0.name, 2) })
    defer { broker.close() }
    let redis = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    try await fill(redis, "OLD")
    let (process, base) = try await start("redis://127.0.0.1:\(port.port)/0", broker, [
      "STALE_AFTER": "10m", "DASK_ENABLED": "true", "DASK_DASHBOARD_URL": dask.url, "DASK_N_WORKERS": "2",
      "DATABASE_URL": url.replacing(":\(postgres.port)/", with: ":\(database.port)/"),
    ])
    func health() async throws -> [String: Bool] {
      try await ask(base, "/system/ingestion/health")[0].body["components"] as? [String: Bool] ?? [:]
    }
    /// What was away for an answer; nil when there was none.
    func latest(_ symbol: String) async throws -> [String]? {
      let answer = try await ask(base, "/ticks/\(symbol)/latest")[0]
      guard answer.status == 200 else {
        #expect(answer.status == 503)
        return nil
      }
      return answer.body["degraded"] as? [String]
    }
    try await eventually("topics are followed") { try await health()["kafka_consumer"] == true }
    try await send(broker, Topics.marketTicks, "LIVE", [trade("LIVE", "12.5")])
    try await eventually("it streams") { try await health()["market_stream"] == true }
    try await eventually("Dask answers") { try await health()["dask_cluster"] == true }
    #expect(try await health() == [
      "hot_store": true, "kafka_producer": true, "kafka_consumer": true, "market_stream": true, "dask_cluster": true,
      "database": true,
    ])
    let layer = try await ask(base, "/system/ingestion/status")[0].body["ingestion_layer"] as? [String: Any]
    let cluster = (layer?["dask"] as? [String: Any])?["cluster"] as? [String: Any]
    #expect(["workers", "cores", "expected_workers"].map { cluster?[$0] as? Int } == [1, 2, 2])
    #expect(try await latest("LIVE") == [])
    #expect(try await latest("OLD") == [])

    port.lead(to: 1)
    #expect(try await latest("LIVE") == ["redis"], "it has no quote, which the store might have")
    #expect(try await latest("OLD") == nil)
    #expect(try await health()["hot_store"] == false)

    broker.takeDown()
    try await eventually("Kafka is away") { try await health()["kafka_producer"] == false }
    dask.lead(to: 1)
    database.lead(to: 1)
    try await eventually("all are away") { try await health().values.allSatisfy { !$0 } }
    #expect(try await latest("LIVE") == ["kafka", "redis"])
    let answers = try await ask(base, "/system/ingestion/status", "/bars/OLD", "/promotions", "/jobs")
    #expect(answers.map(\.status) == [200, 503, 503, 200])
    let without = answers.dropFirst().map { $0.body["degraded"] as? [String] }
    #expect(without == [["redis"], ["postgres"], ["kafka", "dask"]])
    dask.lead(to: scheduler)
    database.lead(to: Int(postgres.port))

    port.lead(to: Int(try RedisURL(server.url).port))
    try await eventually("the store is back") { try await latest("OLD") == ["kafka"] }

    broker.bringUp()
    try await eventually("all is back") { try await health().values.allSatisfy { $0 } }
    try await send(broker, Topics.marketTicks, "LIVE", [trade("LIVE", "13.5", id: "2")])
    try await eventually("the next trade is seen") {
      let trade = try await ask(base, "/ticks/LIVE/latest")[0].body["trade"] as? [String: Any]
      return trade?["price"] as? Double == 13.5
    }
    #expect(await process.terminate() == .exited(0))
  }

  @Test func listenersGoOnWhereTheyWere() async throws {
    let server = try await TestServers.redisWithModules()
    let broker = try EmbeddedBroker(topics: Self.topics.map { ($0.name, 1) })
    defer { broker.close() }
    let (process, base) = try await start(server.url, broker)
    try await eventually("topics are followed") {
      let components = try await ask(base, "/system/ingestion/health")[0].body["components"] as? [String: Bool]
      return components?["kafka_consumer"] == true
    }
    func listen(_ count: Int, _ query: String, _ last: String = "") async throws -> [[String?]] {
      try await lines([base, "--listen", "\(count)", query] + (last.isEmpty ? [] : [last])).map { line in
        try JSONDecoder().decode([String?].self, from: Data(line.utf8))
      }
    }
    async let heard = listen(2, "?symbols=AAPL&kinds=tick")
    try await eventually("it listens") { await process.metrics().sum("souk_gateway_listeners") == 1 }
    try await send(broker, Topics.marketTicks, "MSFT", [trade("MSFT", "1")])
    let sent = (1...4).map { trade("AAPL", "\($0).5", id: "\($0)") }
    try await send(broker, Topics.marketTicks, "AAPL", sent)
    let events = try await heard
    #expect(events.map { $0[0] } == ["tick", "tick"])
    #expect(events.map { $0[2] } == sent.prefix(2).map { String(decoding: $0, as: UTF8.self) })
    let last = try #require(events[1][1])
    #expect(try await listen(2, "?symbols=AAPL", last).map { $0[2] }
      == sent.suffix(2).map { String(decoding: $0, as: UTF8.self) })
    #expect(try await listen(1, "", "other-5")[0][0] == "reset", "the id of another process")
    // The same with types.
    let typed = try client(base)
    defer { typed.close() }
    var heardTyped: [GatewayEvent] = []
    try await typed.live(symbols: ["AAPL"], kinds: ["tick"], after: last) { event in
      heardTyped.append(event)
      return heardTyped.count < 2
    }
    #expect(heardTyped.map(\.data) == sent.suffix(2).map { String(decoding: $0, as: UTF8.self) })
    #expect(try await typed.latestTicks(["AAPL", "NOSUCH1"]).ticks.ticks.map { $0.trade?.price } == [4.5])
    #expect(try await typed.stream("AAPL").isStreaming)
    // A listener does not hold up a drain.
    async let open = listen(5, "?symbols=NONE")
    try await eventually("it listens") { await process.metrics().sum("souk_gateway_listeners") == 1 }
    #expect(await process.terminate() == .exited(0))
    #expect(try await open.isEmpty)
  }

  @Test func subscriptionsAreWrittenForThoseWhoMay() async throws {
    let server = try await TestServers.redisWithModules()
    let broker = try EmbeddedBroker(topics: Self.topics.map { ($0.name, 1) })
    defer { broker.close() }
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/tokens.yaml"
      try """
        tokens:
          - {name: reader, token: "0123456789abcdef-r"}
          - {name: operator, token: "0123456789abcdef-w", scopes: [read, write]}
        """.write(toFile: file, atomically: true, encoding: .utf8)
      let (process, base) = try await start(server.url, broker, ["TOKENS_FILE": file])
      try await subscribe(process, base, broker, folder)
    }
  }

  private func subscribe(
    _ process: ServiceProcess, _ base: String, _ broker: EmbeddedBroker, _ folder: String
  ) async throws {
    let write = "Authorization: Bearer 0123456789abcdef-w"
    func status(_ arguments: String...) async throws -> String {
      let launch = Launch(
        try Program.require("curl", package: "curl"),
        ["-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "60"] + arguments)
      return try await ChildProcess.run(launch, atMost: .seconds(120)).output.trimmingCharacters(in: .newlines)
    }
    #expect(try await status("\(base)/streams/AAPL") == "401")
    let read = "Authorization: Bearer 0123456789abcdef-r"
    #expect(try await status("-X", "PUT", "-H", read, "\(base)/streams/AAPL") == "403")
    #expect(try await status("-X", "PUT", "-H", write, "\(base)/streams/AAPL?feed=polygon-options") == "409")
    let one = "\(base)/streams/brk-b?feed=polygon-stocks&channels=trades"
    #expect(try await status("-X", "PUT", "-H", write, one) == "204")
    #expect(try await status("-X", "PUT", "-H", write, "\(base)/streams/AAPL?channels=quotes,days") == "204")
    #expect(try await status("-X", "DELETE", "-H", write, "\(base)/streams/AAPL") == "204")
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let seen = Seen()
    let table = try TableReader(
      try options.tableConfiguration(
        clientID: "test", topic: Topics.subscriptions.name, logger: Logger(label: "test"))
    ) { batch in
      batch.forEach { record in seen.add(record.keyBytes ?? [], record.isTombstone ? nil : record.valueBytes) }
    }
    #expect(try await table.waitUntilCurrent(orUntil: Interruption()))
    let expected = FeedSubscription(feed: "polygon-stocks", symbol: "BRK.B", channels: ["trades"])
    // Without a feed those of all feeds that send stocks, with what each of them has.
    let all = ["polygon-stocks/AAPL", "alpaca-stocks/AAPL"]
    #expect(seen.records.map(\.key) == ["polygon-stocks/BRK.B"] + all + all)
    #expect(seen.records.prefix(3).map(\.value) == [
      expected, FeedSubscription(feed: "polygon-stocks", symbol: "AAPL", channels: ["quotes"]),
      FeedSubscription(feed: "alpaca-stocks", symbol: "AAPL", channels: ["days", "quotes"]),
    ].map { $0.encoded() })
    #expect(seen.records.suffix(2).allSatisfy { $0.value == nil }, "a tombstone ends it")
    await table.closeAndWait()
    // The operator's tool: it subscribes, and prints what comes until its reader goes.
    try "0123456789abcdef-w".write(toFile: "\(folder)/token", atomically: true, encoding: .utf8)
    let gateway = ["--gateway", base.replacing("/api/v1", with: ""), "--token-file", "\(folder)/token"]
    try await eventually("ticks are followed") {
      try await curl("-H", write, "\(base)/system/ingestion/health").contains("\"kafka_consumer\":true")
    }
    let sending = Task {
      for number in 1... {
        try await send(broker, Topics.marketTicks, "AMD", [trade("AMD", "\(number).5", id: "\(number)")])
        try await Task.sleep(for: .milliseconds(100))
      }
    }
    defer { sending.cancel() }
    let command = ([try ServiceProcess.path(of: "souk"), "subscribe", "AMD", "--follow"] + gateway)
      .map { "'\($0)'" }.joined(separator: " ")
    let followed = try await ChildProcess.run(
      Launch("/bin/sh", ["-c", "\(command) | head -n 3"]), atMost: .seconds(200))
    let lines = followed.output.split(separator: "\n")
    #expect(lines.count == 3 && lines[0] == "subscribed AMD", "\(followed.errorOutput)")
    #expect(lines.dropFirst().allSatisfy { $0.contains("\"symbol\":\"AMD\"") })
    let undone = try await ServiceProcess.run("souk", ["subscribe", "AMD", "--undo"] + gateway)
    #expect(undone.status == .exited(0) && undone.output == "unsubscribed AMD\n")
    #expect(await process.terminate() == .exited(0))
  }
}

private final class Seen: Sendable {
  private let storage = Mutex<[(key: String, value: [UInt8]?)]>([])
  var records: [(key: String, value: [UInt8]?)] { storage.withLock { $0 } }
  func add(_ key: [UInt8], _ value: [UInt8]?) {
    storage.withLock { $0.append((String(decoding: key, as: UTF8.self), value)) }
  }
}
