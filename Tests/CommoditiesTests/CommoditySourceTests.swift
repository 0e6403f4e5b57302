@testable import Commodities
import Core
import Messages
import Testing

@Suite struct SourceTests {
  private func catalogue(_ sources: String) throws -> CommodityCatalogue {
    try CommodityCatalogue(
      yaml: """
        countries: [{name: Egypt, region: mena, currency: EGP}]
        materials: [{name: Copper, category: screening, unit: t}, {name: PVC, category: polymer, unit: t}]
        schedules: []
        sources:

        """ + sources, origin: "markets.yaml")
  }

  private func failure(_ source: String) -> String? {
    do { _ = try catalogue("  - " + source).readSources() } catch { return "\(error)" }
    return nil
  }

  @Test func aSourceIsReadWhole() throws {
    let sources = try catalogue("""
        - name: Cairo Exchange
          kind: json
          url: "https://h.example/{symbol}?at={due_at}"
          tasks: [fetch_price, fetch_demand]
          rate: 300/m
          burst: 7
          concurrency: 12
          timeout: 1500ms
          token: env:CAIRO_TOKEN
          token-header: X-API-Key
          symbols: {Copper: CU}
          symbol: "{material}-{country}"
          currency: USD
          unit: kg
          max-age: 7d
          mapping:
            rows: data.prices
            value: close
            time: at
            currency: meta.currency
            where: {country: "{country}", grade: A}
            zone: Africa/Cairo
        - {name: Y, kind: yahoo, url: "https://y.example", symbol: x}
      """).readSources()
    let source = try #require(sources.first)
    #expect(source.word == "cairo_exchange" && source.kind == .json && source.tasks == [.fetchPrice, .fetchDemand])
    #expect(source.limits == RateLimits([RateLimit(count: 300, per: .seconds(60), burst: 7)]))
    #expect(source.concurrency == 12)
    #expect(source.timeout == .milliseconds(1_500) && source.maxAge == .seconds(7 * 86_400))
    #expect(source.token.map { "\($0)" } == "env:CAIRO_TOKEN" && source.tokenHeader == "X-API-Key")
    #expect(source.quotation == Quotation(currency: "USD", unit: PhysicalUnit("kg")))
    let mapping = try #require(source.mapping)
    #expect(mapping.rows == ValuePath("data.prices") && mapping.zone == "Africa/Cairo")
    #expect(mapping.conditions.map(\.field.text) == ["country", "grade"])
    let plain = try #require(sources.last)
    #expect(plain.tasks == [.fetchPrice] && plain.limits == RateLimits())
    #expect(plain.timeout == .seconds(10) && plain.token == nil)
  }

  @Test func materialsOfASource() throws {
    let sources = try catalogue("""
        - {name: A, kind: yahoo, url: "https://h", symbols: {Copper: HG=F}}
        - {name: B, kind: yahoo, url: "https://h", symbol: "{material}", tasks: [fetch_demand]}
        - {name: C, kind: csv, url: "https://h/all.csv", mapping: {value: v, time: t}}
      """).readSources()
    let materials = try catalogue("  []").materials
    let has = sources.map { source in materials.map { source.has($0, .fetchPrice) } }
    #expect(has == [[true, false], [false, false], [true, true]])
    #expect(sources[1].has(materials[1], .fetchDemand))
  }

  @Test func aSymbolsUnitIsItsOwnThenTheSourcesThenTheExchanges() throws {
    let sources = try catalogue("""
        - {name: A, kind: yahoo, url: "https://h", symbols: {Copper: {symbol: HG=F, unit: kg, currency: USX}}}
        - {name: B, kind: yahoo, url: "https://h", unit: short_ton, currency: USD, symbols: {Copper: HG=F}}
        - {name: C, kind: yahoo, url: "https://h", symbols: {Copper: HG=F, PVC: PVC.X}}
        - {name: D, kind: yahoo, url: "https://h", symbols: {Copper: HGZ26.CMX}}
      """).readSources()
    let materials = try catalogue("  []").materials
    let copper = sources.map { $0.quotation(of: materials[0]) }
    #expect(copper.map { $0.unit?.symbol } == ["kg", "short_ton", "lb", "lb"])
    #expect(copper.map(\.currency) == ["USX", "USD", nil, nil])
    #expect(sources[2].quotation(of: materials[1]) == Quotation())
  }

  @Test func theEmbeddedSourcesCanBeRead() throws {
    let sources = try CommodityCatalogue.embedded.readSources()
    #expect(!sources.isEmpty && Set(sources.map(\.word)).count == sources.count)
  }

