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

  /// Longest wait before a connection. A clock that was set back would else make a wait of minutes one of hours.
  static let longestWait: Duration = .seconds(600)

  /// - Parameter now: milliseconds since 1970.
  func wait(at now: Int64) -> Duration { min(Self.longestWait, .milliseconds(max(0, notBefore - now))) }

  /// What a connection takes over where the number of connections was another one before: the earliest of what theirs
  /// had, since any of them may have had its symbols.
  /// - Parameters:
  ///   - states: by name, `polygon-stocks-0-of-2`, the connection's own among them.
  ///   - name: of the connection.
  /// - Returns: nil when its own state is the latest, or there is none.
  static func inherited(
    from states: [String: ShardState], by name: String, where isMine: (String) -> Bool
  ) -> ShardState? {
    func layout(_ name: String) -> Substring { name[(name.lastIndex(of: "-") ?? name.startIndex)...] }
    func newest(_ states: [ShardState]) -> Int64 { states.compactMap(\.checkpoints.last?.watermark).max() ?? -1 }
    let layouts = Dictionary(grouping: states, by: { layout($0.key) }).mapValues { $0.map(\.value) }
    guard let latest = layouts.max(by: { newest($0.value) < newest($1.value) }), latest.key != layout(name),
      newest(latest.value) > newest(layouts[layout(name)] ?? [])
    else { return nil }
    var state = ShardState()
    for theirs in latest.value {
      guard let first = theirs.checkpoints.first, let last = theirs.checkpoints.last else { continue }
      var known = state.checkpoints.first ?? Checkpoint(watermark: .max, ends: first.ends, after: .max)
      // A connection that has had no event yet says nothing.
      if last.watermark > 0 { known.watermark = min(known.watermark, last.watermark) }
      if first.after > 0 { known.after = min(known.after, first.after) }
      known.ends.merge(first.ends) { zip($0, $1).map { min($0, $1) } }
      state.checkpoints = [known]
    }
    if state.checkpoints.first?.watermark == .max { state.checkpoints[0].watermark = 0 }
    if state.checkpoints.first?.after == .max { state.checkpoints[0].after = 0 }
    for hole in latest.value.flatMap(\.holes) {
      var mine = hole
      mine.symbols = hole.symbols.filter(isMine)
      if !mine.symbols.isEmpty { state.holes.append(mine) }
    }
    state.notBefore = latest.value.map(\.notBefore).max() ?? 0
    return state
  }
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
  /// Of the feed, whose connections leave their states side by side.
  private let feed: String
  let name: String

  /// - Parameter name: of the connection, `polygon-stocks-0-of-2`.
  init(_ location: StateLocation, feed: String, name: String, redis: RedisClient?, fence: String) {
    (self.feed, self.name) = (feed, name)
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
    return try text.map { try Self.state($0, of: name) } ?? ShardState()
  }

  /// The states of all connections that the feed has had, by their names.
  func all() async throws -> [String: ShardState] {
    var states: [String: ShardState] = [:]
    switch place {
    case .memory: break
    case .redis(let client, _):
      let names = try await client.send(RedisCommand("SMEMBERS", registry)).array?.compactMap(\.text) ?? []
      for name in names {
        let text = try await client.send(RedisCommand("GET", "souk:feed:state:\(name)")).text
        if let text { states[name] = try Self.state(text, of: name) }
      }
    case .file(let path):
      let folder = (path as NSString).deletingLastPathComponent
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for file in files where file.hasPrefix("\(feed)-") && file.contains("-of-") && file.hasSuffix(".json") {
        let name = String(file.dropLast(5))
        let text = String(decoding: try readFile("\(folder)/\(file)", limit: 64 << 20), as: UTF8.self)
        states[name] = try Self.state(text, of: name)
      }
    }
    return states
  }

  private var registry: String { "souk:feed:states:\(feed)" }

  private static func state(_ text: String, of name: String) throws(Failure) -> ShardState {
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
    case .redis(let client, let lease):
      _ = try await client.send(RedisCommand("SADD", registry, name))
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
