import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import Messages
import Redis
import Testing
import TestSupport
import Values

/// The pages about data against what the databases hold: with data, empty, and with each source away.
extension GatewayProcessTests {
  private struct Panel: Decodable {
    struct Source: Decodable { var kind, text: String }
    var id, state: String
    var reason: String?
    var source: Source?
  }
  private struct View: Decodable { var panels: [Panel] }

  /// A page as HTML and as JSON.
  private struct Shown {
    var html: String
    var json: String

    func state(_ panel: String) throws -> String {
      let panels = try JSONDecoder().decode(View.self, from: Data(json.utf8)).panels
      return try #require(panels.first { $0.id == panel }, "\(panels.map(\.id))").state
    }

    /// The values of a member in all rows of a panel's list.
    func values(_ panel: String, _ list: String, _ name: String) throws -> [String] {
      let view = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
      let panels = view["panels"] as? [[String: Any]] ?? []
      let found = try #require(panels.first { $0["id"] as? String == panel })
      return (found[list] as? [[String: Any]] ?? []).map { "\($0[name] ?? "-")" }
    }
  }

  private func show(_ base: String, _ path: String) async throws -> Shown {
    let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
    let query = parts.count > 1 ? "?\(parts[1])" : ""
    let board = base.replacing("/api/v1", with: "/board")
    let html = try await curl("\(board)/\(parts[0])\(query)")
    let json = try await curl("\(board)/\(parts[0]).json\(query)")
    #expect(html.hasPrefix("<!doctype html>"), "\(path) is a page")
    #expect(!html.contains("<script>") && !html.contains("javascript:") && !html.contains(" style="), "\(path)")
    return Shown(html: html, json: json)
  }

  private typealias Base = (url: String, name: String, server: PrivatePostgres)

  private func rows(_ database: Base, _ sql: String) async throws -> [String] {
    try await database.server.psql(sql, database: database.name).split(separator: "\n").map(String.init)
  }

  @Test func theBoardShowsWhatTheDatabasesHold() async throws {
    let database = try await BoardMarket.database(filled: true)
    let server = try await PrivateRedis.start(modules: true)
    let redis = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    let market = BoardMarket()
    try await market.fill(redis)
    let postgres = try SwitchedPort(to: Int(database.server.port))
    let hot = try SwitchedPort(to: Int(server.port))
    let broker = try EmbeddedBroker(topics: Self.topics.map { ($0.name, 1) })
    defer { broker.close() }
    let (process, base) = try await start("redis://127.0.0.1:\(hot.port)/0", broker, [
      "DATABASE_URL": database.url.replacing(":\(database.server.port)/", with: ":\(postgres.port)/"),
    ])

    try await eventually("topics are followed") {
      try await curl("\(base)/system/ingestion/health").contains("\"kafka_consumer\":true")
    }
    try await prices(base, database)
    try await forecasts(base, database)
    try await markets(base, broker)
    try await nothing(base)
    try await inABrowser(base)

    // PostgreSQL away: its panels say so, and everything else is as before; back without a start.
    postgres.lead(to: 1)
    for (path, panel) in [
      ("prices?q=milk", "products"), ("products/\(BoardMarket.ean)", "stores"), ("basket?products=m1", "basket"),
      ("forecasts", "series"), ("forecasts/\(BoardMarket.series)", "fan"),
    ] {
      let away = try await show(base, path)
      #expect(try away.state(panel) == "away", "\(path)")
      #expect(away.html.contains("the database does not answer"))
    }
    #expect(try await show(base, "bars/BRD").state("candles") == "data")
    postgres.lead(to: Int(database.server.port))
    try await eventually("the database is back") {
      try await show(base, "prices?q=milk").state("products") == "data"
    }

    // Redis away.
    hot.lead(to: 1)
    for (path, panel) in [
      ("bars", "symbols"), ("bars/BRD", "candles"), ("flow/BRD", "flow"), ("sentiment/BRD", "stories"),
      ("documents?q=risk", "passages"),
    ] {
      #expect(try await show(base, path).state(panel) == "away", "\(path)")
    }
    #expect(try await show(base, "forecasts").state("series") == "data")
    hot.lead(to: Int(server.port))
    try await eventually("Redis is back") { try await show(base, "bars/BRD").state("candles") == "data" }
    #expect(await process.terminate() == .exited(0))
    await server.stop()
  }

