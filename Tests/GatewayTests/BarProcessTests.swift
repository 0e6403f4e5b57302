import Archiving
import ArgumentParser
import Catalogue
import Compression
import Core
import Foundation
import GatewayAPI
import Kafka
import LocalServers
import Messages
import ObjectStore
import ObjectStoreFlags
import Redis
import Testing
import TestSupport
import Values

/// Bars over HTTP out of a real S3, adjusted and as of a time, and a gateway whose store, or everything, is away.
extension GatewayProcessTests {
  /// Six days ago at noon UTC, whatever day that is: splits of tests are executed on the day behind it.
  private var past: Int64 { now / 86_400_000 * 86_400_000 - 6 * 86_400_000 + 12 * 3_600_000 }

  private func bar(_ symbol: String, _ minute: Int, close: Int, knownAfter: Int64 = 0, revision: Int64 = 0) -> FeedBar {
    let price = ExactDecimal(Int32(close)), start = past + Int64(minute) * 60_000
    var values = FeedBarValues(
      startNs: start * 1_000_000, knownNs: (start + 60_000 + knownAfter) * 1_000_000, open: price, high: price,
      low: price, close: price, volume: price)
    values.revision = revision
    return FeedBar(symbol: symbol, feed: "polygon-stocks", interval: "1m", values: values)
  }

  private func packed(_ bars: [FeedBar]) throws -> [UInt8] {
    try #require(Deflate.gzip(bars.flatMap { $0.encoded() + [UInt8(ascii: "\n")] }))
  }

  /// The archive has every state of the bars, the batch layer the last one.
  private func fill(_ store: any ObjectStore, _ symbol: String, _ states: [FeedBar], _ last: [FeedBar]) async throws {
    func put(_ key: String, _ bytes: [UInt8]) async throws {
      _ = try await store.put(ObjectBody(bytes), at: ObjectKey(key), contentType: "application/json")
    }
    let date = CivilDate(daysSinceEpoch: past / 86_400_000).description
    let object = "market-bars/date=\(date)/symbol=\(symbol)/part-00000-00000000000000000000.jsonl.gz"
    try await put(object, packed(states))
    var entry = CatalogueEntry(object: object, date: date, symbol: symbol, bytes: 1)
    entry.toNs = states.map(\.values.startNs).max()
    let catalogue = ArchiveCatalogue(store, folder: "_catalogue")
    try await catalogue.write([entry], of: "market-bars", on: date)
    try await catalogue.write(ArchiveIndex(
      dataset: "market-bars", prefix: "market-bars", dates: [ArchiveDate(date: date, [entry])]))
    try await put("lake/p.gz", packed(last))
    let (from, until) = (past * 1_000_000, (past + Int64(last.count) * 60_000) * 1_000_000)
    let manifest = """
      {"format":1,"dataset":"bars","schema":"bars/1","run":"r1","job":"j","kind":"compact","code":"0","sequence":1,\
      "created_ns":1,"inputs":[],"parts":[{"key":"lake/p","lines":"lake/p.gz","date":"\(date)","symbol":"\(symbol)",\
      "rows":\(last.count),"bytes":1,"sha256":"0","min_ns":\(from),"max_ns":\(until - 1),"run":"r1"}],\
      "boundaries":[{"symbol":"\(symbol)","covers":[{"from_ns":\(from),"until_ns":\(until)}]}]}
      """
    try await put("lake/bars/manifests/r1.json", Array(manifest.utf8))
    try await put("lake/bars/current/000000000001.json", Array("""
      {"sequence":1,"manifest":"lake/bars/manifests/r1.json","sha256":"\(SHA256.hash(manifest).hex)","run":"r1"}
      """.utf8))
  }

  private func closes(_ body: [String: Any]) -> [String] {
    (body["bars"] as? [[String: Any]] ?? []).map { "\($0["source"] ?? "-") \($0["close"] ?? "-")" }
  }

  private func reasons(_ body: [String: Any]) -> [String] {
    (body["gaps"] as? [[String: Any]] ?? []).compactMap { $0["reason"] as? String }
  }

