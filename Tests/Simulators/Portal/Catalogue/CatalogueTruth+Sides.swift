/// The expected state of stores and promotions.
extension CatalogueTruth {
  /// A promotion and the one product it is about.
  package struct Offer: Hashable, Sendable {
    package var chain: String
    /// Without leading zeros.
    package var storeID: String
    package var promotionID: String
    package var ean: String
    package var agorot: Int
  }

  /// A branch as the chain's Stores file describes it.
  package struct Branch: Hashable, Sendable {
    package var chain: String
    package var chainID: String
    /// Without leading zeros.
    package var storeID: String
    package var name: String
    package var city: String
  }
}

extension CatalogueGenerator {
  package func offers(of chain: ChainProfile) -> [CatalogueTruth.Offer] {
    files(of: chain).filter { $0.kind == .promoFull }.flatMap { file in
      promotedRows(of: file).map { row in
        let sale = SideXML.sale(of: row, in: file, dice: dice)
        return CatalogueTruth.Offer(
          chain: chain.slug, storeID: String(file.storeID.drop { $0 == "0" }), promotionID: sale.id, ean: row.code,
          agorot: sale.agorot)
      }
    }
  }

  package func branches(of chain: ChainProfile) -> [CatalogueTruth.Branch] {
    guard settings.sideFiles else { return [] }
    return (0..<settings.stores).map { store in
      CatalogueTruth.Branch(
        chain: chain.slug, chainID: chain.chainID, storeID: String(chain.storeID(store).drop { $0 == "0" }),
        name: SideXML.storeName(chain, store, dice),
        city: Lexicon.cities[dice.pick(Lexicon.cities.count, .city, chain.ordinal, store)])
    }
  }
}
