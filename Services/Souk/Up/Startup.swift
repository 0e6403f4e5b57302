import Catalogue
import Core
import Foundation
import KafkaFlags
import LocalServers

import Glibc
import Operations

/// What a run has started so far: private servers, or those that the operator named; and what services are told.
struct Startup {
  let options: UpOptions
  let parts: EmbeddedParts
  let folder: RunFolder
  let screen: Screen
  /// Raised when the operator wants to stop; every wait here gives way to it.
  let stopping: Interruption

  var surroundings = Surroundings()
  /// How many sources the service passes over that begins the flow.
  var sources = 0
  /// Asks whether a server that has no supervisor still runs: its data is gone when it does not.
  private(set) var alive: [(name: String, isRunning: @Sendable () -> Bool)] = []
  var teardown = Teardown()
  /// Programs of ours that serve, by their names.
  private(set) var servers: [String: ChildProcess] = [:]

  init(options: UpOptions, parts: EmbeddedParts, folder: RunFolder, screen: Screen, stopping: Interruption) {
    (self.options, self.parts, self.folder) = (options, parts, folder)
    (self.screen, self.stopping) = (screen, stopping)
  }

  // MARK: - Servers

  /// The object store of the run: the private S3 server unless another was named.
  mutating func startObjectStore() async throws {
    let choice = try ObjectStoreChoice(parts, objects: try folder.file("objects"))
    switch choice {
    case .embedded:
      let server = try await SeaweedFS.start(buckets: ["souk"])
      keep("SeaweedFS", server.endpoint, { server.isRunning }) { await server.stop() }
      surroundings.servers[.objectStore] = ObjectStoreChoice.embeddedEnvironment(server.environment)
    case .given(let store, let endpoint):
      surroundings.servers[.objectStore] = choice.environment
      screen.say("using     object store      \(store)\(endpoint.map { " at \($0)" } ?? "")")
    }
  }

  /// The database of the run, brought to the schema of this build.
  /// - Returns: its URL.
  mutating func startDatabase() async throws -> String {
    let url: String
    if let given = parts.databaseURL {
      url = given
      screen.say("using     PostgreSQL        the one of DATABASE_URL")
    } else {
      let server = try await PrivatePostgres.start()
      keep("PostgreSQL", "127.0.0.1:\(server.port)", { server.isRunning }) { await server.stop() }
      url = server.url
    }
    surroundings.servers[.postgres] = ["DATABASE_URL": url]
    try await migrate()
    screen.say("migrated  the database")
    return url
  }

  /// The time series database of the run: a private InfluxDB unless another was named.
  mutating func startInfluxDB() async throws {
    var environment: [String: String?] = ["INFLUX_DATABASE": "egx", "INFLUX_CREATE_DATABASE": "true"]
    if let given = parts.influxURL {
      environment["INFLUX_URL"] = given
      screen.say("using     InfluxDB          \(given)")
    } else {
      let server = try await PrivateInfluxDB.start()
      keep("InfluxDB", server.url, { server.isRunning }) { await server.stop() }
      environment["INFLUX_URL"] = server.url
      // Of the caller's environment, a private server must not see what is another's.
      for name in ["INFLUX_USER", "INFLUX_PASSWORD", "INFLUX_TOKEN", "INFLUX_BUCKET", "INFLUX_ORG", "INFLUX_CA_FILE"] {
        environment[name] = .some(nil)
      }
    }
    surroundings.servers[.influx] = environment
  }

  /// - Parameter modules: the one with time series, search and documents.
  mutating func startRedis(modules: Bool = false) async throws -> PrivateRedis {
    let server = try await PrivateRedis.start(modules: modules)
    keep("Redis", "127.0.0.1:\(server.port)", { server.isRunning }) { await server.stop() }
    return server
  }

  /// A Dask cluster whose workers do jobs of the batch layer: small, one worker of one thread.
  mutating func startDask(modules: String, environment: [String: String?]) async throws -> PrivateDask {
    let cluster = try await PrivateDask.start(workers: 1, modules: modules, environment: environment)
    keep("Dask", "\(cluster.address), 1 worker", { cluster.isRunning }) { await cluster.stop() }
    return cluster
  }

  /// A private server runs: it is watched from now on, and stopped at the end.
  private mutating func keep(
    _ name: String, _ place: String, _ isRunning: @escaping @Sendable () -> Bool,
    stop: @escaping @Sendable () async -> Void
  ) {
    teardown.add(name) {
      await stop()
      return nil
    }
    alive.append((name, isRunning))
    screen.started(name, "\(place) (private)")
  }

  // MARK: - Our own programs

  /// - Returns: the bootstrap servers.
  mutating func startBroker(_ fleet: FleetNameOptions) async throws -> String {
    let prefix = fleet.topicPrefix.map { ["--topic-prefix", $0] } ?? []
    let bootstrap = try await serve("broker", by: "souk", ["broker"] + prefix + ["--bootstrap-file"]) { $0 }
    screen.started("broker", "\(bootstrap) (embedded, in memory)")
    return bootstrap
  }

