import Core
@testable import CrawlerService
import Portals
import Testing

@Suite struct SourceTests {
  @Test(arguments: [
    ("king_store", "https://kingstore.binaprojects.com", "king_store", "king_store"),
    ("bina:kingstore", "https://kingstore.binaprojects.com", "king_store", "king_store"),
    ("bina:newchain", "https://newchain.binaprojects.com", nil, "newchain"),
    ("bina+http://127.0.0.1:81/a?chain=x_1", "http://127.0.0.1:81/a", "x_1", "x_1"),
    ("bina+https://prices.example", "https://prices.example", nil, "prices.example"),
  ] as [(String, String, String?, String)])
  func reads(text: String, address: String, chain: String?, label: String) throws {
    let source = try CrawlSource(text)
    #expect(source.chain.engine == "bina" && source.chain.locator == address)
    #expect(source.chainName == chain && source.label == label)
  }

  @Test func readsFolders() throws {
    let source = try CrawlSource("dir:/data/prices?x")
    #expect(source.chain.engine == "dir" && source.chain.locator == "/data/prices?x" && source.chainName == nil)
  }

  @Test func readsParameters() throws {
    let source = try CrawlSource("bina+http://h:8/p?chain=c&ids=1,2&user=u&password=env:P&path=/q&links=resolver")
    #expect(source.chain.locator == "http://h:8/p" && source.chain.chainIDs == ["1", "2"])
    #expect(source.chain.user == "u" && source.chain.password == Secret("env:P") && source.chain.path == "/q")
    #expect(source.chain.options == ["links": "resolver"])
  }

  @Test func aRefusalShowsNoPassword() {
    let error = #expect(throws: Failure.self) { try CrawlSource("bina+http://h?password=s3cret&nope=1") }
    #expect(error?.message.contains("nope") == true && error?.message.contains("s3cret") == false)
  }

  @Test func allIsEveryChainThatPublishes() throws {
    let sources = try CrawlSource.read("all", in: .embedded)
    #expect(sources.map(\.label) == ChainCatalogue.embedded.chains.filter { !$0.isClosed }.map(\.slug))
  }

  @Test(arguments: [
    "", "nope", "dir:", "bina:", "bina:a/b", "bina+ftp://h", "bina+http://", "bina+http://h?chain=",
    "bina+http://h?chain=a/b", "bina+http://h?name=a", "city_market_givatayim",
  ])
  func refusesWithTheReason(text: String) {
    let error = #expect(throws: Failure.self) { try CrawlSource(text) }
    #expect(error?.errorClass == .configuration)
    #expect(error?.message.contains("--source") == true)
  }

  @Test func everyEngineOfTheCatalogueIsThere() throws {
    for chain in ChainCatalogue.embedded.chains where !chain.isClosed {
      #expect(try EngineTable.kind(chain.engine).make(engineContext(chain)).source == chain.slug)
    }
    #expect(Set(EngineTable.all.map { $0.name }).count == EngineTable.all.count)
  }
}
