import Foundation
import Testing

@testable import Kafka

/// The age of what is not committed; times are milliseconds.
@Suite struct BacklogTests {
  @Test func nothingToDoHasNoAge() {
    var backlog = Backlog()
    #expect(backlog.age(committed: 5, taken: 5, end: 5, now: 1_000) == 0)
    #expect(backlog.age(committed: 5, taken: 5, end: -1, now: 1_000) == 0)
  }

  @Test func whatWasTakenIsAsOldAsItsTimestamp() {
    var backlog = Backlog()
    backlog.took(10, timestamp: 1_000, now: 4_000)
    #expect(backlog.age(committed: 10, taken: 20, end: 20, now: 5_000) == 4_000)
    #expect(backlog.age(committed: 19, taken: 20, end: 20, now: 9_000) == 8_000)
    #expect(backlog.age(committed: 20, taken: 20, end: 20, now: 9_000) == 0)
  }

  @Test func committedBatchesNoLongerCount() {
    var backlog = Backlog()
    backlog.took(0, timestamp: 1_000, now: 9_000)
    backlog.took(10, timestamp: 5_000, now: 9_000)
    backlog.took(20, timestamp: 8_000, now: 9_000)
    #expect(backlog.age(committed: 9, taken: 30, end: 30, now: 9_000) == 8_000)
    #expect(backlog.age(committed: 10, taken: 30, end: 30, now: 9_000) == 4_000)
    #expect(backlog.age(committed: 25, taken: 30, end: 30, now: 9_000) == 1_000)
  }

  /// A record after a quiet night is new, however old the one before it is.
  @Test func aRecordAfterSilenceIsNotOld() {
    var backlog = Backlog()
    backlog.took(0, timestamp: 0, now: 10)
    #expect(backlog.age(committed: 1, taken: 1, end: 1, now: 20) == 0)
    let morning: Int64 = 8 * 3_600_000
    #expect(backlog.age(committed: 1, taken: 1, end: 2, now: morning) == 0)
    #expect(backlog.age(committed: 1, taken: 1, end: 2, now: morning + 2_000) == 2_000)
  }

  /// While a backlog of a day is consumed, every waiting record is a day old, also between two batches.
  @Test func aBacklogStaysOldWhileItIsCaughtUp() {
    var backlog = Backlog()
    let day: Int64 = 86_400_000
    backlog.took(0, timestamp: 0, now: day)
    #expect(backlog.age(committed: 10, taken: 10, end: 100, now: day + 100) == day)
    backlog.took(10, timestamp: 50, now: day + 200)
    #expect(backlog.age(committed: 20, taken: 20, end: 100, now: day + 300) == day + 150)
    #expect(backlog.age(committed: 100, taken: 100, end: 100, now: day + 400) == 0)
  }

  @Test func whatIsNeverTakenGrowsOld() {
    var backlog = Backlog()
    #expect(backlog.age(committed: 0, taken: 0, end: 5, now: 1_000) == 0)
    #expect(backlog.age(committed: 0, taken: 0, end: 9, now: 61_000) == 60_000)
    #expect(backlog.age(committed: 3, taken: 3, end: 9, now: 62_000) == 0)
  }

  @Test func recordsWithoutTimestampsAgeFromWhenTheyWereSeen() {
    var backlog = Backlog()
    backlog.took(0, timestamp: -1, now: 1_000)
    #expect(backlog.age(committed: 0, taken: 5, end: 5, now: 1_000) == 0)
    #expect(backlog.age(committed: 0, taken: 5, end: 5, now: 3_000) == 2_000)
  }

  @Test func aSeekBackForgetsWhatCameAfter() {
    var backlog = Backlog()
    backlog.took(0, timestamp: 100, now: 1_000)
    backlog.took(10, timestamp: 200, now: 1_000)
    backlog.took(5, timestamp: 150, now: 1_000)
    #expect(backlog.age(committed: 12, taken: 15, end: 20, now: 1_000) == 850)
  }

  @Test func aThousandBatchesAreFewMarksAndNeverTooYoung() {
    var backlog = Backlog()
    for index in Int64(0)..<1_000 { backlog.took(index * 10, timestamp: index, now: 10_000) }
    for committed in stride(from: Int64(0), to: 10_000, by: 7) {
      let age = backlog.age(committed: committed, taken: 10_000, end: 10_000, now: 10_000)
      #expect(age >= 10_000 - committed / 10)
    }
    #expect(MemoryLayout.size(ofValue: backlog) < 64)
  }
}
