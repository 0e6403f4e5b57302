import Core
import Foundation
import PortalSimulator
import PriceFiles
import Testing
import Values

/// The invented catalogue, which demos and end-to-end tests compare with.
@Suite struct CatalogueTests {
  @Test func equalSettingsGiveEqualBytes() {
    let (a, b) = (CatalogueGenerator(settings: smallCatalogue()), CatalogueGenerator(settings: smallCatalogue()))
    #expect(a.files() == b.files())
    for file in a.files() { #expect(a.bytes(of: file) == b.bytes(of: file)) }
    var other = smallCatalogue()
    other.seed = 2
    let c = CatalogueGenerator(settings: other)
    let full = a.files().first { $0.kind == .priceFull }
    #expect(full.map(a.xml) != full.map(c.xml))
  }

  /// The expected state and the XML are derived from the same rules in two ways; a plain text search must agree.
  @Test func theTruthIsWhatTheFilesSay() throws {
    let catalogue = CatalogueGenerator(settings: smallCatalogue(rounds: 3))
    let truth = catalogue.expected()
    var latest: [CatalogueTruth.Key: String] = [:]
    var rows = 0
    for file in catalogue.files() where file.kind == .priceFull || file.round > 0 {
      let text = String(decoding: catalogue.xml(of: file), as: UTF8.self)
      var seen: Set<String> = []
      for row in text.components(separatedBy: "<Item>").dropFirst() {
        let code = try #require(row.between("<ItemCode>", "</ItemCode>"))
        let price = try #require(row.between("<ItemPrice>", "</ItemPrice>"))
        rows += 1
        guard seen.insert(code).inserted else { continue }
        let store = String(file.storeID.drop { $0 == "0" })
        latest[.init(chain: file.chain.slug, storeID: store, ean: code)] = price
      }
    }
    #expect(rows == truth.rows)
    #expect(Set(latest.keys) == Set(truth.prices.keys))
    for (key, price) in truth.prices { #expect(latest[key] == price.text) }
    #expect(truth.repeatedRows == 2 * 2)
    let firstSights = truth.changes.count { $0.before == nil }
    #expect(firstSights == truth.prices.count)
    #expect(truth.changes.count > firstSights)
    #expect(truth.changes.allSatisfy { $0.before != $0.after.agorot && $0.after.agorot > 0 })
  }

  @Test func namesAreThoseOfThePortals() throws {
    let zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    let catalogue = CatalogueGenerator(settings: smallCatalogue())
    for file in catalogue.files() {
      let name = try PriceFileName(file.name)
      #expect(name.chainID == file.chain.chainID)
      #expect(name.storeID == (file.store < 0 ? "0" : String(file.storeID.drop { $0 == "0" })))
      // Two ways to the instant: the zone database and Foundation.
      #expect(name.fileTime(zone: zone)?.microseconds == Int64(file.time.secondsSince1970) * 1_000_000)
    }
  }

  @Test func packingFollowsTheChain() {
    let catalogue = CatalogueGenerator(settings: smallCatalogue())
    for chain in catalogue.chains {
      for file in catalogue.files(of: chain) {
        let head = Array(catalogue.bytes(of: file).prefix(3))
        switch chain.packing {
        case .gzip: #expect(head.prefix(2) == [0x1f, 0x8b])
        case .zip: #expect(head.prefix(2) == Array("PK".utf8)[...])
        case .none: #expect(head.first == UInt8(ascii: "<") || head == [0xef, 0xbb, 0xbf])
        }
      }
    }
    #expect(Set(catalogue.chains.map(\.packing)).count == 3)
    #expect(Set(catalogue.chains.map(\.dialect)).count == 3)
  }

  @Test func codesAreSharedBetweenChainsOrTheirOwn() throws {
    var settings = smallCatalogue()
    settings.items = 500
    let truth = CatalogueGenerator(settings: settings).expected()
    var chainsOf: [String: Set<String>] = [:]
    for key in truth.prices.keys { chainsOf[key.ean, default: []].insert(key.chain) }
    #expect(chainsOf.values.count { $0.count == 5 } > 100)
    for code in chainsOf.keys where code.count >= 8 { #expect(hasValidCheckDigit(code)) }
    #expect(chainsOf.keys.contains { $0.count < 8 })
    #expect(Set(chainsOf.keys.map(\.count)).isSuperset(of: [8, 13]))
  }

  /// What a broker that keeps 5 MB per partition can hold, with room for uneven partitions.
  @Test func theDefaultSizeFitsAnInMemoryBroker() {
    let truth = CatalogueGenerator(settings: CatalogueSettings()).expected()
    #expect((30_000...50_000).contains(truth.rows))
    let changes = truth.changes.count { $0.before != nil }
    #expect(changes > 5_000)
  }

  private func hasValidCheckDigit(_ code: String) -> Bool {
    let digits = code.compactMap(\.wholeNumberValue)
    let sum = digits.reversed().enumerated().reduce(0) { $0 + $1.element * ($1.offset % 2 == 0 ? 1 : 3) }
    return digits.count == code.count && sum % 10 == 0
  }
}

extension String {
  fileprivate func between(_ open: String, _ close: String) -> String? {
    guard let start = range(of: open), let end = range(of: close, range: start.upperBound..<endIndex)
    else { return nil }
    return String(self[start.upperBound..<end.lowerBound])
  }
}