  @Test(arguments: [
    ("{name: A, url: \"https://h\", symbol: x}", "kind is missing"),
    ("{name: A, kind: soap, url: \"https://h\", symbol: x}", "'soap' is none of"),
    ("{name: A, kind: yahoo, symbol: x}", "url is missing"),
    ("{name: A, kind: yahoo, url: \"ftp://h\", symbol: x}", "http:// or https://"),
    ("{name: A, kind: yahoo, url: \"https://{material}.example/\", symbol: x}", "the host is written out"),
    ("{name: A, kind: yahoo, url: \"https://h/{colour}\", symbol: x}", "is none of {symbol}"),
    ("{name: A, kind: yahoo, url: \"https://h/{symbol\", symbol: x}", "a brace is not closed"),
    ("{name: A, kind: yahoo, url: \"https://h\"}", "what does it call the materials"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: \"{token}\"}", "are for the URL only"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbols: {Gold: GC=F}}", "no material is called 'Gold'"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbols: {Copper: QQ=F}}", "what is 'QQ=F' a price for?"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbols: {Copper: CL=F}}", "one bbl, which cannot be converted into"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbols: {Copper: {symbol: x, unit: ton}}}", "'ton' is none of"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbols: {Copper: {unit: lb}}}", "symbol is missing"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, currency: XYZ}", "no code of ISO 4217"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, colour: red}", "has no 'colour'"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, rate: fast}", "is no rate"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, burst: 5}", "goes with one rate"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, concurrency: 0}", "no number from 1"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, tasks: [sell]}", "'sell' is none of"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, timeout: 5}", "is no time"),
    ("{name: A, kind: yahoo, url: \"https://h/{token}\", symbol: x}", "there is no token"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, token: env:K}", "would never be sent"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, token-header: X-K}", "no token to send"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, token: env:K, token-header: \"X K\"}", "no name of a"),
    ("{name: A, kind: yahoo, url: \"https://h\", symbol: x, mapping: {value: v, time: t}}", "for kinds json and csv"),
    ("{name: A, kind: json, url: \"https://h\"}", "mapping is missing"),
    ("{name: A, kind: json, url: \"https://h\", mapping: {value: v}}", "time is missing"),
    ("{name: A, kind: json, url: \"https://h\", mapping: {value: \"a..b\", time: t}}", "is no path"),
    ("{name: A, kind: json, url: \"https://h\", mapping: {value: v, time: t, zone: Mars/Base}}", "Mars/Base"),
    ("{name: A, kind: json, url: \"https://h\", mapping: {value: v, time: t, separator: \";\"}}", "'kind: csv' only"),
    ("{name: A, kind: csv, url: \"https://h\", mapping: {value: v, time: t, rows: a}}", "for 'kind: json' only"),
    ("{name: A, kind: csv, url: \"https://h\", mapping: {value: v, time: t, where: {a: \"{token}\"}}}", "wants a text"),
  ]) func mistakesAreNamedWithTheirLine(source: String, reason: String) throws {
    let message = try #require(failure(source))
    #expect(message.contains(reason), "\(message)")
    #expect(message.contains("markets.yaml, line 5") || message.contains("zone"), "\(message)")
  }

  @Test func aSecretInTheFileIsRefusedWithoutRepeatingIt() throws {
    let message = try #require(failure(
      "{name: A, kind: yahoo, url: \"https://h/{token}\", symbol: x, token: s3cret-value}"))
    #expect(message.contains("does not belong in this file") && !message.contains("s3cret"))
  }

  @Test func namesThatCollideInMetricsAreRefused() throws {
    let rows = "  - {name: My Data, kind: yahoo, url: \"https://h\", symbol: x}\n"
      + "  - {name: my-data_, kind: yahoo, url: \"https://h\", symbol: x}\n"
    #expect(throws: Never.self) { try catalogue(rows).readSources() }
    let same = rows.replacing("my-data_", with: "my data")
    #expect(throws: Failure.self) { try catalogue(same).readSources() }
  }

  @Test func pathsAreReadStepByStep() {
    #expect(ValuePath("chart.result[0].meta")?.steps == [.name("chart"), .name("result"), .place(0), .name("meta")])
    #expect(ValuePath("[-1][2]")?.steps == [.place(-1), .place(2)])
    #expect(ValuePath("a[\"b.c [d]\"].e")?.steps == [.name("a"), .name("b.c [d]"), .name("e")])
    #expect(ValuePath("[\"x\"]y") == nil)
    #expect(ValuePath("")?.steps == [])
    for text in [".", "a.", ".a", "a..b", "a[", "a]", "a[]", "a[x]", "a[+1]", "a[\"b]", "a[\"\"]", "a\"b",
                 String(repeating: "[0]", count: 17)] {
      #expect(ValuePath(text) == nil, "\(text)")
    }
  }
}
