import Core
import Feeds
import Foundation
@testable import Markets
import Testing
import TestSupport
import Values

@Suite struct MarketCatalogueTests {
  static let sources = """
    sources:
      - {name: alpaca, kind: alpaca, key: env:A, secret: env:B, rate: 200/m}
      - {name: Alpha Vantage, kind: alpha-vantage, key: file:/run/key, rate: [5/m, 25/d], zone: America/New_York,
         when-exhausted: wait, url: "http://127.0.0.1:9/", concurrency: 2, timeout: 3s}
    """

  private func catalogue(_ schedules: String, tickers: [String] = ["AAPL", "BRK.B"]) throws -> MarketCatalogue {
    try MarketCatalogue(
      tickers: tickers, sources: DataSource.read(yaml: Self.sources, origin: "sources.yaml"),
      schedules: "schedules:\n  - {\(schedules)}", origin: "schedules.yaml")
  }

  @Test func sourcesAreRead() throws {
    let sources = try DataSource.read(yaml: Self.sources, origin: "test")
    #expect(sources.map(\.word) == ["alpaca", "alpha_vantage"])
    #expect(sources[0].limits == RateLimits([RateLimit(count: 200, per: .seconds(60))]))
    #expect(sources[0].exhausted == .skip && sources[0].url == nil && sources[0].kind.symbolsAtOnce(.bars) == 100)
    let second = sources[1]
    #expect(second.limits.limits.map(\.text) == ["5/m", "25/d"] && second.limits.daily?.count == 25)
    #expect(second.limits.zone == "America/New_York" && second.exhausted == .wait && second.concurrency == 2)
    #expect(second.url == "http://127.0.0.1:9" && second.timeout == .seconds(3))
    #expect(second.kind.feed == .alphaVantage && second.kind.symbolsAtOnce(.bars) == 1)
    #expect(try DataSource.load(file: nil).allSatisfy(\.isEmbedded))
  }

  @Test func sourcesOfPostsAreRead() throws {
    let sources = try DataSource.read(yaml: """
      sources:
        - {name: r, kind: reddit, key: env:K, secret: env:S, user-agent: env:WHO, communities: [stocks, WallStreetBets]}
        - {name: x, kind: x, key: env:X, monthly-reads: 10000, recheck: 6h}
      """, origin: "test")
    #expect(sources[0].communities == ["stocks", "WallStreetBets"] && sources[0].kind.tasks == [.social])
    #expect(sources[0].keyNames == "env:K, env:S, env:WHO")
    #expect(sources[1].monthlyReads == 10_000 && sources[1].recheck == .seconds(21_600) && sources[1].kind.feed == nil)
    // Without their keys, or without their sources, embedded schedules are left out.
    let whole = try MarketCatalogue(tickers: ["AAPL"], sources: nil, schedules: nil)
    let social = whole.schedules.filter { $0.kind == .social }
    #expect(social.map(\.source.name) == ["reddit", "x"] && social.map(\.tasks) == [[[]], [["AAPL"]]])
    #expect(social.allSatisfy { $0.pace == "every 2m, always" })
    let none = try MarketCatalogue(
      tickers: ["AAPL"], sources: sources, schedules: MarketCatalogue.embeddedSchedules, origin: "x", isEmbedded: true)
    #expect(none.schedules.map(\.name) == ["x"])
  }