  /// - Returns: the crawler's sources.
  mutating func startPortal() async throws -> [String] {
    let (port, sources) = try await serve("portal-simulator", ["--port-file"]) { address -> (UInt16, String)? in
      guard let port = UInt16(address),
        let answer = await LoopbackHTTP.shared.get(port: port, path: "/_portal/sources"), answer.status == 200
      else { return nil }
      return (port, answer.body)
    }
    screen.started("portal-simulator", "http://127.0.0.1:\(port) (an invented catalogue)")
    return sources.split(separator: "\n").map(String.init)
  }

  /// Starts a simulator that takes `--port-file`.
  /// - Parameter content: what it serves, shown beside its address.
  /// - Returns: its port.
  mutating func simulate(
    _ name: String, by program: String? = nil, _ arguments: [String], _ content: String
  ) async throws -> UInt16 {
    let port = try await serve(name, by: program, arguments + ["--port-file"]) { UInt16($0) }
    screen.started(name, "127.0.0.1:\(port) (\(content))")
    return port
  }

  /// Starts a program that serves the others, and waits until it answers.
  /// - Parameters:
  ///   - arguments: their last flag takes the file in which the program says where it listens.
  ///   - ask: given what the file says; nil while the program does not answer.
  private mutating func serve<Answer>(
    _ name: String, by program: String? = nil, _ arguments: [String], _ ask: (String) async -> Answer?
  ) async throws -> Answer {
    let (file, log) = (try folder.file("state/\(name)"), try folder.log(of: name))
    var launch = Launch(try Self.executable(program ?? name), arguments + [file])
    launch.output = .file(log)
    let child = try await ChildProcess.start(launch)
    teardown.add(name) { complaint(about: await child.stop()) }
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      if let address = try? String(contentsOfFile: file, encoding: .utf8),
        let answer = await ask(address.trimmingCharacters(in: .whitespacesAndNewlines))
      {
        alive.append((name, { child.isRunning }))
        servers[name] = child
        return answer
      }
      if let status = child.status {
        throw Failure(.fatal, code: "server_ended", "\(child.name) ended with \(status): \(tail(of: log))")
      }
      guard ContinuousClock.now < deadline else {
        throw Failure(.fatal, code: "server_silent", "\(child.name) did not start within 60 s: \(tail(of: log))")
      }
      if await stopping.sleep(for: .milliseconds(25)) { throw CancellationError() }
    }
  }

  /// Brings the database to the schema of this build.
  private func migrate() async throws {
    var launch = Launch(try Self.executable("db-writer"), ["migrate"])
    launch.environment = surroundings.environment(of: ServiceCatalogue.dbWriter)
    let outcome = try await ChildProcess.run(launch)
    guard outcome.status.isSuccess else {
      throw Failure(
        // Its exit code says which class of failure it was.
        outcome.status == .exited(78) ? .configuration : .fatal, code: "migration_failed",
        "db-writer migrate ended with \(outcome.status):\n"
          + (outcome.errorOutput + outcome.output).split(separator: "\n").suffix(12).joined(separator: "\n"))
    }
  }

  /// The path of one of our executables, which lie beside `souk`.
  static func executable(_ name: String) throws -> String {
    try Program.require("\(Program.ownFolder)/\(name)", package: "nothing, but build it: `swift build`")
  }
}

/// Stops what was started, in reverse order.
struct Teardown: Sendable {
  private var parts: [(name: String, stop: @Sendable () async -> String?)] = []

  /// - Parameter stop: returns what is wrong with how it ended; nil when nothing is.
  mutating func add(_ name: String, _ stop: @escaping @Sendable () async -> String?) { parts.append((name, stop)) }

  /// - Returns: what did not end cleanly, one line each.
  mutating func run(_ screen: Screen) async -> [String] {
    var complaints: [String] = []
    var clean: [String] = []
    while let part = parts.popLast() {
      if let complaint = await part.stop() {
        complaints.append("\(part.name): \(complaint)")
        screen.say("stopped   \(part.name): \(complaint)")
      } else {
        clean.append(part.name)
      }
    }
    // With `stopped   ` before and `: clean` behind it, a line has 80 columns at most.
    let lines = wrapped(clean.joined(separator: ", "), 63)
    for (index, line) in lines.enumerated() where !clean.isEmpty {
      screen.say("\(index == 0 ? "stopped   " : "          ")\(line)\(index == lines.count - 1 ? ": clean" : "")")
    }
    return complaints
  }
}

extension Screen {
  /// A line of a server or a service that runs now.
  func started(_ name: String, _ place: String) {
    say("started   \(name)\(String(repeating: " ", count: max(1, 18 - name.count)))\(place)")
  }
}

/// nil when a process ended as it should when asked to.
func complaint(about status: ExitStatus?) -> String? {
  switch status {
  case nil, .exited(0): nil
  // A server without a handler of its own ends by the signal it was sent.
  case .signalled(SIGTERM): nil
  case let status?: "ended with \(status)"
  }
}
