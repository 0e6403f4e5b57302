import Testing
import TestSupport

@testable import Kafka

@Suite struct PartitionEndsTests {
  private let place = TopicPartition("t", 0)

  @Test func anEndCountsOnceBothQueuesWereSeenEmptyAfterIt() {
    var ends = PartitionEnds()
    ends.recordsRanOut()
    ends.reached(place, at: 12)
    #expect(ends.take(holding: []) { _ in 10 }.isEmpty, "a record may still wait in the queue of records")
    ends.recordsRanOut()
    #expect(ends.take(holding: [place]) { _ in 10 }.isEmpty, "a record of it was taken and not handed over")
    #expect(ends.take(holding: [TopicPartition("t", 1)]) { _ in 10 } == [place: 12])
    #expect(ends.isEmpty)
  }

  @Test func anEndThatSaysNothingNewIsDropped() {
    var ends = PartitionEnds()
    ends.reached(place, at: 12)
    ends.recordsRanOut()
    #expect(ends.take(holding: []) { _ in 12 }.isEmpty)
    ends.reached(place, at: 12)
    ends.recordsRanOut()
    #expect(ends.take(holding: []) { _ in nil }.isEmpty, "the partition left")
    ends.reached(place, at: 12)
    ends.forget([place])
    ends.recordsRanOut()
    #expect(ends.take(holding: []) { _ in 3 }.isEmpty, "what was read is void")
    #expect(ends.isEmpty)
  }

  /// Two queues, filled by the library and emptied by the consumer's thread in random order: every end comes
  /// after all records before it.
  @Test(arguments: 0..<200) func noEndOvertakesARecord(round: Int) {
    enum Event { case record(Int64), end(Int64) }
    var random = TestRandom("ends \(round)")
    var offset: Int64 = 0
    var (records, control, held): ([Event], [Event], [Int64]) = ([], [], [])
    var outstanding: Set<Int64> = []
    var ends = PartitionEnds()
    var passes = 0
    func route(_ event: Event) {
      if Int.random(in: 0..<4, using: &random) == 0 { control.append(event) } else { records.append(event) }
    }
    for step in 0..<400 {
      switch Int.random(in: step < 380 ? 0..<4 : 2..<4, using: &random) {
      case 0:
        outstanding.insert(offset)
        route(.record(offset))
        offset += 1
      case 1:
        // Behind a marker or two.
        offset += Int64.random(in: 1...2, using: &random)
        route(.end(offset))
      case 2:
        for event in control {
          switch event {
          case .record(let offset): held.append(offset)
          case .end(let offset): ends.reached(place, at: offset)
          }
        }
        control = []
        let passed = ends.take(holding: held.isEmpty ? [] : [place]) { _ in 0 }
        if let end = passed[place] {
          #expect(outstanding.allSatisfy { $0 >= end })
          passes += 1
        }
      default:
        for record in held { outstanding.remove(record) }
        held = []
        let room = Int.random(in: 1..<20, using: &random)
        for event in records.prefix(room) {
          switch event {
          case .record(let offset): outstanding.remove(offset)
          case .end(let offset): ends.reached(place, at: offset)
          }
        }
        if room > records.count { ends.recordsRanOut() }
        records.removeFirst(min(room, records.count))
      }
    }
    #expect(passes > 0)
  }
}

@Suite struct TableProgressTests {
  private let place = TopicPartition("t", 0)
  private let other = TopicPartition("t", 1)

  private func progress(_ marks: [TopicPartition: (Int64, Int64)]) -> TableProgress {
    TableProgress(marks.mapValues { Watermarks(low: $0.0, high: $0.1) })
  }

  @Test func aPartitionThatEndsInAMarkerIsDoneByItsEnd() {
    var progress = progress([place: (0, 3), other: (0, 0)])
    #expect(!progress.isCurrent)
    for offset in Int64(0)...1 {
      let isTaken = progress.take(place, offset: offset)
      #expect(isTaken)
    }
    #expect(!progress.isCurrent, "offset 2 may be a record")
    progress.reachedEnd(place, at: 3)
    #expect(progress.isCurrent && progress.positions[place] == 3)
  }

  @Test func onlyMarkersAreAnEmptyTable() {
    var progress = progress([place: (0, 2)])
    progress.reachedEnd(place, at: 2)
    #expect(progress.isCurrent)
    #expect(self.progress([:]).isCurrent && self.progress([place: (7, 7)]).isCurrent)
  }

  @Test func aReaderThatBeginsAtTheEndIsCurrentAtOnce() {
    var progress = TableProgress([place: Watermarks(low: 2, high: 9)], atEnd: true)
    #expect(progress.isCurrent && progress.positions[place] == 9)
    let isOld = progress.take(place, offset: 8), isNew = progress.take(place, offset: 9)
    #expect(!isOld && isNew)
  }

  @Test func everyOrderOfRecordsAndEndsSettlesOnce() {
    // Two partitions, each a record, then its end behind a marker: all ways to interleave them.
    let moves: [(TopicPartition, Int64?)] = [(place, 0), (place, nil), (other, 0), (other, nil)]
    for picks in 0..<16 where (0..<4).count(where: { picks >> $0 & 1 == 1 }) == 2 {
      var progress = progress([place: (0, 2), other: (0, 2)])
      var left = [moves.filter { $0.0 == place }, moves.filter { $0.0 == other }]
      for step in 0..<4 {
        #expect(!progress.isCurrent)
        let (partition, offset) = left[picks >> step & 1].removeFirst()
        if let offset { _ = progress.take(partition, offset: offset) } else { progress.reachedEnd(partition, at: 2) }
      }
      #expect(progress.isCurrent)
    }
  }

  @Test func aRefusedPositionGoesOnWithWhatIsThere() {
    var progress = progress([place: (0, 10)])
    for offset in Int64(0)..<4 { _ = progress.take(place, offset: offset) }
    progress.restart(place, in: Watermarks(low: 0, high: 10))
    #expect(progress.positions[place] == 4, "still there")
    let isTaken = progress.take(place, offset: 3)
    #expect(!isTaken, "from before")
    progress.restart(place, in: Watermarks(low: 6, high: 10))
    #expect(progress.positions[place] == 6 && !progress.isCurrent)
    progress.restart(place, in: Watermarks(low: 0, high: 2))
    #expect(progress.positions[place] == 0 && !progress.isCurrent, "made anew and shorter")
    progress.reachedEnd(place, at: 2)
    #expect(progress.isCurrent)
  }

  @Test func whatIsTrimmedBehindTheTargetIsNotWaitedFor() {
    var progress = progress([place: (0, 10)])
    progress.restart(place, in: Watermarks(low: 12, high: 12))
    #expect(progress.isCurrent)
  }
}
