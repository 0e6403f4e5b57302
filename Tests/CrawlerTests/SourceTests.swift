import CrawlerService
import Runtime
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
    #expect(try Source(text) == .bina(address: address, chain: chain, label: label))
  }

  @Test func readsFolders() throws {
    #expect(try Source("dir:/data/prices?x") == .folder("/data/prices?x"))
  }

  @Test(arguments: [
    "", "nope", "dir:", "bina:", "bina:a/b", "bina+ftp://h", "bina+http://", "bina+http://h?chain=",
    "bina+http://h?chain=a/b", "bina+http://h?name=a", "city_market_givatayim",
  ])
  func refusesWithTheReason(text: String) {
    let error = #expect(throws: Failure.self) { try Source(text) }
    #expect(error?.errorClass == .configuration)
    #expect(error?.message.contains("--source") == true)
  }

  @Test func everyChainOfTheCatalogueIsAUsableSource() throws {
    for chain in BinaCatalogue.chains where !chain.isClosed {
      guard case .bina(let address, let name, _) = try Source(chain.slug) else {
        Issue.record("\(chain.slug) is no Bina source")
        continue
      }
      #expect(name == chain.slug)
      _ = try BinaPortal(label: "x", chain: name, address: address)
      #expect(chain.chainIDs.allSatisfy { $0.count == 13 })
    }
    #expect(Set(BinaCatalogue.chains.map(\.slug)).count == BinaCatalogue.chains.count)
  }
}
