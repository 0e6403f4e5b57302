import Core
import Foundation
import Redis

/// What a connection leaves to the process that takes it over: where it was, and what it owes.
struct ShardState: Codable, Equatable, Sendable {
  /// How far things were at a moment when the feed was listened to.
  struct Checkpoint: Codable, Equatable, Sendable {
    /// The time of the newest event, in nanoseconds since 1970.
    var watermark: Int64
    /// The ends of the partitions of what is published, by topic and partition.
    var ends: [String: [Int64]]
    /// The time of the newest event once the ends were known: later events lie behind them.
    var after: Int64
  }

  /// A hole of the connection.
  struct Hole: Codable, Equatable, Sendable {
    var fromNs: Int64
    /// nil until the feed is listened to again.
    var toNs: Int64?
    /// What this process does not know to be published is later.
    var unknownUntil: Int64 = 0
    var why: String
    var openedNs: Int64
    /// The symbols that were subscribed to.
    var symbols: [String]
  }

  /// The two latest, oldest first: the events that may repeat lie behind the older one.
  var checkpoints: [Checkpoint] = []
  var holes: [Hole] = []
  /// Failed connections in a row.
  var failures = 0
  /// Not to connect before, in milliseconds since 1970.
  var notBefore: Int64 = 0

  mutating func add(_ checkpoint: Checkpoint) { checkpoints = checkpoints.suffix(1) + [checkpoint] }
}

/// Where the state of a connection lies, and who owns it.
///
/// In Redis the owner holds a lease, and only the owner writes. A file belongs to one process.
struct ShardStore: Sendable {
  private enum Place: Sendable {
    case redis(RedisClient, RedisLease)
    case file(String)
    case memory(Box)
  }
  private actor Box {
    var text: String?
    func set(_ text: String) { self.text = text }
  }
  private let place: Place
  private let name: String

  /// - Parameter name: of the connection, `polygon-stocks-0`.
  init(_ location: StateLocation, name: String, redis: RedisClient?, fence: String) {
    self.name = name
    switch location {
    case .memory: place = .memory(Box())
    case .file(let folder): place = .file("\(folder)/\(name).json")
    case .redis:
      guard let redis else { preconditionFailure("a state in Redis has a client") }
      place = .redis(redis, RedisLease(redis, key: "souk:feed:lease:\(name)", fence: fence))
    }
  }

  /// - Returns: whether this process owns the connection now.
  func take(for life: Duration) async throws -> Bool {
    if case .redis(_, let lease) = place { return try await lease.take(for: life) }
    return true
  }

  /// - Returns: false when another process owns it.
  func renew(for life: Duration) async throws -> Bool {
    if case .redis(_, let lease) = place { return try await lease.renew(for: life) }
    return true
  }

  func release() async {
    if case .redis(_, let lease) = place { try? await lease.release() }
  }

  func load() async throws -> ShardState {
    let text: String? = switch place {
    case .redis(let client, _): try await client.send(RedisCommand("GET", "souk:feed:state:\(name)")).text
    case .file(let path):
      FileManager.default.fileExists(atPath: path)
        ? String(decoding: try readFile(path, limit: 64 << 20), as: UTF8.self) : nil
    case .memory(let box): await box.text
    }
    guard let text else { return ShardState() }
    do { return try JSONDecoder().decode(ShardState.self, from: Data(text.utf8)) } catch {
      throw Failure(
        .configuration, code: "state_damaged",
        "the state of \(name) cannot be read; remove it (the events since it was written are then not refilled)")
    }
  }

  /// - Throws: `lease_lost` when another process owns the connection.
  func save(_ state: ShardState) async throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(state)
    let text = String(decoding: data, as: UTF8.self)
    switch place {
    case .redis(_, let lease):
      guard try await lease.set("souk:feed:state:\(name)", text) else {
        throw Failure(.transient, code: "lease_lost", "another process owns the connection \(name)")
      }
    case .file(let path):
      do {
        try FileManager.default.createDirectory(
          atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: path), options: .atomic)
      } catch {
        throw Failure(.transient, code: "state_unwritable", "cannot write \(path): \(error.localizedDescription)")
      }
    case .memory(let box): await box.set(text)
    }
  }
}
