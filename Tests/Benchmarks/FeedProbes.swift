import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import Logging
import Messages
import Redis

/// Latencies in nanoseconds, summed up.
struct FeedLatencies: CustomStringConvertible {
  var values: [Int64] = []

  var description: String {
    let sorted = values.sorted()
    func at(_ share: Double) -> String {
      guard !sorted.isEmpty else { return "-" }
      return "\(Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))] / 100_000) / 10) ms"
    }
    return "p50 \(at(0.5)), p99 \(at(0.99)), at most \(at(1)) (\(sorted.count) looked at)"
  }
}

/// Reads `market-ticks` as its consumers do, and compares each record's event time with the clock.
struct TopicReader: Sendable {
  private let broker: EmbeddedBroker
  private let start: Int64
  private let count: Int

  /// - Parameter start: earlier events are passed over; nanoseconds since 1970.
  init(_ broker: EmbeddedBroker, from start: Int64, count: Int) {
    (self.broker, self.start, self.count) = (broker, start, count)
  }

  func latencies() async throws -> FeedLatencies {
    let options = try KafkaOptions.parse([
      "--kafka-bootstrap-servers", broker.bootstrapServers, "--group-id", "bench",
      // The embedded broker answers a fetch that waits for data only when its time is over.
      "--kafka-property", "fetch.wait.max.ms=2", "--kafka-property", "session.timeout.ms=6000",
    ])
    var quiet = Logger(label: "bench")
    quiet.logLevel = .warning
    let consumer = try Consumer(options.consumerConfiguration(
      clientID: "bench", topics: [Topics.marketTicks.name], logger: quiet))
    var latencies = FeedLatencies()
    latencies.values.reserveCapacity(count)
    var decoder = FeedTickDecoder()
    while latencies.values.count < count {
      guard let element = try await consumer.next(before: .now + .seconds(60)) else { break }
      if case .idle = element {
        throw Failure(.fatal, code: "lost", "only \(latencies.values.count) events of \(count) came")
      }
      guard case .batch(let batch) = element else { continue }
      let now = WallClock.microseconds() * 1_000
      batch.forEach { record in
        do throws(DecodingFailure) {
          let event = try decoder.decode(record.value).fields.eventNs
          if event >= start { latencies.values.append(now - event) }
        } catch {}
      }
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return latencies
  }
}

/// Asks Redis again and again for the newest sample of some symbols. When it has one, it has all before.
struct HotProbe: Sendable {
  private let client: RedisClient
  private let rate: Int
  private let symbols: Int
  private let seconds: Int
  private static let probes = 10

  init(_ url: String, rate: Int, symbols: Int, seconds: Int) throws {
    client = RedisClient(RedisConfiguration(url: try RedisURL(url)))
    (self.rate, self.symbols, self.seconds) = (rate, symbols, seconds)
  }

  private func newest() async throws -> [Int64] {
    try await client.replies(to: (0..<Self.probes).map { RedisCommand("TS.GET", "ts:\(FeedFrames.symbol($0)):price") })
      .map { $0.array?.first?.integer ?? 0 }
  }

  func hasSamples() async throws -> Bool { try await newest().allSatisfy { $0 > 0 } }

  /// - Parameter start: nanoseconds since 1970, when the first frame is due; there is one each millisecond.
  func latencies(from start: Int64) async throws -> FeedLatencies {
    let perFrame = rate / 1_000
    // Of each probe the milliseconds of its trades: a frame has the next symbols in turn.
    var due: [[Int64]] = Array(repeating: [], count: Self.probes)
    for frame in 0..<seconds * 1_000 {
      for index in 0..<perFrame {
        let symbol = (frame * perFrame + index) % symbols
        let stamp = (start + Int64(frame) * 1_000_000) / 1_000_000
        if symbol < Self.probes, due[symbol].last != stamp { due[symbol].append(stamp) }
      }
    }
    var latencies = FeedLatencies()
    var found = Array(repeating: 0, count: Self.probes)
    let deadline = ContinuousClock.now + .seconds(seconds + 60)
    while found != due.map(\.count) {
      let newest = try await newest()
      let now = WallClock.microseconds() * 1_000
      for (probe, stamp) in newest.enumerated() {
        while found[probe] < due[probe].count, due[probe][found[probe]] <= stamp {
          latencies.values.append(now - max(start, due[probe][found[probe]] * 1_000_000))
          found[probe] += 1
        }
      }
      guard ContinuousClock.now < deadline else {
        throw Failure(.fatal, code: "lost", "Redis does not have all samples a minute after the last event")
      }
      try await Task.sleep(for: .milliseconds(1))
    }
    return latencies
  }
}
