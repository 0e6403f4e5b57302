import Masters
import Messages
import Testing
import TestSupport
import Values

@Suite struct IndexTests {
  @Test func aGTINIsKnownOrNew() throws {
    let (known, other) = (try #require(GTIN("7290000149844")), try #require(GTIN("4006381333931")))
    for mode in [MatchMode.gtin, .full] {
      let index = MasterIndex(mode: mode)
      let master = Row(name: "חלב טרי 1 ליטר").master(MasterKey(known))
      #expect(index.change { $0.put(master) } == .put)
      #expect(index.change { $0.put(master) } == .unchanged)
      #expect(index.read { $0.match(known) } == .exact(MasterKey(known)))
      #expect(index.read { $0.match(other) } == .new(MasterKey(other)))
      #expect(index.change { $0.remove("gtin:07290000149844") } == .removed)
      #expect(index.read { $0.match(known) } == .new(MasterKey(known)))
      #expect(index.change { $0.remove("nonsense") } == .unusable)
    }
  }

  @Test func aFullIndexTakesNoMoreAndSaysSo() {
    let known = ["חלב טרי 1 ליטר", "יוגורט תות 150 גרם", "עגבניות שרי"].map { Row(name: $0) }
    let index = MasterIndex.holding(known, limits: .init(count: 3))
    #expect(index.current.isFull)
    let row = Row(name: "משהו אחר לגמרי")
    #expect(index.change { $0.put(row.master()) } == .refused)
    #expect(index.current.refused == 1)
    #expect(index.read { $0.match(row.text().nameKey()) } == .unknown(.full))
    #expect(index.read { $0.match(known[0].text().nameKey()) } == .exact(known[0].text().nameKey()))
  }

  /// Whatever is put and removed, the table of codes knows exactly what a set knows.
  @Test func gtinsAreKnownAsASetKnowsThem() {
    var random = TestRandom("masters gtins")
    let index = MasterIndex(mode: .gtin)
    var known: Set<String> = []
    for _ in 0..<20_000 {
      let code = Self.gtin(Int.random(in: 0..<4_000, using: &random))
      let id = MasterKey(code).text
      if Bool.random(using: &random) {
        let master = ProductMaster(masterID: id, name: "x", mintedAt: .epoch)
        #expect(index.change { $0.put(master) } == (known.insert(id).inserted ? .put : .unchanged))
      } else {
        #expect(index.change { $0.remove(id) } == (known.remove(id) != nil ? .removed : .unchanged))
      }
    }
    #expect(index.current.masters == known.count)
    for number in 0..<4_000 {
      let code = Self.gtin(number)
      let isKnown = index.read { $0.match(code) } == .exact(MasterKey(code))
      #expect(isKnown == known.contains(MasterKey(code).text))
    }
  }

  private static func gtin(_ number: Int) -> GTIN {
    let body = "729" + String(1_000_000_000 + number).dropFirst()
    var sum = 0
    for (position, digit) in body.utf8.reversed().enumerated() { sum += Int(digit - 48) * (position % 2 == 0 ? 3 : 1) }
    return GTIN(body + String((10 - sum % 10) % 10))!
  }
}
