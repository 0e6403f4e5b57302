import Testing

@testable import DBWriterService

@Suite struct BisectionTests {
  /// Bisects records of which some are refused; returns the records written before the first refused one.
  private func play(_ count: Int, bad: Set<Int>) -> (written: [Int], refused: Int?, tries: Int) {
    var search = Bisection(count: count)
    var written: [Int] = []
    var tries = 0
    while let range = search.range {
      tries += 1
      if bad.isDisjoint(with: range) {
        written += range
        search.succeeded()
      } else if let refused = search.failed() {
        return (written, refused, tries)
      }
      if tries > 10_000 { break }
    }
    return (written, nil, tries)
  }

  @Test func theFirstBadRecordIsFoundAndAllBeforeItAreWrittenOnce() {
    for count in 1...40 {
      for bad in 0..<count {
        for more in [Set<Int>(), [count - 1], Set(bad..<count)] {
          let game = play(count, bad: more.union([bad]))
          let first = min(bad, more.min() ?? bad)
          #expect(game.refused == first)
          #expect(game.written == Array(0..<first))
        }
      }
    }
  }

  @Test func itTakesTwiceTheLogarithm() {
    for bad in 0..<1_024 { #expect(play(1_024, bad: [bad]).tries <= 22) }
  }

  @Test func recordsThatFailOnlyTogetherAreWritten() {
    let game = play(9, bad: [])
    #expect(game.refused == nil)
    #expect(game.written == Array(0..<9))
  }
}
