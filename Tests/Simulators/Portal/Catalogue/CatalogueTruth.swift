/// The expected state after every file was read. Derived from the rules of the catalogue and not from its XML, so it
/// does not depend on a parser.
package struct CatalogueTruth: Sendable {
  /// A product in a store. The store's number is without leading zeros, as messages and tables have it.
  package struct Key: Hashable, Sendable, Comparable {
    package var chain: String
    package var storeID: String
    package var ean: String

    package init(chain: String, storeID: String, ean: String) {
      self.chain = chain
      self.storeID = storeID
      self.ean = ean
    }

    package static func < (left: Self, right: Self) -> Bool {
      (left.chain, left.storeID, left.ean) < (right.chain, right.storeID, right.ean)
    }
  }

  /// A price in force from a file on.
  package struct Price: Hashable, Sendable {
    /// Exact, in agorot (hundredths of a shekel).
    package var agorot: Int
    /// The digits of the file.
    package var text: String
    package var fileName: String
    /// The file's time in seconds since 1970 UTC.
    package var fileTime: Int
  }

  /// A price that differs from the one before it (nil: the product is new in the store).
  package struct Change: Hashable, Sendable {
    package var key: Key
    package var before: Int?
    package var after: Price
  }

  /// The price each product ends at, of the newest file that changed it (an announcement of an unchanged price
  /// does not count as a change).
  package var prices: [Key: Price] = [:]
  /// Real changes in the order of the files, new products included.
  package var changes: [Change] = []
  /// Rows of the price and full files, repeated codes included.
  package var rows = 0
  /// Rows whose code occurred before in their file.
  package var repeatedRows = 0
  /// Names a product carries anywhere, by chain and code.
  package var products: Int { Set(prices.keys.map { "\($0.chain)/\($0.ean)" }).count }
}

extension CatalogueGenerator {
  /// - Parameter rounds: how many rounds were published; nil means all.
  package func expected(rounds: Int? = nil) -> CatalogueTruth {
    var truth = CatalogueTruth()
    for file in files() where file.round <= rounds ?? settings.rounds {
      guard file.store >= 0, file.kind != .promoFull else { continue }
      let storeID = String(file.storeID.drop { $0 == "0" })
      let name = file.name
      let time = file.time.secondsSince1970
      var codes: Set<String> = []
      for row in rows(of: file) {
        truth.rows += 1
        guard codes.insert(row.code).inserted else {
          truth.repeatedRows += 1
          continue
        }
        let key = CatalogueTruth.Key(chain: file.chain.slug, storeID: storeID, ean: row.code)
        let before = truth.prices[key]?.agorot
        guard before != row.price else { continue }
        let price = CatalogueTruth.Price(
          agorot: row.price, text: file.chain.priceText(row.price), fileName: name, fileTime: time)
        truth.prices[key] = price
        truth.changes.append(.init(key: key, before: before, after: price))
      }
    }
    return truth
  }
}