  private func prices(_ base: String, _ database: Base) async throws {
    let ean = BoardMarket.ean
    let lowest = try await rows(database, "SELECT min(price) FROM prices WHERE ean = '\(ean)'")
    for words in ["%D7%97%D7%9C%D7%91", "milk+3%25", ean] {
      let found = try await show(base, "prices?q=\(words)")
      #expect(try found.values("products", "rows", "product") == ["m1"], "\(words)")
      #expect(found.json.contains("\"lowest\":\(lowest[0])"), "its digits are those of the database")
      #expect(found.html.contains("<bdi>\(BoardMarket.hebrew)</bdi>") && found.html.contains("/board/products/m1"))
      #expect(try found.values("chains", "rows", "chain") == ["ramilevy", "shufersal"])
      #expect(try found.values("chains", "rows", "silences") == ["0", "1"])
    }
    let card = try await show(base, "products/\(ean)")
    #expect(try card.values("card", "names", "name") == ["Milk 3% Tnuva", BoardMarket.hebrew])
    #expect(try card.values("cheapest", "rows", "chain") == ["ramilevy", "shufersal"])
    let stores = try await rows(database, "SELECT store_id FROM offers WHERE ean = '\(ean)' ORDER BY price")
    #expect(try card.values("stores", "rows", "store_id") == stores)
    let sorted = try await show(base, "products/\(ean)?sort=chain&chain=shufersal")
    #expect(try sorted.values("stores", "rows", "store_id") == ["2", "1"])
    #expect(try card.values("promotions", "rows", "promotion_id") == ["p1"])
    let changes = try await rows(database, "SELECT price FROM price_history ORDER BY file_time DESC")
    for price in changes { #expect(card.json.contains("\"price\":\(price)")) }
    #expect(card.html.contains("line s1 dashed") && card.html.contains("no file came"))
    let basket = try await show(base, "basket?products=m1,m2")
    #expect(try basket.values("basket", "chains", "total") == ["17.9", "6.5"])
    #expect(basket.html.contains("ramilevy store 7, ₪17.90.") && !basket.html.contains("alert(1)</script>"))
    #expect(basket.html.contains("&lt;script&gt;alert(1)"), "a hostile name is text")
  }

  private func forecasts(_ base: String, _ database: Base) async throws {
    let all = try await show(base, "forecasts")
    #expect(try all.values("series", "series", "series") == ["eu.de.polymer.pp", "us.tx.polymer.pe"])
    let picked = try await show(base, "forecasts?pattern=eu.%23")
    #expect(try picked.values("series", "series", "series") == ["eu.de.polymer.pp"])
    let told = try await rows(database, """
      SELECT coverage || ' ' || promised || ' ' || compared FROM prediction_accuracy WHERE model = 'pp'
      """)[0].split(separator: " ").map(String.init)
    let page = try await show(base, "forecasts/eu.de.polymer.pp")
    #expect(page.json.contains("\"promised\":\(told[1]),\"coverage\":\(told[0])"), "\(told)")
    #expect(try page.values("accuracy", "versions", "compared") == [told[2]])
    let misses = try await rows(database, "SELECT count(*) FROM prediction_outcomes WHERE NOT is_inside")
    #expect(page.html.components(separatedBy: "dot s5").count - 1 == Int(misses[0]))
    #expect(page.html.contains("too narrow: ") && page.html.contains("class=\"bad\""), "20 points below the promise")
    #expect(try page.values("fan", "steps", "step") == ["1", "2", "3", "4", "5"])
    #expect(page.html.contains("80 % interval"))
    // As it was before the last one was issued.
    let then = RFC3339.text(ns: (now - 2 * 86_400_000) * 1_000_000)
    let earlier = try await show(base, "forecasts/eu.de.polymer.pp?as_of=\(then)")
    #expect(try earlier.values("fan", "steps", "step") == ["1"] && earlier.html.contains("50 % interval"))
    let withheld = try await show(base, "forecasts/us.tx.polymer.pe")
    #expect(withheld.html.contains("too_few_observations"))
    #expect(try withheld.state("outcomes") == "empty")
  }

  private func markets(_ base: String, _ broker: EmbeddedBroker) async throws {
    let symbols = try await show(base, "bars")
    #expect(try symbols.values("symbols", "symbols", "symbol") == ["BRD"])
    #expect(symbols.json.contains("\"last\":129.5"))
    let bars = try await show(base, "bars/BRD")
    #expect(try bars.values("candles", "bars", "close").count == 30)
    #expect(try bars.values("candles", "bars", "close").last == "129.5")
    #expect(bars.html.components(separatedBy: "candle up").count - 1 == 30)
    #expect(bars.html.components(separatedBy: "candle up flagged").count - 1 == 1, "one bar was revised")
    #expect(bars.html.contains("shade bad"), "an hour without bars is shaded")
    #expect(bars.html.contains("187.10"), "the digits of the provider")
    var tick = FeedTick(
      .trade, symbol: "BRD", feed: "polygon-stocks", eventNs: now * 1_000_000, knownNs: now * 1_000_000)
    tick[\.price] = ExactDecimal(approximating: "188.40")
    tick[\.size] = ExactDecimal("100")
    try await send(broker, Topics.marketTicks, "BRD", [tick.encoded()])
    try await eventually("the tape has the trade") {
      try await show(base, "bars/BRD").json.contains("\"price\":188.40")
    }
    let flow = try await show(base, "flow/BRD")
    #expect(try flow.values("flow", "rows", "net_premium") == ["-90000", "125000.5", "-90000", "125000.5"])
    #expect(flow.html.contains("bar s4") && flow.html.contains("bar s5") && flow.html.contains("The price over"))
    let stories = try await show(base, "sentiment/BRD")
    #expect(try stories.values("stories", "stories", "source").count == 25)
    #expect(stories.html.contains("https://example.com/3") && stories.html.contains("&lt;script&gt;alert(1)"))
    let few = try await show(base, "sentiment/BRD?source=reddit")
    #expect(few.html.contains("n = 1: below 20") && few.html.contains("dot s6"))
    #expect(try await show(base, "documents?q=risk").html.contains("There is no index"))
  }

  /// In Chromium at 360 and 1440 pixels, and by keys alone.
  private func inABrowser(_ base: String) async throws {
    let script = #filePath.replacing("BoardDataTests.swift", with: "board.py")
    let pages = [
      "prices?q=%D7%97%D7%9C%D7%91", "prices", "products/m2", "products/\(BoardMarket.ean)", "basket?products=m1,m2",
      "forecasts", "forecasts/\(BoardMarket.series)", "bars", "bars/BRD", "flow", "flow/BRD", "sentiment/BRD",
      "documents",
    ]
    let outcome = try await ChildProcess.run(
      Launch(Self.python, [script, base.replacing("/api/v1", with: ""), "browse"] + pages.map { "/board/\($0)" }),
      atMost: .seconds(900))
    try #require(outcome.status == .exited(0), "\(outcome.errorOutput.suffix(3_000))")
    #expect(outcome.output.split(separator: "\n").filter { $0.hasPrefix("FAULT") } == [])
  }

  /// Sources that answer, and have nothing of what is asked.
  private func nothing(_ base: String) async throws {
    for (path, panel) in [
      ("prices?q=butter", "products"), ("basket", "basket"), ("basket?products=none", "basket"),
      ("forecasts?pattern=us.xx.%23", "series"), ("forecasts/eu.xx.polymer.none", "fan"),
      ("bars?interval=1h", "symbols"), ("bars/NONE", "candles"), ("bars/NONE", "latest"), ("bars/NONE", "gaps"),
      ("flow/NONE", "flow"), ("sentiment/NONE", "stories"), ("documents", "passages"),
    ] {
      let page = try await show(base, path)
      #expect(try page.state(panel) == "empty", "\(path): \(panel)")
      #expect(page.html.contains("class=\"nothing\""))
    }
    let board = base.replacing("/api/v1", with: "/board")
    for (path, status) in [("products/none", "404"), ("bars/A%20B", "400"), ("prices?nothing=1", "400")] {
      let answer = try await curl("-o", "/dev/null", "-w", "%{http_code}", "\(board)/\(path)")
      #expect(answer.trimmingCharacters(in: .newlines) == status)
    }
  }
}
