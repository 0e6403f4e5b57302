import Forecasting
import Foundation
import Testing

@testable import Masters

/// Names compared by a model. The model of these tests takes a pair for one product when both sides are covered and
/// neither size nor percentage contradicts; of several rows that claim one master, the one with the better claim.
@Suite struct LearnedTests {
  static func file() throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let path = folder.appendingPathComponent("Reference/model.json")
    return Array(try Data(contentsOf: path))
  }

  private static let catalogue: [(key: String, rows: [Row])] = [
    ("gtin:07290000000015", [Row(name: "קוטג' תנובה 5% 250 גרם"), Row(name: "גבינת קוטג 5% תנובה 250 ג'")]),
    ("gtin:07290000000022", [Row(name: "קוטג' תנובה 9% 250 גרם")]),
    ("gtin:07290000000039", [Row(name: "במבה אסם 80 גרם"), Row(name: "חטיף במבה אסם 80 גר")]),
    ("gtin:07290000000046", [Row(name: "במבה אסם 200 גרם")]),
    ("gtin:07290000000053", [Row(name: "רוטב סויה קנור 300 מ\"ל")]),
  ]

  private static func index(_ catalogue: [(key: String, rows: [Row])] = Self.catalogue) throws -> MasterIndex {
    let index = MasterIndex(mode: .full)
    for (id, rows) in catalogue {
      let key = try #require(MasterKey(id))
      index.change { writer in
        for row in rows { _ = writer.put(row.master(key)) }
      }
    }
    return index
  }

  private func answers(_ rows: [Row], _ index: MasterIndex) throws -> [RowDecision.Answer?] {
    let decision = RowDecision(try MatchModel(Self.file()))
    let candidates = Candidates()
    for row in rows {
      let facts = Array(row.name.utf8).withUnsafeBufferPointer { RowFacts(name: $0, price: 0, isWeighted: false) }
      try index.read { view in
        candidates.find(row.text(), facts, in: view)
        try decision.add(candidates)
      }
    }
    return try decision.decide()
  }

  private func taken(_ rows: [Row], _ index: MasterIndex) throws -> [String?] {
    try answers(rows, index).map { answer in
      answer.flatMap { $0.probability >= 0.7 && !$0.isTaken ? $0.master.text : nil }
    }
  }

  @Test(arguments: [
    ("תנובה קוטג 5% 250 גר", "gtin:07290000000015"), ("גבינת קוטג' תנובה 5% 250 גר'", "gtin:07290000000015"),
    ("אסם במבה 80 ג", "gtin:07290000000039"), ("רוטב סויה קנו", "gtin:07290000000053"),
    ("קנור רוטב סויה 300 מל", "gtin:07290000000053"),
  ])
  func aNameInOtherWords(_ name: String, _ expected: String) throws {
    #expect(try taken([Row(name: name)], Self.index()) == [expected])
  }

  @Test(arguments: ["קוטג' תנובה 3% 250 גרם", "במבה אסם 25 גרם", "רוטב צ'ילי קנור 300 מ\"ל", "נייר טואלט"])
  func anotherProduct(_ name: String) throws {
    #expect(try taken([Row(name: name)], Self.index()) == [nil])
  }

  @Test func oneMasterHasOneRowOfAFile() throws {
    let rows = [Row(name: "במבה 80 גרם אסם"), Row(name: "במבה אסם 80 גרם")]
    let answers = try answers(rows, Self.index())
    let masters = answers.compactMap { $0.flatMap { $0.isTaken ? nil : $0.master.text } }
    #expect(masters.count { $0 == "gtin:07290000000039" } == 1)
  }

  @Test func aMasterThatTheChainSellsByItsCodeIsNoOtherRows() throws {
    let index = try Self.index()
    let decision = RowDecision(try MatchModel(Self.file()))
    let candidates = Candidates()
    let row = Row(name: "במבה אסם 80 גרם")
    let key = try #require(MasterKey("gtin:07290000000039"))
    for isClaimed in [false, true] {
      if isClaimed { decision.claim(key) }
      try index.read { view in
        candidates.find(row.text(), RowFacts(name: .init(start: nil, count: 0), price: 0, isWeighted: false), in: view)
        try decision.add(candidates)
      }
      let answer = try #require(try decision.decide().first ?? nil)
      #expect((answer.master == key && !answer.isTaken) == !isClaimed)
    }
  }

  /// Shares and logarithms by hand: three rows have word 1, two of them are likely products of maker 7.
  @Test func whoseProductsWordsAreShowsInTheOtherRows() {
    var makers = MakersOfWords()
    for words in [[1, 10], [1, 11], [1, 12], [2, 13]] as [[UInt64]] { makers.add(words) }
    for (maker, row, probability) in [(7, 0, 0.9), (7, 1, 0.8), (8, 3, 0.9), (7, 2, 0.4), (8, 2, 0.4), (9, 2, 0.001)] {
      makers.count(UInt32(maker), of: row, Float(probability))
    }
    makers.leaveOut([(7, 0.4), (8, 0.4), (9, 0.001)])
    let (likely, other) = (makers.say(7, of: 2), makers.say(8, of: 2))
    #expect(abs(likely.share - 0.79332) < 1e-4 && abs(likely.lift - 0.25031) < 1e-4)
    #expect(abs(likely.lifts - likely.lift) < 1e-6, "a word of no other row says nothing")
    #expect(abs(other.share - 0.38235) < 1e-4 && other.lift == 0 && abs(other.lifts + 0.61519) < 1e-4)
    #expect(makers.say(0, of: 2) == (0, 0, 0), "a master without a GTIN")
    #expect(makers.say(9, of: 2) == (0, 0, 0), "a maker that only unlikely pairs name")
  }

  @Test func theOrderOfTheMastersDoesNotMatter() throws {
    let names = ["תנובה קוטג 5% 250 גר", "אסם במבה 80 ג", "במבה 200", "סויה", "קוטג'"].map { Row(name: $0) }
    let forwards = try answers(names, Self.index())
    let catalogue = Self.catalogue.reversed().map { (key: $0.key, rows: Array($0.rows.reversed())) }
    #expect(try answers(names, Self.index(catalogue)) == forwards)
  }

  @Test func namesComeAndGo() throws {
    let index = try Self.index()
    let key = try #require(MasterKey("gtin:07290000000039"))
    let row = Row(name: "במבה אסם 80 גרם")
    #expect(index.read { $0.isKnown(row.text(), as: key) })
    #expect(index.change { $0.put(row.master(key)) } == .unchanged)
    #expect(index.change { $0.remove(key.text) } == .removed)
    #expect(try taken([row], index) == [nil])
    #expect(index.change { $0.put(row.master(key)) } == .put)
    #expect(try taken([row], index) == [key.text])
    #expect(index.current.masters == Self.catalogue.count)
  }

  /// Five products, each by two chains: one writes the brand in Latin letters, one leaves `מבצעון` out.
  @Test func whatWordsSayIsLearntFromTheNamesOfOneProduct() throws {
    let index = NameIndex()
    let facts = RowFacts(name: .init(start: nil, count: 0), price: 0, isWeighted: false)
    let products = ["לימון", "תפוז", "ענבים", "אפרסק", "דובדבן"]
    var last: [UInt32] = []
    for (number, taste) in products.enumerated() {
      let key = try #require(MasterKey("gtin:0729000000001\(number)") ?? MasterKey("gtin:07290000000015"))
      let first = index.add(
        Row(name: "סודהסטרים משקה \(taste) מבצעון").text(), facts, master: UInt32(number), key: key, first: .max)
      last.append(index.add(
        Row(name: "sodastream משקה \(taste)").text(), facts, master: UInt32(number), key: key, first: first))
    }
    func word(_ name: String) -> NameIndex.Word? {
      let text = Row(name: name).text()
      return index.word(text.tokens[0].hash).map { index.words[Int($0)] }
    }
    func alias(_ first: String, _ second: String) throws -> Float {
      let (a, b) = (try #require(word(first)), try #require(word(second)))
      #expect(index.alias(a.hash, b.hash, names: 5) == index.alias(b.hash, a.hash, names: 5))
      return index.alias(a.hash, b.hash, names: min(a.names, b.names))
    }
    #expect(try alias("סודהסטרים", "sodastream") > 0.7)
    #expect(try alias("לימון", "תפוז") == 0)
    // A taste is never left out, so it says much when it is.
    #expect(index.surprise(word("לימון")) > index.surprise(word("מבצעון")))
    #expect(index.surprise(word("משקה")) > 2)
    let counted = try #require(word("משקה"))
    #expect(counted.kept == 5 && counted.dropped == 0)
    #expect(try #require(word("מבצעון")).dropped == 5)
    for name in last {
      var name = name
      while name != .max { name = index.remove(name) }
    }
    #expect(try #require(word("משקה")).kept == 0)
    #expect(try #require(word("מבצעון")).dropped == 0)
    #expect(try alias("סודהסטרים", "sodastream") == 0)
  }

  @Test(arguments: [
    "{}", "not JSON",
    #"{"format": 2, "version": "x", "features": 90, "same": 0.7, "perhaps": 0.3, "pairs": "", "rows": ""}"#,
    #"{"format": 1, "version": "x", "features": 9, "same": 0.7, "perhaps": 0.3, "pairs": "", "rows": ""}"#,
    #"{"format": 1, "version": "x", "features": 90, "same": 0.2, "perhaps": 0.3, "pairs": "", "rows": ""}"#,
    #"{"format": 1, "version": "x", "features": 90, "same": 0.7, "perhaps": 0.3, "pairs": "AAAA", "rows": "AAAA"}"#,
  ])
  func aModelThatCannotBeUsedIsRefused(_ json: String) {
    #expect(throws: ForecastError.self) { try MatchModel(Array(json.utf8)) }
  }

  @Test func aModelThatAnswersOtherwiseThanItsTrainerIsRefused() throws {
    var json = try #require(JSONSerialization.jsonObject(with: Data(try Self.file())) as? [String: Any])
    var probes = try #require(json["probes"] as? [String: Any])
    probes["pairAnswers"] = [0.123, 0.456, 0.789]
    json["probes"] = probes
    let changed = Array(try JSONSerialization.data(withJSONObject: json))
    #expect(throws: ForecastError.self) { try MatchModel(changed) }
  }
}
