import Catalogue
@testable import DBWriterService
import Kafka
import Masters
import Messages
import Pipeline
import Testing
import TestSupport
import Values

/// Candidates, merges, splits and undone decisions: the tables depend on the set of messages, not on their order.
@Suite struct DecisionTests {
  private static let ids = (1...6).map { "gtin:0729000000000\($0)" }
    + ["8", "9", "a"].map { "name:" + String(repeating: $0, count: 32) }

  private static func decision(
    _ kind: MasterDecision.Kind, _ master: Int, _ other: Int, _ codes: [String] = [], minute: Int = 0,
    by: String = "dana"
  ) -> MasterDecision {
    MasterDecision(
      kind, ids[master], ids[other], products: codes.map { .init(chain: "chain", code: $0) },
      decidedAt: time(minute), decidedBy: by, reason: "because")
  }

  private static func time(_ minute: Int) -> Timestamp {
    Timestamp(microseconds: hourTime(0).microseconds + Int64(minute) * 60_000_000) ?? .epoch
  }

  private static func undo(_ decision: MasterDecision, minute: Int, by: String = "noa") -> MasterDecision {
    var undone = decision
    (undone.undoneAt, undone.undoneBy, undone.undoneReason) = (time(minute), by, "a mistake")
    return undone
  }

  /// Writes records of one topic; each alone or all in one flush.
  private func write(_ topic: Topic, _ records: [[UInt8]], each: Bool = true, to fixture: StoreFixture) async throws {
    let store = fixture.store()
    let source = TopicPartition(topic.name, 0)
    var next = max(0, try await store.start([source])[source] ?? 0)
    for record in records {
      #expect(try store.append(source, next, record) == .keep)
      next += 1
      if each { _ = try await store.flushStaged() }
    }
    _ = try await store.flushStaged()
  }

  private func decide(_ decisions: [MasterDecision], each: Bool = true, in fixture: StoreFixture) async throws {
    try await write(Topics.masterDecisions, decisions.map { $0.encoded() }, each: each, to: fixture)
  }

  /// Products 1 to 9 of one chain, each with the master of its number, and their prices.
  private func products(in fixture: StoreFixture) async throws {
    let items = Self.ids.enumerated().map { number, id in
      var row = item("\(number + 1)", "\(number + 1).50", row: number, name: "product \(number + 1)")
      row.masterID = id
      return row
    }
    try await write(Topics.productsIngest, [ingest(hour: 1, items)], to: fixture)
  }

  private func tables(_ fixture: StoreFixture) async throws -> String {
    try await fixture.psql("""
      SELECT * FROM master_decisions ORDER BY 1; SELECT * FROM master_survivors ORDER BY 1;
      SELECT * FROM split_products ORDER BY 1, 2, 3; SELECT * FROM product_masters ORDER BY 1, 2
      """)
  }

  private func offers(_ fixture: StoreFixture) async throws -> String {
    try await fixture.psql("SELECT ean, master_id, price FROM offers ORDER BY ean")
  }

  @Test func aMergedMasterIsItsSurvivorInTheViewsAndAnUndoRestoresExactly() async throws {
    let fixture = try await StoreFixture()
    try await products(in: fixture)
    let before = try await offers(fixture)
    let written = try await fixture.tables()
    let merges = [Self.decision(.merge, 8, 1), Self.decision(.merge, 1, 0, minute: 1)]
    try await decide(merges, in: fixture)
    let merged = "SELECT string_agg(ean, ',' ORDER BY ean) FROM offers WHERE master_id = '\(Self.ids[0])'"
    #expect(try await fixture.psql(merged) == "1,2,9\n")
    #expect(try await fixture.psql("SELECT master_id, highest_price, offers FROM cheapest_offers WHERE offers > 1")
      == "\(Self.ids[0])|9.50|3\n")
    // What was written stays as it was written.
    #expect(try await fixture.tables() == written)

