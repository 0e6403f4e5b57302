import Core
import Metrics
import Redis

/// A Redis that can be a hot store: what `--check` and the start find out of it.
struct HotServer {
  let client: RedisClient

  struct Memory: Hashable {
    var used: Double
    /// 0: the server sets no limit.
    var limit: Double
    var policy: String
  }

  /// - Throws: `Failure` of class configuration when the server cannot be one; `RedisError`.
  func check() async throws -> (version: String, memory: Memory) {
    let known = try await client.send(RedisCommand("COMMAND", "INFO", "TS.MADD", "FT.SEARCH")).array ?? []
    for (place, (command, module, code)) in [
      ("TS.MADD", "RedisTimeSeries", "redis_without_time_series"),
      ("FT.SEARCH", "Redis Search", "redis_without_search"),
    ].enumerated() where !known.indices.contains(place) || known[place].array?.isEmpty != false {
      throw Failure(
        .configuration, code: code,
        "\(client.configuration.url) has no \(module) (\(command) is unknown); use Redis 8, or Redis Stack 7.4")
    }
    let url = client.configuration.url
    guard url.database == 0 else {
      throw Failure(
        .configuration, code: "redis_database",
        "\(url): time series work as meant in database 0 only; end --redis-url with /0")
    }
    let memory = try await memory()
    guard !memory.policy.hasPrefix("allkeys") else {
      throw Failure(
        .configuration, code: "redis_evicts",
        "maxmemory-policy is \(memory.policy), which throws series away when memory is full; set noeviction")
    }
    let server = try await client.send(RedisCommand("INFO", "server")).text ?? ""
    return (Self.field("redis_version", of: server) ?? "unknown", memory)
  }

  func memory() async throws -> Memory {
    let text = try await client.send(RedisCommand("INFO", "memory")).text ?? ""
    return Memory(
      used: Self.field("used_memory", of: text).flatMap(Double.init) ?? 0,
      limit: Self.field("maxmemory", of: text).flatMap(Double.init) ?? 0,
      policy: Self.field("maxmemory_policy", of: text) ?? "noeviction")
  }

  private static func field(_ name: String, of info: String) -> String? {
    info.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name + ":") }
      .map { String($0.dropFirst(name.count + 1)) }
  }
}

/// Looks at the server's memory now and then, for the metrics.
final class MemoryWatch {
  private let client: RedisClient
  private let budget: MemoryBudget
  private let used = Gauge(label: "souk_hot_memory_used_bytes")
  private let limit = Gauge(label: "souk_hot_memory_limit_bytes")
  private let expected = Gauge(label: "souk_hot_memory_expected_bytes")
  private var next = ContinuousClock.now

  init(_ client: RedisClient, _ budget: MemoryBudget) {
    self.client = client
    self.budget = budget
  }

  func look(series: [Series]) async throws {
    guard ContinuousClock.now >= next else { return }
    next = .now + .seconds(15)
    let memory = try await HotServer(client: client).memory()
    used.record(memory.used)
    limit.record(memory.limit)
    expected.record(budget.bytes(of: series))
  }
}

/// What the hot store will take of the server's memory, from the settings: an estimate that is made before the data is
/// there.
///
/// A compressed sample takes about 8 bytes (100 series of 3,000 ticks with irregular times and prices of two decimals:
/// 7.93, Redis 7.4.1 with RedisTimeSeries 1.12.2); a series its first chunk of 4,096 bytes and about 700 more for its
/// key, labels and their index.
package struct MemoryBudget: Sendable {
  package var policy: SeriesPolicy
  /// Symbols that are expected.
  package var symbols: Int
  /// Trades and quotes of one symbol in a second of a session, on average.
  package var ticksPerSecond: Double
  /// Intervals that are expected, in seconds, by their names.
  package var intervals: [String: Double] = ["1m": 60]
  /// Entries of the tail.
  package var tail: Int
  /// Passages with vectors that are expected.
  package var passages = 0

  static let sampleBytes = 8.0
  static let seriesBytes = 4_096.0 + 700
  /// Bytes of an entry of the tail, a record as JSON.
  static let entryBytes = 300.0
  /// Bytes of a passage of about 1,000 characters with 384 components: its hash, the graph of vectors and the words
  /// (`souk-bench knn`).
  static let passageBytes = 8_000.0

  private var texts: Double { Double(tail) * Self.entryBytes + Double(passages) * Self.passageBytes }

  /// Bytes for all expected symbols.
  package var bytes: Double {
    let ticks = samples(in: policy.tickRetention, every: 1 / max(ticksPerSecond, 1e-9))
    var symbol = Double(policy.tickFields.count) * Self.bytes(ofSeriesWith: ticks)
    for (name, seconds) in intervals {
      let bars = samples(in: policy.barRetention.of(name), every: seconds)
      symbol += Double(policy.barFields.count + policy.signalFields.count) * Self.bytes(ofSeriesWith: bars)
    }
    return Double(symbols) * symbol + texts
  }

  /// Bytes when the series that exist are full.
  func bytes(of series: [Series]) -> Double {
    series.reduce(texts) { sum, series in
      guard series.isReady else { return sum }
      let isTick = series.labels.contains("tick")
      let interval = isTick ? 1 / max(ticksPerSecond, 1e-9) : Self.seconds(series.labels.last ?? "")
      return sum + Self.bytes(ofSeriesWith: samples(in: .milliseconds(series.retention), every: interval))
    }
  }

  private static func bytes(ofSeriesWith samples: Double) -> Double { samples * sampleBytes + seriesBytes }

  /// A session of 16 hours (with the hours before and after) on five days of the week; a daily bar on each of those.
  private func samples(in retention: Duration, every seconds: Double) -> Double {
    let all = retention / .seconds(1)
    if seconds >= 86_400 { return all / 86_400 * 5 / 7 }
    let session = min(all, 16 * 3_600)
    return (session + max(0, all - 86_400) * (16.0 / 24) * (5.0 / 7)) / seconds
  }

  /// `1s`, `5m`, `1h`, `1d` in seconds; a minute for what is not of this form.
  static func seconds(_ interval: String) -> Double {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = interval.last.flatMap({ units[$0] }), let number = Double(interval.dropLast()), number > 0 else {
      return 60
    }
    return number * unit
  }

  /// For people: `100 symbols and 5000 passages need about 812 MiB`.
  package var text: String { "\(symbols) symbols and \(passages) passages need about \(Self.mebibytes(bytes))" }

  static func mebibytes(_ bytes: Double) -> String { "\(Int((bytes / 1_048_576).rounded(.up))) MiB" }
}