  @Test func barsAreAdjustedAndAsOfATimeThroughOutagesOfTheStore() async throws {
    let server = try await TestServers.redisWithModules(), seaweed = try await TestServers.seaweed()
    let symbol = "S" + TestServers.uniqueName().uppercased(), bucket = "views-" + TestServers.uniqueName()
    let broker = try EmbeddedBroker(topics: Self.topics.map { ($0.name, 1) })
    defer { broker.close() }
    let options = try ObjectStoreOptions.parse([
      "--object-store", "s3://\(bucket)", "--s3-endpoint", seaweed.endpoint, "--aws-access-key-id",
      seaweed.accessKeyID, "--aws-secret-access-key", seaweed.secretAccessKey,
    ])
    let store = try options.makeStore()
    defer { store.close() }
    try await store.prepare()
    let first = (0..<3).map { bar(symbol, $0, close: 100 + $0) }
    let revised = bar(symbol, 1, close: 201, knownAfter: 3_600_000, revision: 1)
    try await fill(store, symbol, first + [revised], [first[0], revised, first[2]])
    let redis = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    try await redis.sendAll(["open", "high", "low", "close", "volume"].flatMap { field in
      (2..<5).map { RedisCommand(
        "TS.ADD", "ts:\(symbol):1m:\(field)", "\(past + Int64($0) * 60_000)", "\(300 + $0)") }
    })
    // The store is away when the gateway starts.
    let door = try SwitchedPort(to: 1), silent = try HostileServer { $1.waitForHangUp() }
    let more = seaweed.environment.merging([
      "S3_ENDPOINT": door.url, "OBJECT_STORE": "s3://\(bucket)", "VIEWS_ENABLED": "true", "VIEWS_REFRESH": "100ms",
      "AWS_EC2_METADATA_DISABLED": "true",
    ]) { $1 }
    let (process, base) = try await start(server.url, broker, more.mapValues { Optional($0) })
    let bars = "/bars/\(symbol)?start=\(RFC3339.text(ns: past * 1_000_000))&end=\(RFC3339.text(ns: now * 1_000_000))"
    func ask(_ query: String = "") async throws -> (status: Int, body: [String: Any]) {
      try await self.ask(base, bars + query)[0]
    }
    let live = ["live 302", "live 303", "live 304"], merged = ["batch 100", "batch 201", "batch 102"] + live.dropFirst()
    let alone = try await ask()
    #expect(alone.status == 200 && closes(alone.body) == live)
    #expect(alone.body["degraded"] as? [String] == ["batch"] && reasons(alone.body) == ["batch_away"])
    let components = try await self.ask(base, "/system/ingestion/health")[0].body["components"] as? [String: Bool]
    #expect(components?["views"] == false)
    door.lead(to: Int(seaweed.port))
    try await eventually("the batch layer is seen") { try await closes(ask().body) == merged }

    // Every operation of the document has a typed call; those of databases are not in this one.
    let typed = try client(base)
    defer { typed.close() }
    let different = try await differences(base)
    #expect(different.missing.isEmpty && different.beside == [
      "prices", "priceHistory", "promotions", "forecasts", "outcomes", "exchangeBars", "products", "product", "basket",
      "chains", "series", "accuracy", "observations",
    ])
    let page = GatewayClient.Page(start: RFC3339.text(ns: past * 1_000_000), limit: 4)
    #expect(try await typed.bars(symbol, page).bars.map(\.close) == [100, 201, 102, 303])
    #expect(try await typed.flowDaily(symbol).rows.isEmpty)

    // As of a time: what was known by then, out of the archive.
    func asOf(_ minutes: Int64) -> String { "&as_of=\(RFC3339.text(ns: (past + minutes * 60_000) * 1_000_000))" }
    let then = try await ask(asOf(3)), later = try await ask(asOf(90))
    #expect(closes(then.body) == ["archive 100", "archive 101", "archive 102"])
    #expect(closes(later.body) == ["archive 100", "archive 201", "archive 102"])
    let known = try await typed.bars(symbol, asOf: RFC3339.text(ns: (past + 90 * 60_000) * 1_000_000), page)
    #expect(known.bars.map(\.revision) == [0, 1, 0] && known.asOf != nil && known.bars[1].knownAt != nil)
    #expect((later.body["bars"] as? [[String: Any]])?.map { $0["revision"] as? Int } == [0, 1, 0])
    #expect(closes(try await ask(asOf(2)).body) == ["archive 100", "archive 101"], "the third was not known")
    let pages = try await ask(asOf(90) + "&limit=2")
    let rest = try await ask(asOf(90) + "&cursor=\(pages.body["next_cursor"] as? String ?? "-")")
    #expect(closes(pages.body) + closes(rest.body) == closes(later.body))

    // Splits: none are known, then one.
    try await eventually("splits are known") { try await ask("&adjusted=true").status == 200 }
    #expect(closes(try await ask("&adjusted=true").body) == merged)
    func split(_ days: Int64, _ to: Int32) async throws {
      let split = StockSplit(
        symbol: symbol, executionDate: CivilDate(daysSinceEpoch: past / 86_400_000 + days).description,
        splitFrom: ExactDecimal(1), splitTo: ExactDecimal(to), source: "file", knownNs: 1)
      try await send(broker, Topics.marketSplits, String(decoding: split.key, as: UTF8.self), [split.encoded()])
    }
    try await split(1, 4)
    let quarters = ["batch 25", "batch 50.25", "batch 25.5", "live 75.75", "live 76"]
    try await eventually("bars are adjusted") { try await closes(ask("&adjusted=true").body) == quarters }
    let adjusted = try await ask("&adjusted=true&limit=1")
    #expect((adjusted.body["splits"] as? [[String: Any]])?.map { $0["split_to"] as? Int } == [4])
    #expect((adjusted.body["bars"] as? [[String: Any]])?.map { $0["volume"] as? Int } == [400])
    #expect(closes(try await ask("&adjusted=true" + asOf(90)).body) == closes(later.body), "it came later")
    #expect(closes(try await ask().body) == merged, "raw unless asked for")
    try await split(2, 2)
    let cursor = "&cursor=\(adjusted.body["next_cursor"] as? String ?? "-")"
    try await eventually("pages of other splits are none of this answer") {
      try await ask("&adjusted=true" + cursor).body["code"] as? String == "cursor_expired"
    }
    // Announced for a day to come.
    try await split(400, 7)
    #expect((try await ask("&adjusted=true").body["splits"] as? [Any])?.count == 2)

    // A store that hangs, and one that refuses: what is in memory answers.
    for away in [silent.port, 1] {
      door.lead(to: away)
      try await eventually("the batch layer is away") {
        try await ask().body["degraded"] as? [String] == ["batch"]
      }
      #expect(closes(try await ask().body) == merged)
      let refused = try await ask(asOf(90))
      #expect(refused.status == 503 && refused.body["degraded"] as? [String] == ["batch"])
      door.lead(to: Int(seaweed.port))
      try await eventually("it is back") {
        let isBack = try await ask(asOf(90)).status == 200
        return try await ask().body["degraded"] as? [String] == [] && isBack
      }
    }
    #expect(await process.terminate() == .exited(0))
  }

  /// Started while everything is away, it says so, and needs no other start when all comes.
  @Test func itStartsWithoutAnythingAndSeesItCome() async throws {
    let server = try await TestServers.redisWithModules()
    let symbol = "N" + TestServers.uniqueName().uppercased()
    try await fill(RedisClient(RedisConfiguration(url: try RedisURL(server.url))), symbol)
    let broker = try EmbeddedBroker(topics: Self.topics.map { ($0.name, 1) })
    defer { broker.close() }
    let (url, _, postgres) = try await TestServers.database()
    let redis = try SwitchedPort(to: 1), kafka = try SwitchedPort(to: 1), database = try SwitchedPort(to: 1)
    let (process, base) = try await start("redis://127.0.0.1:\(redis.port)/0", nil, [
      "KAFKA_ENABLED": "true", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:\(kafka.port)", "DASK_ENABLED": "true",
      "DASK_DASHBOARD_URL": "http://127.0.0.1:1",
      "DATABASE_URL": url.replacing(":\(postgres.port)/", with: ":\(database.port)/"),
    ])
    func health() async throws -> [String: Bool] {
      try await ask(base, "/system/ingestion/health")[0].body["components"] as? [String: Bool] ?? [:]
    }
    let nothing = try await health()
    #expect(nothing.count == 6 && nothing.values.allSatisfy { !$0 }, "\(nothing)")
    let answers = try await ask(
      base, "/ticks/\(symbol)/latest", "/bars/\(symbol)", "/bars/\(symbol)?adjusted=true", "/features/\(symbol)",
      "/gaps/\(symbol)", "/promotions", "/jobs", "/streams/\(symbol)", "/system/ingestion/status")
    #expect(answers.map(\.status) == [503, 503, 503, 503, 503, 503, 200, 200, 200])
    #expect(answers[0].body["degraded"] as? [String] == ["redis"])
    redis.lead(to: Int(try RedisURL(server.url).port))
    database.lead(to: Int(postgres.port))
    let bootstrap = broker.bootstrapServers.split(separator: ",").first?.split(separator: ":").last
    kafka.lead(to: try #require(bootstrap.flatMap { Int($0) }))
    try await eventually("what came is used") {
      let now = try await health()
      return ["hot_store", "database", "kafka_producer", "kafka_consumer"].allSatisfy { now[$0] == true }
    }
    let there = try await ask(
      base, "/ticks/\(symbol)/latest", "/bars/\(symbol)?adjusted=true", "/gaps/\(symbol)")
    #expect(there.map(\.status) == [200, 200, 200])
    #expect(there[0].body["degraded"] as? [String] == [])
    #expect(await process.terminate() == .exited(0))
  }

  /// What stands in the heads of answers: who may read them in a browser, how often one may ask, how they are packed.
  @Test func headsSayWhatIsAllowed() async throws {
    let server = try await TestServers.redisWithModules()
    let broker = try EmbeddedBroker(topics: Self.topics.map { ($0.name, 1) })
    defer { broker.close() }
    let (process, base) = try await start(server.url, broker, [
      "CORS_ORIGIN": "https://app.example", "RATE_LIMIT": "40", "MAX_LISTENERS": "1",
    ])
    func head(_ arguments: String...) async throws -> String {
      let launch = Launch(
        try Program.require("curl", package: "curl"),
        ["-s", "-D", "-", "-o", "/dev/null", "--max-time", "60"] + arguments)
      return try await ChildProcess.run(launch, atMost: .seconds(120)).output.lowercased()
    }
    let gaps = "\(base)/gaps/AAPL"
    let page = try await head("-H", "Origin: https://app.example", gaps)
    #expect(page.contains("access-control-allow-origin: https://app.example") && page.contains("vary: "))
    #expect(!(try await head("-H", "Origin: https://other.example", gaps)).contains("access-control-allow-origin"))
    let preflight = try await head(
      "-X", "OPTIONS", "-H", "Origin: https://app.example", "-H", "Access-Control-Request-Method: PUT",
      "\(base)/streams/AAPL")
    #expect(preflight.hasPrefix("http/1.1 204"))
    #expect(preflight.contains("access-control-allow-methods: get, put, delete, options"))
    #expect(preflight.contains("access-control-allow-headers: authorization, content-type"))
    // Refusals can be read by the page, too.
    let refusal = try await head("-H", "Origin: https://app.example", "\(base)/bars/AAPL?limit=0")
    #expect(refusal.hasPrefix("http/1.1 400") && refusal.contains("access-control-allow-origin"))
    let document = try await head("-H", "Accept-Encoding: gzip", "\(base)/openapi.json")
    #expect(document.contains("content-encoding: gzip") && document.contains("etag: "))
    #expect(!(try await head("\(base)/openapi.json")).contains("content-encoding"))
    // One listener may listen: the next is refused before its stream begins.
    let listener = try await ChildProcess.start(Launch(
      try Program.require("curl", package: "curl"), ["-s", "-N", "\(base)/live"]))
    try await eventually("it listens") { await process.metrics().sum("souk_gateway_listeners") == 1 }
    let second = try await head("\(base)/live")
    #expect(second.hasPrefix("http/1.1 503") && second.contains("application/problem+json"))
    #expect(second.contains("retry-after: "))
    await listener.stop(signal: SIGKILL)
    // 200, many at once, are more than 40 a second.
    let asked = try await curl("-Z", "-o", "/dev/null", "-w", "%{http_code} %header{retry-after}\n", "\(gaps)?[1-200]")
    let limited = asked.split(separator: "\n").filter { $0.hasPrefix("429") }
    #expect(!limited.isEmpty && limited.allSatisfy { $0 == "429 1" })
    #expect(await process.terminate() == .exited(0))
  }
}