    try await decide([Self.undo(merges[1], minute: 2)], in: fixture)
    #expect(try await fixture.psql(merged) == "1\n")
    #expect(try await fixture.psql("SELECT * FROM master_survivors") == "\(Self.ids[8])|\(Self.ids[1])\n")
    try await decide([Self.undo(merges[0], minute: 3)], in: fixture)
    #expect(try await offers(fixture) == before)
    #expect(try await fixture.tables() == written)
    // Nothing is forgotten.
    #expect(try await fixture.psql("""
      SELECT kind, decided_by, reason, undone_by, undone_reason FROM master_decisions ORDER BY decided_at
      """) == String(repeating: "merge|dana|because|noa|a mistake\n", count: 2))
  }

  @Test func aSplitTakesProductsAwayUntilItIsUndone() async throws {
    let fixture = try await StoreFixture()
    try await products(in: fixture)
    let before = try await offers(fixture)
    let first = Self.decision(.split, 0, 3, ["1", "unknown"])
    let second = Self.decision(.split, 0, 4, ["1"], minute: 1)
    try await decide([second, first, Self.decision(.merge, 4, 5, minute: 2)], in: fixture)
    func master() async throws -> String {
      try await fixture.psql("SELECT master_id FROM offers WHERE ean = '1'")
    }
    // The last split counts, and its master was merged into another.
    #expect(try await master() == "\(Self.ids[5])\n")
    try await decide([Self.undo(second, minute: 3)], in: fixture)
    #expect(try await master() == "\(Self.ids[3])\n")
    try await decide([Self.undo(first, minute: 4)], in: fixture)
    #expect(try await master() == "\(Self.ids[0])\n")
    try await decide([Self.undo(Self.decision(.merge, 4, 5, minute: 2), minute: 5)], in: fixture)
    #expect(try await offers(fixture) == before)
    // A split is of the master that was split: written with another one, the product is that one.
    try await decide([Self.decision(.split, 1, 3, ["1"], minute: 6)], in: fixture)
    #expect(try await master() == "\(Self.ids[0])\n")
  }

  /// Any order, in any flushes, with repeats: the same tables, and the same survivors as in the parser's index.
  @Test func theOrderOfMessagesAndRepeatsDoNotMatter() async throws {
    var random = TestRandom("decisions")
    for round in 0..<3 {
      var decisions: [MasterDecision] = []
      for minute in 0..<24 {
        let (master, other) = (Int.random(in: 0..<9, using: &random), Int.random(in: 0..<9, using: &random))
        guard master != other else { continue }
        let kind = MasterDecision.Kind.allCases.randomElement(using: &random) ?? .merge
        decisions.append(Self.decision(kind, master, other, kind == .split ? ["\(master + 1)"] : [], minute: minute))
      }
      for decision in decisions where Int.random(in: 0..<3, using: &random) == 0 {
        decisions.append(Self.undo(decision, minute: 100))
        decisions.append(Self.undo(decision, minute: 90, by: "avi"))
      }
      var contents: [String] = []
      for order in 0..<3 {
        let fixture = try await StoreFixture(dialect: order == 2 ? .cockroachdb : .postgresql)
        try await products(in: fixture)
        var sent = order == 0 ? decisions : (decisions + decisions).shuffled(using: &random)
        if order == 1 {
          // Two flushes, and the rest again by a writer that begins anew.
          try await decide(Array(sent.prefix(20)), each: false, in: fixture)
          sent = Array(sent.dropFirst(10))
        }
        try await decide(sent, each: order == 0, in: fixture)
        contents.append(try await tables(fixture))
        let index = MasterIndex(mode: .full)
        index.change { writer in for decision in sent.reversed() + decisions { _ = writer.decide(decision) } }
        let survivors = try await fixture.psql("SELECT master_id, survivor_id FROM master_survivors")
        let expected = Dictionary(uniqueKeysWithValues: survivors.split(separator: "\n").map { line in
          let cells = line.split(separator: "|").map(String.init)
          return (cells[0], cells[1])
        })
        for id in Self.ids {
          let key = try #require(MasterKey(id))
          #expect(index.read { $0.survivor(of: key).text } == expected[id] ?? id, "round \(round)")
        }
      }
      #expect(contents[0].contains("merge"))
      #expect(Set(contents).count == 1, "round \(round)")
    }
  }

  /// Two writers of different partitions resolve connected decisions at once.
  @Test func writersOfDifferentPartitionsAgree() async throws {
    let fixture = try await StoreFixture()
    let stores = [fixture.store(), fixture.store()]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, store) in stores.enumerated() {
        group.addTask {
          let source = TopicPartition(Topics.masterDecisions.name, Int32(index))
          _ = try await store.start([source])
          for offset in 0..<4 {
            let place = offset * 2 + index
            let record = Self.decision(.merge, place, place + 1, minute: place).encoded()
            #expect(try store.append(source, Int64(offset), record) == .keep)
            _ = try await store.flushStaged()
          }
        }
      }
      try await group.waitForAll()
    }
    // A chain of merges: the last one stands for all.
    #expect(try await fixture.psql("SELECT count(*), min(survivor_id), max(survivor_id) FROM master_survivors")
      == "8|\(Self.ids[8])|\(Self.ids[8])\n")
  }

  @Test func aCandidateIsKeptUntilItIsDecided() async throws {
    let fixture = try await StoreFixture()
    var masters = [6, 7].map { place -> ProductMaster in
      var master = ProductMaster(
        masterID: Self.ids[place], name: "new \(place)", sourceFileID: fileID(1), mintedAt: hourTime(1))
      (master.candidate, master.candidateProbability, master.model) = (Self.ids[0], ExactDecimal("0.525"), "v1")
      return master
    }
    masters.append(masters[0])
    masters[2].mintedAt = hourTime(2)
    (masters[2].candidateProbability, masters[2].model) = (ExactDecimal("0.61"), "v2")
    // Without a candidate it is the same master, and the candidate stays.
    var plain = masters[0]
    (plain.candidate, plain.candidateProbability, plain.model) = (nil, nil, nil)
    try await write(Topics.productsMasters, (masters.reversed() + [plain]).map { $0.encoded() }, to: fixture)
    let open = "SELECT master_id, candidate_id, probability, model FROM open_candidates ORDER BY master_id"
    #expect(try await fixture.psql(open)
      == "\(Self.ids[6])|\(Self.ids[0])|0.61|v2\n\(Self.ids[7])|\(Self.ids[0])|0.525|v1\n")
    let decisions = [Self.decision(.merge, 6, 0), Self.decision(.reject, 7, 0)]
    try await decide(decisions, in: fixture)
    #expect(try await fixture.psql(open).isEmpty)
    try await decide([Self.undo(decisions[1], minute: 1)], in: fixture)
    #expect(try await fixture.psql(open) == "\(Self.ids[7])|\(Self.ids[0])|0.525|v1\n")
    #expect(try await fixture.psql("SELECT count(*) FROM master_candidates") == "2\n")
  }

  @Test func whatIsNoDecisionIsRefused() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    let source = TopicPartition(Topics.masterDecisions.name, 0)
    _ = try await store.start([source])
    var offset: Int64 = 0
    for (old, new) in [
      (Self.ids[1], "chain:1"), (Self.ids[1], Self.ids[0]), ("\"merge\"", "\"split\""), ("\"merge\"", "\"guess\""),
    ] {
      let text = String(decoding: Self.decision(.merge, 0, 1).encoded(), as: UTF8.self).replacing(old, with: new)
      guard case .reject(let rejection) = try store.append(source, offset, Array(text.utf8)) else {
        Issue.record("\(text) was taken")
        continue
      }
      #expect(rejection.code == "bad_value")
      offset += 1
    }
  }
}
