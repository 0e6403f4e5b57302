import Masters
import Messages
import Testing
import TestSupport
import Values

/// What parsers make of merges and splits.
@Suite struct DecisionTests {
  private static let ids = (1...5).map { "gtin:0729000000000\($0)" }
  private static let product = MasterDecision.Product(chain: "chain", code: "17")

  private static func time(_ minute: Int) -> Timestamp { Timestamp(microseconds: Int64(minute) * 60_000_000) ?? .epoch }

  private static func decision(
    _ kind: MasterDecision.Kind, _ master: Int, _ other: Int, minute: Int = 0
  ) -> MasterDecision {
    MasterDecision(
      kind, ids[master], ids[other], products: kind == .split ? [product] : [], decidedAt: time(minute),
      decidedBy: "dana")
  }

  private static func undone(_ decision: MasterDecision) -> MasterDecision {
    var decision = decision
    (decision.undoneAt, decision.undoneBy) = (time(100), "noa")
    return decision
  }

  private func survivors(_ index: MasterIndex) -> [String] {
    index.read { view in Self.ids.map { view.survivor(of: MasterKey($0)!).text } }
  }

  private func part(_ index: MasterIndex, of place: Int, code: String = "17") -> String? {
    let code = Array(code.utf8)
    return code.withUnsafeBufferPointer { code in
      index.read { $0.part(of: MasterKey(Self.ids[place])!, chain: "chain", code: code)?.text }
    }
  }

  @Test func mergesChainSplitUpAndGoRoundInCircles() {
    let index = MasterIndex(mode: .full)
    func decide(_ decision: MasterDecision) { #expect(index.change { $0.decide(decision) } == .put) }
    let merges = [Self.decision(.merge, 0, 1), Self.decision(.merge, 1, 2), Self.decision(.merge, 3, 2)]
    for merge in merges { decide(merge) }
    let (a, b, c, e) = (Self.ids[0], Self.ids[1], Self.ids[2], Self.ids[4])
    #expect(survivors(index) == [c, c, c, c, e])
    decide(Self.undone(merges[1]))
    #expect(survivors(index) == [b, b, c, c, e])
    // The record without the undoing comes again, too late.
    decide(merges[1])
    #expect(survivors(index) == [b, b, c, c, e])
    decide(Self.decision(.merge, 1, 0, minute: 1))
    #expect(survivors(index) == [a, a, c, c, e])
    decide(Self.decision(.merge, 0, 4, minute: 2))
    #expect(survivors(index) == [e, e, c, c, e])
    #expect(index.change { $0.decide(Self.decision(.reject, 3, 4)) } == .put)
    #expect(survivors(index) == [e, e, c, c, e])
  }

  @Test func theLastSplitCountsWhateverCameLast() {
    let index = MasterIndex(mode: .full)
    let splits = [Self.decision(.split, 0, 1, minute: 2), Self.decision(.split, 0, 2, minute: 1)]
    for split in splits { _ = index.change { $0.decide(split) } }
    #expect(part(index, of: 0) == Self.ids[1])
    #expect(part(index, of: 0, code: "18") == nil)
    #expect(part(index, of: 1) == nil)
    _ = index.change { $0.decide(Self.undone(splits[0])) }
    #expect(part(index, of: 0) == Self.ids[2])
    _ = index.change { $0.decide(Self.undone(splits[1])) }
    #expect(part(index, of: 0) == nil)
  }

  /// The names of a merged master count as names of the one that stands for it.
  @Test func rowsFindTheSurvivorByNamesOfBoth() throws {
    let index = MasterIndex(mode: .full)
    let keys = try Self.ids.map { try #require(MasterKey($0)) }
    let (cottage, snack) = (Row(name: "קוטג' תנובה 5% 250 גרם"), Row(name: "במבה אסם 80 גרם"))
    index.change { writer in
      _ = writer.put(cottage.master(keys[0]))
      _ = writer.put(snack.master(keys[1]))
    }
    let candidates = Candidates()
    func found() -> [String] {
      index.read { view in
        let facts = RowFacts(name: .init(start: nil, count: 0), price: 0, isWeighted: false)
        candidates.find(cottage.text(), facts, in: view)
        return (0..<candidates.count).map { candidates.key($0).text }
      }
    }
    #expect(found().first == Self.ids[0])
    // Merged into one that is not known yet: it stays itself.
    let merge = Self.decision(.merge, 0, 2)
    _ = index.change { $0.decide(merge) }
    #expect(found().first == Self.ids[0])
    _ = index.change { $0.put(Row(name: "גבינת קוטג 5% תנובה").master(keys[2])) }
    #expect(found().first == Self.ids[2])
    #expect(!found().contains(Self.ids[0]))
    _ = index.change { $0.decide(Self.undone(merge)) }
    #expect(found().first == Self.ids[0])
    #expect(found().contains(Self.ids[2]))
  }
}
