import PortalSimulator
import TestSupport
import Testing

/// The tables that the simulated catalogue predicts.
struct ExpectedTables: Equatable {
  /// `chain|store_id|ean|price`, sorted, prices with the digits of the file.
  var prices: [String]
  /// `chain|store_id|ean|seconds since 1970 of the file|before|after` of every change of a price.
  var history: [String]

  init(_ truth: CatalogueTruth) {
    prices = truth.prices.map { "\($0.chain)|\($0.storeID)|\($0.ean)|\($1.text)" }.sorted(by: Self.bytewise)
    history = truth.changes.compactMap { change in
      guard let before = change.before else { return nil }
      let key = change.key
      return "\(key.chain)|\(key.storeID)|\(key.ean)|\(change.after.fileTime)|\(before)|\(change.after.agorot)"
    }.sorted(by: Self.bytewise)
  }

  init(in fleet: Fleet) async throws {
    prices = try await fleet.query("SELECT chain, store_id, ean, price FROM prices").sorted(by: Self.bytewise)
    history = try await fleet.query(
      """
      SELECT chain, store_id, ean, extract(epoch FROM file_time)::bigint,
             (previous_price * 100)::int, (price * 100)::int
      FROM price_history
      """
    ).sorted(by: Self.bytewise)
  }

  private static func bytewise(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }

  /// The first rows that only one side has, for the failure message.
  func difference(from other: ExpectedTables) -> String {
    func compare(_ name: String, _ mine: [String], _ theirs: [String]) -> String {
      let (left, right) = (Set(mine), Set(theirs))
      let missing = right.subtracting(left).sorted().prefix(5)
      let extra = left.subtracting(right).sorted().prefix(5)
      return "\(name): \(mine.count) rows, \(theirs.count) expected; missing \(missing), not expected \(extra)"
    }
    return compare("prices", prices, other.prices) + "\n" + compare("price_history", history, other.history)
  }
}

extension Fleet {
  /// Waits until the database holds exactly what the catalogue says, then asserts it.
  func expect(_ truth: CatalogueTruth, within limit: Duration = .seconds(240)) async throws {
    let expected = ExpectedTables(truth)
    let counts = ["\(expected.prices.count)|\(expected.history.count)"]
    // The comparison below explains a difference better than the wait.
    try? await eventually("the expected tables", timeout: limit, interval: .milliseconds(250)) {
      let sizes = try await query("SELECT (SELECT count(*) FROM prices), (SELECT count(*) FROM price_history)")
      guard sizes == counts else { return false }
      return try await ExpectedTables(in: self) == expected
    }
    let found = try await ExpectedTables(in: self)
    #expect(found == expected, "\(found.difference(from: expected))")
  }

  /// Waits until promotions and stores are those of the catalogue, then asserts it.
  /// - Parameter promoted: the chains whose portals list their promotions; nil means all.
  func expectSides(
    of chains: [ChainProfile], promoted: [ChainProfile]? = nil, in catalogue: CatalogueGenerator,
    within limit: Duration = .seconds(240)
  ) async throws {
    let offers = (promoted ?? chains).flatMap { catalogue.offers(of: $0) }
      .map { "\($0.chain)|\($0.storeID)|\($0.promotionID)|\($0.ean)|\($0.agorot)" }
    let branches = chains.flatMap { catalogue.branches(of: $0) }
      .map { "\($0.chain)|\($0.chainID)|\($0.storeID)|\($0.name)|\($0.city)" }
    #expect(!offers.isEmpty && !branches.isEmpty)
    var found: [[String]] = []
    try? await eventually("the promotions and stores", timeout: limit, interval: .milliseconds(250)) {
      found = [
        try await query(
          """
          SELECT chain, store_id, promotion_id, i.ean, (p.discounted_price * 100)::int
          FROM promotions p LEFT JOIN promotion_items i USING (chain, store_id, promotion_id)
          WHERE p.ended_at IS NULL
          """),
        try await query("SELECT chain, chain_id, store_id, name, city FROM stores"),
      ]
      return found.map { $0.sorted() } == [offers.sorted(), branches.sorted()]
    }
    for (what, rows, expected) in [("promotions", found[0], offers), ("stores", found[1], branches)] {
      let (left, right) = (Set(rows), Set(expected))
      #expect(
        rows.count == expected.count && left == right,
        """
        \(what): \(rows.count) rows, \(expected.count) expected; \
        missing \(right.subtracting(left).sorted().prefix(5)), \
        not expected \(left.subtracting(right).sorted().prefix(5))
        """)
    }
  }
}
