import Core
import Glibc
import HTTP
import Portals
import Testing
import TestSupport

@Suite struct ChainCatalogueTests {
  @Test func theEmbeddedCatalogueIsWhole() throws {
    let chains = ChainCatalogue.embedded.chains
    #expect(chains.count == 39)
    #expect(chains.count { !$0.isClosed } == 34)
    #expect(Set(chains.map(\.slug)).count == chains.count)
    for chain in chains where !chain.isClosed {
      #expect(!chain.chainIDs.isEmpty && chain.chainIDs.allSatisfy { $0.utf8.count == 13 }, "\(chain.slug)")
    }
    // Which engine speaks to how many chains.
    let engines = Dictionary(grouping: chains.filter { !$0.isClosed }, by: \.engine).mapValues(\.count)
    #expect(engines == [
      "cerberus": 12, "bina": 10, "laibcatalog": 3, "shufersal": 1, "super_pharm": 1, "hazi_hinam": 1,
      "city_market_shops": 1, "publish_price": 2, "wolt": 1, "netiv_hased": 1, "meshnat_yosef": 1,
    ])
    let yuda = try #require(ChainCatalogue.embedded.named("super_yuda"))
    #expect(try yuda.credentials() == FTPRequest.Login(user: "yuda_ho", password: "Yud@147"))
    #expect(yuda.path == "/Yuda")
    #expect(try ChainCatalogue.embedded.named("rami_levy")?.credentials()?.password == "")
    #expect(try ChainCatalogue.embedded.named("king_store")?.credentials() == nil)
    #expect(ChainCatalogue.embedded.owner(ofID: "7290055700014")?.slug == "carrefour_shilut")
    for dead in ["7290058103393", "7290633800006"] { #expect(ChainCatalogue.embedded.owner(ofID: dead) == nil) }
    let hours = try #require(ChainCatalogue.embedded.named("mahsani_a_shuk")?.schedule.activeHours)
    #expect((hours.start, hours.end, hours.closedDays) == (480, 1_440, [6]))
  }

  @Test func aFileAddsAndReplaces() async throws {
    let text = """
      engines: {bina: {interval: 90s, user_agent: browser}}
      chains:
        - {chain: king_store, engine: bina, locator: "http://mirror.example"}
        - chain: new_chain
          name: A new one
          engine: ftp
          locator: ftps://files.example/prices
          user: me
          password: env:SOUK_TEST_PORTAL_PASSWORD
          ids: [0000000000017]
          interval: 1h
          request_gap: 2s
          options: {encoding: utf-8}
      """
    let catalogue = try await withTemporaryDirectory { folder in
      try writeFile(text, to: folder + "/chains.yaml")
      return try ChainCatalogue.load(file: folder + "/chains.yaml")
    }
    let king = try #require(catalogue.named("king_store"))
    #expect(king.locator == "http://mirror.example" && king.schedule.interval == .seconds(90))
    #expect(king.userAgent?.hasPrefix("Mozilla/5.0 (X11") == true)
    let new = try #require(catalogue.named("new_chain"))
    #expect(new.chainIDs == ["0000000000017"] && new.options == ["encoding": "utf-8"])
    #expect(new.schedule.requestGap == .seconds(2))
    #expect(catalogue.chains.count == ChainCatalogue.embedded.chains.count + 1)

    let error = #expect(throws: Failure.self) { try new.credentials() }
    #expect(error?.errorClass == .configuration && error?.message.contains("SOUK_TEST_PORTAL_PASSWORD") == true)
    setenv("SOUK_TEST_PORTAL_PASSWORD", "s3cret", 1)
    defer { unsetenv("SOUK_TEST_PORTAL_PASSWORD") }
    let credentials = try #require(try new.credentials())
    #expect(credentials.password == "s3cret")
    for shown in ["\(credentials)", String(reflecting: credentials), "\(new)"] {
      #expect(!shown.contains("s3cret"))
    }
  }

  @Test func aSecretOfAFileLosesItsLineBreak() async throws {
    try await withTemporaryDirectory { folder in
      try writeFile("top secret\n", to: folder + "/password")
      let secret = Secret("file:\(folder)/password")
      #expect(try secret.resolve() == "top secret")
      #expect("\(secret)" == "file:\(folder)/password" && "\(Secret("12345"))" == "***")
    }
    #expect(throws: Failure.self) { try Secret("file:/nowhere/at/all").resolve() }
  }

  @Test(arguments: [
    ("chains: 3", "a list is expected"),
    ("shops: []", "has no 'shops'; it may have engines, chains"),
    ("chains:\n  - {chain: a, engine: b, locator: c, lcoator: d}", "lcoator"),
    ("chains:\n  - {chain: a, engine: b}", "locator is missing"),
    ("chains:\n  - {chain: a, locator: b}", "engine is missing"),
    ("chains:\n  - {chain: a/b, engine: b, locator: c}", "letters, digits"),
    ("chains:\n  - {chain: a, engine: b, locator: c}\n  - {chain: a, engine: b, locator: c}", "twice"),
    ("chains:\n  - {chain: a, engine: b, locator: c, interval: 10}", "90s, 10m"),
    ("chains:\n  - {chain: a, engine: b, locator: c, hours: \"8-24\"}", "08:00-24:00"),
    ("chains:\n  - {chain: a, engine: b, locator: c, closed_days: [holiday]}", "holiday"),
    ("chains:\n  - {chain: a, engine: b, locator: c, ids: [x]}", "digits"),
    ("chains: [", "not YAML"),
  ])
  func saysWhatIsWrong(text: String, reason: String) {
    let error = #expect(throws: Failure.self) { try ChainCatalogue(yaml: text, origin: "chains.yaml") }
    #expect(error?.errorClass == .configuration)
    #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    #expect(error?.message.hasPrefix("chains.yaml") == true)
  }

  @Test func activeHours() throws {
    // Saturday 2026-08-22 00:00.
    let saturday: Int64 = 1_787_356_800
    let day = try #require(ActiveHours("08:00-24:00", closedDays: [6]))
    #expect(!day.contains(localSeconds: saturday + 12 * 3_600))
    let sunday = saturday + 86_400
    #expect(!day.contains(localSeconds: sunday + 8 * 3_600 - 1))
    #expect(day.contains(localSeconds: sunday + 8 * 3_600))
    #expect(day.contains(localSeconds: sunday + 86_399))
    let night = try #require(ActiveHours("22:30-06:00"))
    #expect(night.contains(localSeconds: sunday + 23 * 3_600) && night.contains(localSeconds: sunday + 5 * 3_600))
    #expect(!night.contains(localSeconds: sunday + 6 * 3_600))
    for text in ["24:00-08:00", "8:00-9:00", "08:00", "08:60-09:00", "08:00-08:00"] {
      #expect(ActiveHours(text) == nil)
    }
  }

  private func writeFile(_ text: String, to path: String) throws {
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
  }
}

extension ChainCatalogue {
  /// The open chain whose files have this id; nil when there is none, or more than one.
  fileprivate func owner(ofID id: String) -> Chain? {
    let owners = chains.filter { $0.allIDs.contains(id) && !$0.isClosed }
    return owners.count == 1 ? owners[0] : nil
  }
}
