import Core
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
  private let metrics = MemoryMetrics()
  private var next = ContinuousClock.now

  init(_ client: RedisClient, _ budget: MemoryBudget) {
    self.client = client
    self.budget = budget
  }

  func look(series: [Series]) async throws {
    guard ContinuousClock.now >= next else { return }
    next = .now + .seconds(15)
    let memory = try await HotServer(client: client).memory()
    metrics.note(used: memory.used, limit: memory.limit, expected: budget.bytes(of: series))
  }
}
