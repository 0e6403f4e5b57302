@testable import Commodities
import Core
import Foundation
import Messages
import StrictYAML
import Testing
import TestSupport
import Values

@Suite struct CommodityCatalogueTests {
  @Test func theEmbeddedCatalogueIsComplete() throws {
    let catalogue = CommodityCatalogue.embedded
    #expect(catalogue.countries.count == 10)
    #expect(catalogue.materials.count { !$0.isWorld } == 20)
    #expect(catalogue.materials.filter(\.isWorld).allSatisfy { $0.category == .energy && $0.currency == "USD" })
    #expect(Set(catalogue.materials.map(\.category)) == Set(CommodityCategory.allCases))
    #expect(catalogue.series.count == 20 * 10 + 4)
    #expect(Set(catalogue.series.map(\.key)).count == catalogue.series.count)
    // Every series is fetched by some schedule.
    let fetched = Set(catalogue.schedules.flatMap { catalogue.series(of: $0).map(\.key) })
    #expect(fetched == Set(catalogue.series.map(\.key)))
    let egypt = try #require(catalogue.country(named: "Egypt"))
    let pvc = try #require(catalogue.material(named: "PVC"))
    #expect(CommoditySeries(pvc, in: egypt)?.key.text == "mena.egypt.polymer.pvc")
    #expect(CommoditySeries(pvc, in: egypt)?.currency == "EGP")
    #expect(CommoditySeries(pvc, in: nil) == nil)
    let brent = try #require(catalogue.material(named: "Brent"))
    #expect(CommoditySeries(brent, in: nil)?.key.text == "global.world.energy.brent")
    #expect(CommoditySeries(brent, in: egypt) == nil)
    for schedule in catalogue.schedules { #expect(throws: Never.self) { try ZoneTable(identifier: schedule.zone) } }
  }

  static let small = """
    countries:
      - {name: Egypt, region: mena, currency: EGP}
      - {name: United Arab Emirates, region: mena}
      - {name: Germany, region: europe, currency: EUR}
    materials:
      - {name: PVC, category: polymer, unit: t}
      - {name: Copper Wire (1 mm), category: screening}
      - {name: Brent, category: energy, unit: bbl, world: true, currency: USD}
    sources:
      - {name: Yahoo, kind: yahoo, symbols: {Brent: BZ=F}, rate: 5/s}
      - {name: Other, kind: csv}
    """

  private static func keys(_ fields: String) throws -> [String] {
    let catalogue = try CommodityCatalogue(
      yaml: small + "\nschedules:\n  - {name: one, task: fetch_price, cron: '0 * * * *', \(fields)}", origin: "test")
    return catalogue.series(of: catalogue.schedules[0]).map(\.key.text)
  }

  @Test func aScheduleMultipliesItsMaterialsAndCountries() throws {
    #expect(try Self.keys("materials: all, countries: all") == [
      "mena.egypt.polymer.pvc", "mena.united_arab_emirates.polymer.pvc", "europe.germany.polymer.pvc",
      "mena.egypt.screening.copper_wire_1_mm", "mena.united_arab_emirates.screening.copper_wire_1_mm",
      "europe.germany.screening.copper_wire_1_mm", "global.world.energy.brent",
    ])
    #expect(try Self.keys("source: Yahoo").count == 7)
    #expect(try Self.keys("countries: world") == ["global.world.energy.brent"])
    #expect(try Self.keys("countries: {region: europe}") == [
      "europe.germany.polymer.pvc", "europe.germany.screening.copper_wire_1_mm",
    ])
    #expect(try Self.keys("materials: {category: polymer}, countries: [Germany, Egypt]") == [
      "mena.egypt.polymer.pvc", "europe.germany.polymer.pvc",
    ])
    #expect(try Self.keys("materials: [Brent, PVC], countries: [Egypt]") == ["mena.egypt.polymer.pvc"])
  }

  @Test func everyFieldOfAScheduleIsRead() throws {
    let catalogue = try CommodityCatalogue(
      yaml: Self.small + """

        schedules:
          - name: prices
            task: fetch_demand
            materials: {category: screening}
            countries: {region: mena}
            source: Other
            cron: "*/10 8-17 * * mon-fri"
            zone: Africa/Cairo
            deadline: 30m
            missed: catch_up
            missed-limit: 7
            spread: 90s
        """, origin: "test")
    let schedule = try #require(catalogue.schedules.first)
    #expect(schedule == FetchSchedule(
      name: "prices", task: .fetchDemand, materials: .category(.screening), countries: .region("mena"),
      source: "Other", cron: try CronExpression("*/10 8-17 * * mon-fri"), zone: "Africa/Cairo",
      deadline: .seconds(1_800), missed: .catchUp, missedLimit: 7, spread: .seconds(90), line: 13))
  }

  @Test func sourcesAreKeptAsWritten() throws {
    let catalogue = try CommodityCatalogue(yaml: Self.small + "\nschedules: []", origin: "here.yaml")
    #expect(catalogue.sources.map(\.name) == ["Yahoo", "Other"])
    let fields = try YAMLFields(
      catalogue.sources[0].value, of: "source", known: ["name", "kind", "symbols", "rate"],
      origin: catalogue.sources[0].origin)
    #expect(try fields.required("rate") == "5/s")
    #expect(fields.value("symbols")?.mapping?.map(\.key) == ["Brent"])
    #expect(fields.value("symbols")?.mapping?.first?.value.text == "BZ=F")
    #expect("\(fields.wrong("rate", "too fast"))".contains("here.yaml, line 10: source 'Yahoo': rate: too fast"))
  }

  @Test func aMissingSectionIsTakenFromTheEmbeddedCatalogue() async throws {
    let catalogue = try await withTemporaryDirectory { folder in
      try "sources:\n  - {name: Mine, kind: csv}\n"
        .write(toFile: folder + "/markets.yaml", atomically: true, encoding: .utf8)
      return try CommodityCatalogue.load(file: folder + "/markets.yaml")
    }
    #expect(catalogue.sources.map(\.name) == ["Mine"])
    #expect(catalogue.materials == CommodityCatalogue.embedded.materials)
    #expect(catalogue.schedules == CommodityCatalogue.embedded.schedules)
    #expect(try CommodityCatalogue.load(file: nil).sources == CommodityCatalogue.embedded.sources)
    let error = #expect(throws: Failure.self) { try CommodityCatalogue.load(file: "/nowhere/markets.yaml") }
    #expect(error?.errorClass == .configuration)
  }

  /// Each mistake is said with its line.
  @Test(arguments: [
    ("countries: {}", "line 1: a list is expected, one country a row"),
    ("country: []", "line 1: 'country' is none of countries, materials, sources, schedules"),
    ("[]", "line 1: a mapping of countries"),
    ("a: [", "it is not YAML"),
    ("countries:\n  - {name: Egypt, region: MENA}", "line 2: country 'Egypt': region"),
    ("countries:\n  - {name: Egypt, region: global}", "line 2: country 'Egypt': region"),
    ("countries:\n  - {name: World, region: mena}", "line 2: country 'World': name"),
    ("countries:\n  - {name: مصر, region: mena}", "line 2: country 'مصر': name"),
    ("countries:\n  - {name: Egypt, region: mena, currency: egp}", "'egp' is no code of ISO 4217"),
    ("countries:\n  - {name: Egypt, region: mena}\n  - {name: egypt, region: mena}", "line 3: the country egypt"),
    ("countries:\n  - {name: Egypt, region: mena, zone: x}", "a country has no 'zone'; it may have name, region"),
    ("materials:\n  - {name: PVC}", "line 2: material 'PVC': category is missing"),
    ("materials:\n  - {name: PVC, category: plastics}", "none of polymer, shielding, screening, energy"),
    ("materials:\n  - {name: PVC, category: polymer, unit: furlong}", "unit: 'furlong' is none of t, kg"),
    ("materials:\n  - {name: PVC, category: polymer, unit: ton}", "unit: 'ton' is none of t, kg"),
    ("materials:\n  - {name: PVC, category: polymer, world: yes}", "world: true or false is expected"),
    ("materials:\n  - {name: PVC, category: polymer, currency: USD}", "currency: the countries have it"),
    ("sources:\n  - {kind: yahoo}", "line 2: a source is a mapping with a name"),
    ("schedules:\n  - {name: a b, task: fetch_price, cron: '@daily'}", "line 2: schedule 'a b': name"),
    ("schedules:\n  - {name: a, cron: '@daily'}", "schedule 'a': task is missing"),
    ("schedules:\n  - {name: a, task: fetch_all, cron: '@daily'}", "none of fetch_price, fetch_demand"),
    ("schedules:\n  - {name: a, task: fetch_price}", "schedule 'a': cron is missing"),
    ("schedules:\n  - name: a\n    task: fetch_price\n    cron: '60 * * * *'", "line 4: schedule 'a': cron: minute"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', materials: PVC}", "'all', a list of names"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', materials: [Gold]}", "no material is called 'Gold'"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', countries: [Peru]}", "no country is called 'Peru'"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', countries: {region: apac}}", "in region 'apac'"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', source: Nobody}", "no source is called 'Nobody'"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', materials: [PVC], countries: world}", "no pair"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', deadline: 30}", "'30' is no time such as"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', deadline: 0s}", "deadline: 1s or more"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', spread: 1d}", "spread: less than 1d"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', missed: skip, missed-limit: 2}", "catch_up' only"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily', missed-limit: 0}", "from 1 to 100000"),
    ("schedules:\n  - {name: a, task: fetch_price, cron: '@daily'}\n  - {name: a, task: fetch_price, cron: '@daily'}",
     "line 3: the schedule a is there twice"),
  ])
  func aMistakeIsReportedWithItsLine(_ yaml: String, _ expected: String) throws {
    let error = #expect(throws: Failure.self) { try CommodityCatalogue(yaml: yaml, origin: "markets.yaml") }
    let failure = try #require(error)
    #expect(failure.errorClass == .configuration && failure.code == "bad_catalogue")
    #expect(failure.message.hasPrefix("markets.yaml"))
    #expect(failure.message.contains(expected), "\(failure.message)")
  }

  @Test func tooManyCombinationsAreRefused() throws {
    let countries = (0..<400).map { "  - {name: c\($0), region: r}" }.joined(separator: "\n")
    let materials = (0..<251).map { "  - {name: m\($0), category: polymer}" }.joined(separator: "\n")
    let error = #expect(throws: Failure.self) {
      try CommodityCatalogue(
        yaml: "countries:\n\(countries)\nmaterials:\n\(materials)\nschedules: []", origin: "test")
    }
    #expect("\(try #require(error))".contains("100400 series"))
  }
}
