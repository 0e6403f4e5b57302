@testable import DBWriterService
import LocalServers
import Messages
import Testing
import TestSupport
import Values

/// The places of flushes, the order of partitions, repeats and replaced writers must not show in
/// the tables.
@Suite struct FlushBoundaryTests {
  /// What one partition carries, in its order.
  private typealias Feed = [[UInt8]]

  /// Few codes, prices and hours, for frequent changes, repeats and late files.
  private func feeds(_ random: inout TestRandom) -> [Feed] {
    (0..<3).map { partition in
      var sequence: [Int: Int] = [:]
      var feed: Feed = []
      for _ in 0..<Int.random(in: 4...12, using: &random) {
        if let repeated = feed.randomElement(using: &random), Int.random(in: 0..<4, using: &random) == 0 {
          feed.append(repeated)
          continue
        }
        let store = partition * 2 + Int.random(in: 0...1, using: &random)
        let hour = Int.random(in: 0..<6, using: &random)
        let number = sequence[hour, default: 0]
        sequence[hour] = number + 1
        // The file's identity takes part in the order; a file is one store's.
        let file = hour * 10 + store
        let items = (0..<Int.random(in: 1...4, using: &random)).map { index in
          item(
            "\(Int.random(in: 0..<4, using: &random))", ["1", "1.0", "2", "3.50"].randomElement(using: &random)!,
            row: number * 10 + index, name: "name \(file) \(number) \(index)")
        }
        feed.append(ingest(store: "\(store)", hour: hour, file: file, sequence: number, items))
      }
      return feed
    }
  }

  /// The stack of a call that reads a message does not grow with the messages that were read before.
  @Test(.timeLimit(.minutes(10))) func theHundredThousandthMessageIsReadLikeTheFirst() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([source()])
    let message = ingest([item("1", "1.0", row: 0, name: "a")])
    for offset in 0..<100_000 as Range<Int64> { try store.append(source(), offset, message) }
  }

  /// Writes all feeds, interleaved and cut at random; sometimes a new writer takes over, and everything that
  /// was staged is lost and read again.
  private func write(_ feeds: [Feed], to fixture: StoreFixture, _ random: inout TestRandom) async throws {
    let partitions = Set(feeds.indices.map { source(Int32($0)) })
    var store = fixture.store()
    _ = try await store.start(partitions)
    var next = feeds.map { _ in 0 }
    while let index = feeds.indices.filter({ next[$0] < feeds[$0].count }).randomElement(using: &random) {
      try store.append(source(Int32(index)), Int64(next[index]), feeds[index][next[index]])
      next[index] += 1
      switch Int.random(in: 0..<10, using: &random) {
      case 0...2: _ = try await store.flushStaged()
      case 3:
        store = fixture.store()
        let offsets = try await store.start(partitions)
        for index in feeds.indices { next[index] = Int(offsets[source(Int32(index))] ?? 0) }
      default: break
      }
    }
    _ = try await store.flushStaged()
  }

  /// One message per flush, partition after partition.
  private func writeSingly(_ feeds: [Feed], to fixture: StoreFixture) async throws {
    let store = fixture.store()
    for (index, feed) in feeds.enumerated() {
      _ = try await store.start([source(Int32(index))])
      for (offset, message) in feed.enumerated() {
        try store.append(source(Int32(index)), Int64(offset), message)
        _ = try await store.flushStaged()
      }
    }
  }

  @Test func tablesDependOnTheMessagesAlone() async throws {
    var random = TestRandom("flush boundaries")
    for _ in 0..<12 {
      let feeds = feeds(&random)
      let reference = try await StoreFixture()
      try await writeSingly(feeds, to: reference)
      let expected = try await reference.tables()
      #expect(!expected.isEmpty)
      for _ in 0..<2 {
        let other = try await StoreFixture()
        try await write(feeds, to: other, &random)
        let found = try await other.tables()
        #expect(found == expected)
      }
      #expect(try await reference.history() == Self.model(feeds))
    }
  }

  /// The rule by itself: one row after the other, no SQL, no windows.
  private static func model(_ feeds: [Feed]) throws -> String {
    struct Place: Comparable {
      let time: Timestamp, file: String, row: Int64
      static func < (left: Self, right: Self) -> Bool {
        (left.time, left.file, left.row) < (right.time, right.file, right.row)
      }
    }
    var current: [String: (place: Place, price: ExactDecimal)] = [:]
    var lines: [String] = []
    for feed in feeds {
      for bytes in feed {
        let message = try ProductsIngest(decoding: bytes)
        for item in message.items.sorted(by: { $0.row < $1.row }) {
          let key = "\(message.header.storeID)|\(item.ean)"
          let place = Place(time: message.header.fileTime, file: message.header.fileID, row: item.row)
          if let old = current[key] {
            guard place > old.place else { continue }
            if old.price != item.price {
              lines.append("\(key)|\(message.header.fileTime.microseconds)|\(item.row)|\(old.price)|\(item.price)")
            }
          }
          current[key] = (place, item.price)
        }
      }
    }
    return lines.sorted().map { $0 + "\n" }.joined()
  }
}

extension StoreFixture {
  fileprivate func history() async throws -> String {
    let text = try await psql("""
      SELECT store_id, ean, (extract(epoch FROM file_time) * 1000000)::bigint, row_number, previous_price, price
      FROM price_history
      """)
    return text.split(separator: "\n").sorted().map { $0 + "\n" }.joined()
  }

  /// A partition without any written record gets its start offset, and moves with offsets without records.
  @Test(arguments: [Int64(0), 480]) func positionsAreKeptWithoutRecords(start: Int64) async throws {
    let fixture = try await StoreFixture()
    let (store, place) = (fixture.store(), source(0))
    #expect(try await store.start([place]).isEmpty)
    #expect(try await store.flushStaged(to: [place: start]).positions == [place: start])
    #expect(try await fixture.store().start([place]) == [place: start], "known from now on")
    _ = try await store.start([place])
    // A marker of a transaction, or two.
    #expect(try await store.flushStaged(to: [place: start + 2]).positions == [place: start + 2])
    #expect(try await fixture.store().start([place]) == [place: start + 2])
  }
}
