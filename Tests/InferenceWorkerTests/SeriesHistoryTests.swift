@testable import InferenceWorkerService
import Messages
import Testing
import TestSupport
import Values

@Suite struct SeriesHistoryTests {
  private static let measure = SeriesHistory.Measure(currency: "EGP", unit: "t")

  private func history(_ points: [(time: Int64, value: Int32, offset: Int64)]) -> SeriesHistory {
    var history = SeriesHistory()
    for point in points {
      history.insert(
        observedAt: point.time, value: ExactDecimal(point.value), Self.measure, offset: point.offset, stamp: -1)
    }
    return history
  }

  @Test func knownPointsAreThoseReadBefore() {
    // A correction of time 2 comes at offset 4, a late value of time 1 at offset 5.
    let all = history([(0, 10, 0), (2, 12, 1), (3, 13, 2), (4, 14, 3), (2, 99, 4), (1, 11, 5)])
    func values(_ offset: Int64, _ limit: Int = 10) -> [String] {
      all.known(asOf: offset, limit: limit).map { "\($0.observedAt):\($0.value)" }
    }
    #expect(values(-1) == [])
    #expect(values(1) == ["2:12", "0:10"])
    #expect(values(3) == ["4:14", "3:13", "2:12", "0:10"])
    #expect(values(4) == ["4:14", "3:13", "2:99", "0:10"])
    #expect(values(5, 3) == ["4:14", "3:13", "2:99"])
    #expect(values(9) == ["4:14", "3:13", "2:99", "1:11", "0:10"])
  }

  @Test func aKnownRecordChangesNothing() {
    var one = history([(0, 10, 0), (1, 11, 1)])
    let before = one
    let isNew = one.insert(observedAt: 1, value: ExactDecimal(11), Self.measure, offset: 1, stamp: -1)
    #expect(!isNew)
    #expect(one == before)
    #expect(one.newestOffset == 1)
  }

  /// Pruning changes no answer at or after the floor, and keeps no more points than that needs.
  @Test func pruningChangesNoLaterAnswer() {
    var random = TestRandom("prune")
    for _ in 0..<300 {
      let count = Int.random(in: 1...60, using: &random)
      let limit = Int.random(in: 1...12, using: &random)
      var points: [(time: Int64, value: Int32, offset: Int64)] = []
      var offset: Int64 = 0
      for index in 0..<count {
        offset += Int64.random(in: 1...3, using: &random)
        let time = Int64.random(in: 0...3, using: &random) == 0
          ? Int64.random(in: 0...Int64(index), using: &random) : Int64(index)
        points.append((time, Int32.random(in: 0...9, using: &random), offset))
      }
      let whole = history(points)
      var pruned = history([])
      var floor: Int64 = 0
      for point in points {
        pruned.insert(
          observedAt: point.time, value: ExactDecimal(point.value), Self.measure, offset: point.offset, stamp: -1)
        if Int.random(in: 0...4, using: &random) == 0 {
          floor = Int64.random(in: floor...point.offset, using: &random)
          pruned.prune(floor: floor, limit: limit)
        }
        for asked in max(0, floor - 1)...point.offset {
          #expect(pruned.known(asOf: asked, limit: limit) == whole.known(asOf: asked, limit: limit))
        }
      }
      pruned.prune(floor: offset + 1, limit: limit)
      #expect(pruned.points.count <= limit)
    }
  }

  @Test func unusedMeasuresAreDroppedWithTheirPoints() {
    var one = history([])
    for index in 0..<6 {
      let measure = SeriesHistory.Measure(currency: "EGP", unit: index < 2 ? "kg" : index < 4 ? "t" : "lb")
      one.insert(observedAt: Int64(index), value: ExactDecimal(1), measure, offset: Int64(index), stamp: 0)
    }
    one.prune(floor: 6, limit: 3)
    #expect(one.measures.map(\.unit) == ["t", "lb"])
    #expect(one.known(asOf: 9, limit: 9).map { one.measures[$0.measure].unit } == ["lb", "lb", "t"])
    let window = one.window(of: SeriesName(RoutingKey(pvc)!, .price), group: "g")
    #expect(SeriesHistory(window) == one)
  }
}
