import LocalServers
import TestSupport

/// Servers that one seed at a time has for itself, so that it may stop them, each behind a door. A seed gives its
/// server back whole.
actor Pool<Server: Sendable> {
  struct Place: Sendable {
    let server: Server
    let door: SwitchedPort
    /// The server's own port.
    let port: Int
  }

  private let make: @Sendable () async throws -> (Server, UInt16)
  private var free: [Place] = []

  init(_ make: @escaping @Sendable () async throws -> (Server, UInt16)) { self.make = make }

  func take() async throws -> Place {
    if let place = free.popLast() { return place }
    let (server, port) = try await make()
    return Place(server: server, door: try SwitchedPort(to: Int(port)), port: Int(port))
  }

  func giveBack(_ place: Place) { free.append(place) }
}

enum Pools {
  static let influx = Pool<PrivateInfluxDB> {
    let server = try await PrivateInfluxDB.start()
    return (server, server.port)
  }
  static let postgres = Pool<PrivatePostgres> {
    let server = try await PostgresOfSeed.makeServer()
    return (server, server.port)
  }
  /// What it holds outlives a restart.
  static let redis = Pool<PrivateRedis> {
    let server = try await PrivateRedis.start(["--appendonly", "yes", "--appendfsync", "always"], modules: true)
    return (server, server.port)
  }
  /// All seeds share the server: only its door is their own.
  static let store = Pool<SeaweedFS> {
    let server = try await TestServers.seaweed()
    return (server, server.port)
  }
  static let busy = Result { try HostileServer { _, connection in
    connection.answer("503 Slow Down", body: "<Error><Code>SlowDown</Code></Error>")
  } }
}

extension Pool.Place {
  /// Brings about what is the same for all servers behind a door.
  /// - Returns: false for any other kind.
  func begin(_ kind: Substring, _ names: FailingResolver) async throws -> Bool {
    switch kind {
    case "503": door.lead(to: try Pools.busy.get().port)
    case "away": door.lead(to: Int(try FreePort.next()))
    case "cut":
      for _ in 0..<5 {
        door.lead(to: port)
        try await Task.sleep(for: .milliseconds(40))
      }
    case "slow": door.pace = .slow
    case "hangs": door.pace = .held
    case "name":
      try names.fail()
      // Open connections need no name.
      door.lead(to: port)
    default: return false
    }
    return true
  }

  func heal() {
    door.pace = .full
    door.lead(to: port)
  }
}
