import Core
@testable import CrawlerService
import Foundation
import LocalServers
import Synchronization
import Testing

/// The file behind a `FileSeenStore`: crashes, damage, age, a second process.
@Suite struct FileSeenStoreTests {
  private let entries = (0..<20).map { number in
    SeenEntry(chain: "x", fileName: "file\(number)", fingerprint: Fingerprint(fileName: "f", version: "\(number)"))
  }

  private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  @Test func survivesARestart() async throws {
    let folder = try PrivateFolder("crawler")
    let path = folder.file("seen.log")
    let first = try SeenStore.file(path, retention: .seconds(3_600))
    try await first.mark(entries)
    await first.close()
    let second = try SeenStore.file(path, retention: .seconds(3_600))
    #expect(try await second.areSeen(entries).allSatisfy { $0 })
    await second.close()
  }

  /// Cut at every byte of the last line and of the header: whole lines are kept, the torn one is dropped.
  @Test func aTornLastLineIsDropped() async throws {
    let folder = try PrivateFolder("crawler")
    let path = folder.file("seen.log")
    let store = try SeenStore.file(path, retention: .seconds(3_600))
    try await store.mark(Array(entries.prefix(3)))
    await store.close()
    let whole = Array(try text(path).utf8)
    for length in 0..<whole.count {
      try Data(whole[..<length]).write(to: URL(fileURLWithPath: path))
      let lines = max(0, whole[..<length].count { $0 == 0x0a } - 1)
      let reopened = try SeenStore.file(path, retention: .seconds(3_600))
      let seen = try await reopened.areSeen(Array(entries.prefix(3)))
      #expect(seen.count { $0 } == lines)
      // New marks are not appended to the torn line.
      try await reopened.mark([entries[10]])
      await reopened.close()
      let again = try SeenStore.file(path, retention: .seconds(3_600))
      #expect(try await again.areSeen([entries[10]]) == [true])
      await again.close()
    }
  }

  @Test(arguments: ["garbage\n", "souk-crawler-seen\t1\nnot a mark\n", "souk-crawler-seen\t2\n", "g"])
  func aDamagedFileIsRefusedAndLeftAlone(content: String) throws {
    let folder = try PrivateFolder("crawler")
    let path = folder.file("seen.log")
    try content.write(toFile: path, atomically: true, encoding: .utf8)
    let error = #expect(throws: Failure.self) { try SeenStore.file(path, retention: .seconds(1)) }
    #expect(error?.code == "state_damaged")
    #expect(error?.errorClass == .configuration)
    #expect(try text(path) == content)
  }

  @Test func isCompactedAtTheStart() async throws {
    let folder = try PrivateFolder("crawler")
    let path = folder.file("seen.log")
    let store = try SeenStore.file(path, retention: .seconds(3_600))
    for _ in 0..<10 { try await store.mark(entries) }
    await store.close()
    #expect(try text(path).count { $0 == "\n" } == 201)
    let second = try SeenStore.file(path, retention: .seconds(3_600))
    #expect(try text(path).count { $0 == "\n" } == 21)
    #expect(try await second.areSeen(entries).allSatisfy { $0 })
    await second.close()
  }

  @Test func forgetsWhatWasNotListedForLong() async throws {
    let folder = try PrivateFolder("crawler")
    let path = folder.file("seen.log")
    let day: Int64 = 86_400
    let clock = ClockBox(1_000 * day)
    func open() throws -> SeenStore {
      try SeenStore.file(path, retention: .seconds(30 * day)) { clock.now }
    }
    var store = try open()
    try await store.mark([entries[0], entries[1]])
    // One of the two is still listed 20 days later.
    clock.now += 20 * day
    #expect(try await store.areSeen([entries[0]]) == [true])
    await store.close()
    clock.now += 20 * day
    store = try open()
    #expect(try await store.areSeen([entries[0], entries[1]]) == [true, false])
    await store.close()
  }

  @Test func aSecondProcessIsRefused() async throws {
    let folder = try PrivateFolder("crawler")
    let path = folder.file("seen.log")
    let store = try SeenStore.file(path, retention: .seconds(1))
    // flock belongs to the open file, so that a second opening in this process is refused like another process.
    let error = #expect(throws: Failure.self) { try SeenStore.file(path, retention: .seconds(1)) }
    #expect(error?.code == "state_locked")
    #expect(error?.errorClass == .configuration)
    await store.close()
    let next = try SeenStore.file(path, retention: .seconds(1))
    await next.close()
  }

  final class ClockBox: Sendable {
    private let value: Mutex<Int64>
    init(_ start: Int64) { value = Mutex(start) }
    var now: Int64 {
      get { value.withLock { $0 } }
      set { value.withLock { $0 = newValue } }
    }
  }
}
