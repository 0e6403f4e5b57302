import Core
import Postgres
import Testing

@testable import DBWriterService

@Suite struct BisectionTests {
  /// Bisects records of which some are refused; returns the records written before the first refused one.
  private func play(_ count: Int, bad: Set<Int>) async throws -> (written: [Int], refused: Int?, tries: Int) {
    var written: [Int] = []
    var tries = 0
    var first: Int?
    try await bisect(count) { range in
      tries += 1
      guard bad.isDisjoint(with: range) else {
        throw PostgresError(.server(try #require(SQLState("22001"))), operation: "test", "too long")
      }
      written += range
    } isOver: { refused, _ in
      first = refused
      return true
    }
    return (written, first, tries)
  }

  @Test func theFirstBadRecordIsFoundAndAllBeforeItAreWrittenOnce() async throws {
    for count in 1...40 {
      for bad in 0..<count {
        for more in [Set<Int>(), [count - 1], Set(bad..<count)] {
          let game = try await play(count, bad: more.union([bad]))
          let first = min(bad, more.min() ?? bad)
          #expect(game.refused == first)
          #expect(game.written == Array(0..<first))
        }
      }
    }
  }

  @Test func itTakesTwiceTheLogarithm() async throws {
    for bad in 0..<1_024 { #expect(try await play(1_024, bad: [bad]).tries <= 22) }
  }

  @Test func recordsThatFailOnlyTogetherAreWritten() async throws {
    var isFirst = true
    var written: [Int] = []
    try await bisect(9) { range in
      defer { isFirst = false }
      if isFirst { throw PostgresError(.server(try #require(SQLState("22001"))), operation: "test", "together") }
      written += range
    } isOver: { _, _ in true }
    #expect(written == Array(0..<9))
  }
}