  @Test(arguments: [
    ("{name: a, kind: iex, key: env:K}", "'iex' is none of"),
    ("{name: a, kind: polygon}", "key is missing"),
    ("{name: a, kind: polygon, key: abc}", "a secret does not belong"),
    ("{name: a, kind: alpaca, key: env:K}", "secret is missing"),
    ("{name: a, kind: polygon, key: env:K, secret: env:S}", "no second part"),
    ("{name: a, kind: polygon, key: env:K, rate: fast}", "is no rate"),
    ("{name: a, kind: polygon, key: env:K, rate: [5/m, 6/m]}", "second limit of one period"),
    ("{name: a, kind: polygon, key: env:K, rate: 25/d, burst: 3}", "a day has none"),
    ("{name: a, kind: polygon, key: env:K, rate: 25/d, zone: Mars/Base}", "zone"),
    ("{name: a, kind: polygon, key: env:K, url: \"https://host/path\"}", "without a path"),
    ("{name: a, kind: polygon, key: env:K, when-exhausted: stop}", "none of skip, wait"),
    ("{name: a, kind: polygon, key: env:K, colour: red}", "has no 'colour'"),
    ("{name: a, kind: reddit, key: env:K, user-agent: a, communities: [b]}", "secret is missing"),
    ("{name: a, kind: reddit, key: env:K, secret: env:S, communities: [b]}", "user-agent is missing"),
    ("{name: a, kind: reddit, key: env:K, secret: env:S, user-agent: a}", "a list of subreddits"),
    ("{name: a, kind: reddit, key: env:K, secret: env:S, user-agent: a, communities: [a b]}", "no name of a subreddit"),
    ("{name: a, kind: x, key: env:K, communities: [b]}", "it is for reddit only"),
    ("{name: a, kind: x, key: env:K, monthly-reads: 5}", "'5' is no number from 100"),
    ("{name: a, kind: polygon, key: env:K}\n  - {name: A, kind: polygon, key: env:K}", "names like"),
  ])
  func aWrongSourceNamesItsLine(_ row: String, _ what: String) {
    let error = #expect(throws: Failure.self) {
      try DataSource.read(yaml: "sources:\n  - \(row)", origin: "sources.yaml")
    }
    #expect(error?.errorClass == .configuration)
    #expect("\(error?.message ?? "")".contains(what), "\(error?.message ?? "")")
    #expect("\(error?.message ?? "")".contains("sources.yaml, line"))
  }

  @Test func schedulesAreRead() throws {
    let schedule = try #require(try catalogue("""
      name: bars, kind: bars, source: Alpha Vantage, interval: 5m, every: 5m, hours: extended, delay: 4s, deadline: 2m,
      missed: catch_up, missed-limit: 3, spread: 20s, lookback: 1h
      """).schedules.first)
    #expect(schedule.source.name == "Alpha Vantage" && schedule.interval == .fiveMinutes)
    #expect(schedule.tasks == [["AAPL"], ["BRK.B"]], "one symbol a request")
    #expect(schedule.delay == .seconds(4) && schedule.deadline == .seconds(120) && schedule.missedLimit == 3)
    #expect(schedule.spread == .seconds(20) && schedule.lookback == .seconds(3_600) && schedule.missed == .catchUp)
    let other = try #require(try catalogue("name: b, kind: bars, every: 1m, symbols: [brk-b, SPY]").schedules.first)
    #expect(other.source.name == "alpaca" && other.tasks == [["BRK.B", "SPY"]] && other.interval == .minute)
    #expect(other.missed == .latest && other.times.hours == .regular)
  }

  @Test(arguments: [
    ("kind: bars, every: 1m", "name is missing"), ("name: a, every: 1m", "kind is missing"),
    ("name: a, kind: bars", "every or cron is missing"), ("name: a, kind: bars, every: 7m", "divide a day"),
    ("name: a, kind: bars, every: 1m, cron: '* * * * *'", "either every, or cron"),
    ("name: a, kind: bars, cron: '* * *'", "3 fields"), ("name: a, kind: bars, cron: '* * * * *', zone: X/Y", "zone"),
    ("name: a, kind: bars, every: 1m, source: none", "'none' is none of alpaca"),
    ("name: a, kind: bars, every: 1m, symbols: [A B]", "is no symbol"),
    ("name: a, kind: bars, every: 1m, interval: 2m", "none of 1m"),
    ("name: a, kind: bars, every: 1m, missed: skip, missed-limit: 2", "for 'missed: catch_up' only"),
    ("name: a, kind: bars, every: 1m, hours: night", "none of regular"),
  ])
  func aWrongScheduleNamesItsLine(_ row: String, _ what: String) {
    let error = #expect(throws: Failure.self) { try catalogue(row) }
    #expect("\(error?.message ?? "")".contains(what), "\(error?.message ?? "")")
    #expect("\(error?.message ?? "")".contains("schedules.yaml, line"))
  }

  @Test func anEmbeddedScheduleWithoutASourceIsLeftOut() throws {
    let embedded = try MarketCatalogue(
      tickers: ["AAPL"], sources: [], schedules: MarketCatalogue.embeddedSchedules, origin: "x", isEmbedded: true)
    #expect(embedded.schedules.isEmpty)
    let whole = try MarketCatalogue(tickers: ["AAPL"], sources: nil, schedules: nil)
    #expect(whole.schedules.first?.name == "bars-1m" && whole.schedules.first?.source.name == "alpaca")
    #expect(whole.schedules.first?.delay == .seconds(3))
  }

  @Test func tickersComeInAnyProvidersForm() async throws {
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/tickers.txt"
      try "AAPL\n# a comment\nBRK-B  # class B\n\nBRK.B\nBACpL\nmsft\n"
        .write(toFile: path, atomically: true, encoding: .utf8)
      #expect(try Tickers.load(file: path) == ["AAPL", "BRK.B", "BAC.PRL", "MSFT"])
      try "AAPL\nA$PL\n".write(toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: Failure.self) { try Tickers.load(file: path) }
      #expect("\(error?.message ?? "")".contains("line 2: 'A$PL' is no symbol"))
      try "\n".write(toFile: path, atomically: true, encoding: .utf8)
      #expect(throws: Failure.self) { try Tickers.load(file: path) }
    }
    #expect(try Tickers.list("AAPL, brk.b,AAPL", flag: "--tickers") == ["AAPL", "BRK.B"])
    #expect(throws: Failure.self) { try Tickers.list("SPY251219C00650000", flag: "--tickers") }
  }
}
