import Masters
import Messages
import Testing
import TestSupport
import Values

@Suite struct IndexTests {
  private static let kinds = ["חלב", "יוגורט", "גבינה צהובה", "לחם", "קפה נמס", "Granola", "שמן זית", "Crackers"]
  private static let kindsOfThem = ["תות", "וניל", "לייט", "3%", "5%", "קלאסי", "dark", "honey", "שקדים"]
  private static let makers = ["תנובה", "נווה הגליל", "בית הגליל", "Kalmora", "Oak Field", ""]
  private static let sizes = ["80 גרם", "100 גרם", "1 ליטר", "500 מ\"ל", ""]

  private func rows(_ count: Int, _ random: inout TestRandom) -> [Row] {
    (0..<count).map { _ in
      let words = [Self.kinds.randomElement(using: &random)!, Self.kindsOfThem.randomElement(using: &random)!,
        Self.sizes.randomElement(using: &random)!]
      return Row(name: words.joined(separator: " "), brand: Self.makers.randomElement(using: &random)!)
    }
  }

  private func misspelled(_ row: Row, _ random: inout TestRandom) -> Row {
    var letters = Array(row.name)
    letters.remove(at: Int.random(in: 0..<letters.count, using: &random))
    return Row(name: String(letters), brand: row.brand)
  }

  /// The answers are a function of the set of masters, whatever the order they came in, and whatever came and went.
  @Test func twoIndexesFedInDifferentOrdersAgree() {
    var random = TestRandom("masters order")
    let rows = rows(1_500, &random)
    let first = MasterIndex.holding(rows)
    let second = MasterIndex.holding(rows.shuffled(using: &random))
    // A third one had other masters in between, took them back, and was told some names anew.
    let third = MasterIndex.holding(self.rows(50, &random))
    let passing = rows.prefix(300).map { Row(name: $0.name + " זמני", brand: $0.brand) }
    third.change { writer in
      for row in rows.prefix(700) + passing { _ = writer.put(row.master()) }
      for row in passing { _ = writer.remove(row.master().masterID) }
      for row in rows.suffix(900).shuffled(using: &random) { _ = writer.put(row.master()) }
    }
    let wanted = Set(rows.map { $0.master().masterID })
    #expect(first.current.masters == wanted.count && second.current.masters == wanted.count)
    let matcher = MasterMatcher(threshold: 0.8)
    var found = 0
    for row in rows.prefix(600) {
      let question = misspelled(row, &random)
      let answer = question.match(matcher, first)
      #expect(question.match(matcher, second) == answer)
      if case .similar = answer { found += 1 }
    }
    #expect(found > 100, "the question is not whether two indexes know nothing")
    for row in rows { #expect(row.match(matcher, third) == .exact(row.text().nameKey())) }
  }

  @Test func aMasterThatChangesItsNameIsFoundByTheNewOne() throws {
    let key = MasterKey(try #require(GTIN("7290000149844")))
    let index = MasterIndex(mode: .full)
    let (old, new) = (Row(name: "חטיף תירס 60 גרם"), Row(name: "ביסלי גריל 70 גרם"))
    #expect(index.change { $0.put(old.master(key)) } == .put)
    #expect(index.change { $0.put(new.master(key)) } == .put)
    #expect(index.current.masters == 1)
    let matcher = MasterMatcher(threshold: 0.86)
    #expect(new.match(matcher, index) == .exact(key))
    #expect(old.match(matcher, index) == .new(old.text().nameKey()))
  }

  /// Two products of the same words and size under two numbers: the smaller one, everywhere.
  @Test func ofEqualMastersTheSmallestIsTaken() throws {
    let keys = [MasterKey(try #require(GTIN("7290000149844"))), MasterKey(try #require(GTIN("4006381333931")))]
    let row = Row(name: "חלב טרי 1 ליטר")
    for order in [keys, keys.reversed()] {
      let index = MasterIndex(mode: .full)
      index.change { writer in for key in order { _ = writer.put(row.master(key)) } }
      #expect(row.match(MasterMatcher(threshold: 0.86), index) == .exact(keys[1]))
    }
  }

  /// Whatever is put and removed, the table of codes knows exactly what a set knows.
  @Test func gtinsAreKnownAsASetKnowsThem() {
    var random = TestRandom("masters gtins")
    let index = MasterIndex(mode: .gtin)
    let matcher = MasterMatcher(threshold: 0.86)
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
      let isKnown = index.read { matcher.match(code, in: $0) } == .exact(MasterKey(code))
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
