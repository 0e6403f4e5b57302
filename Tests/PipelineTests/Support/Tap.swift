import Glibc
import Kafka
import Synchronization
import TestSupport

enum TestEnvironment {
  /// `SOUK_TEST_LOG` shows what the modules log.
  static var isLoud: Bool { getenv("SOUK_TEST_LOG") != nil }
}

/// A record copied out of its batch.
struct Seen: Sendable, Hashable {
  var topic: String
  var key: [UInt8]?
  /// Nil for a tombstone.
  var value: [UInt8]?
  var headers: [Header]

  var text: String? { value.map { String(decoding: $0, as: UTF8.self) } }
  func header(_ name: String) -> String? { headers.last { $0.name == name }?.text }
}

/// Reads topics from their beginning for as long as it lives, and remembers everything.
final class Tap: Sendable {
  private let log: Log<Seen>
  private let task: Task<Void, any Error>
  private let consumer: Consumer

  init(_ consumer: Consumer) {
    let log = Log<Seen>()
    self.log = log
    self.consumer = consumer
    task = Task {
      while let element = try await consumer.next(before: nil) {
        switch element {
        case .batch(let batch):
          batch.forEach { record in
            log.add(
              Seen(
                topic: record.topic, key: record.keyBytes, value: record.isTombstone ? nil : record.valueBytes,
                headers: record.headers))
          }
        case .revoking(_, let answer): answer.done(committing: [:])
        default: break
        }
      }
    }
  }

  deinit { consumer.close() }

  func seen(_ topic: String) -> [Seen] { log.all.filter { $0.topic == topic } }

  /// Waits until at least `count` records are in the topic.
  func wait(_ topic: String, _ count: Int, file: String = #fileID, line: Int = #line) async throws -> [Seen] {
    try await eventuallySome("\(count) records in \(topic)", file: file, line: line) {
      let seen = seen(topic)
      return seen.count >= count ? seen : nil
    }
  }
}

/// Remembers what happened, in order.
final class Log<Entry: Sendable>: Sendable {
  private let entries = Mutex<[Entry]>([])

  func add(_ entry: Entry) { entries.withLock { $0.append(entry) } }
  var all: [Entry] { entries.withLock { $0 } }
  var count: Int { entries.withLock { $0.count } }
}

/// A switch that tests turn.
final class Flag: Sendable {
  private let value: Mutex<Bool>

  init(_ value: Bool) { self.value = Mutex(value) }
  var isOn: Bool { value.withLock { $0 } }
  func set(_ on: Bool) { value.withLock { $0 = on } }
}
