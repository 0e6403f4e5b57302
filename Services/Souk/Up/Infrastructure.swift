import Catalogue
import Core
import Foundation
import LocalServers

import Glibc

/// Starts the servers that the services stand on, or takes those the operator named.
struct Infrastructure: Sendable {
  let folder: RunFolder
  let screen: Screen
  /// Raised when the operator wants to stop; every wait here gives way to it.
  let stopping: Interruption

  struct Running: Sendable {
    var surroundings = Surroundings()
    /// How many sources there are to what begins the flow.
    var sources = 0
    /// Ask whether a server that has no supervisor still runs: its data is gone when it does not.
    var alive: [(name: String, isRunning: @Sendable () -> Bool)] = []
  }

  func startBroker(_ running: inout Running, _ teardown: inout Teardown) async throws -> String {
    let file = try folder.file("state/broker.bootstrap")
    let (bootstrap, _) = try await serve("broker", "souk", ["broker", "--bootstrap-file", file], &running, &teardown) {
      (try? String(contentsOfFile: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    screen.started("broker", "\(bootstrap) (embedded, in memory)")
    return bootstrap
  }

  func startPostgres(_ running: inout Running, _ teardown: inout Teardown) async throws -> PrivatePostgres {
    let server = try await PrivatePostgres.start()
    keep("PostgreSQL", "127.0.0.1:\(server.port)", &running, &teardown, { server.isRunning }) { await server.stop() }
    return server
  }

  /// - Parameter modules: the one with time series, search and documents.
  func startRedis(
    _ running: inout Running, _ teardown: inout Teardown, modules: Bool = false
  ) async throws -> PrivateRedis {
    let server = try await PrivateRedis.start(modules: modules)
    keep("Redis", "127.0.0.1:\(server.port)", &running, &teardown, { server.isRunning }) { await server.stop() }
    return server
  }

  func startSeaweed(_ running: inout Running, _ teardown: inout Teardown) async throws -> SeaweedFS {
    let server = try await SeaweedFS.start(buckets: ["souk"])
    keep("SeaweedFS", server.endpoint, &running, &teardown, { server.isRunning }) { await server.stop() }
    return server
  }

  func startInflux(_ running: inout Running, _ teardown: inout Teardown) async throws -> PrivateInfluxDB {
    let server = try await PrivateInfluxDB.start()
    keep("InfluxDB", server.url, &running, &teardown, { server.isRunning }) { await server.stop() }
    return server
  }

  /// - Returns: the crawler's sources.
  func startPortal(_ running: inout Running, _ teardown: inout Teardown) async throws -> [String] {
    let (port, child) = try await simulate("portal-simulator", "state/portal.port", &running, &teardown)
    let sources = try await waitFor(child, log: try folder.log(of: "portal-simulator")) {
      await LoopbackHTTP.shared.get(port: port, path: "/_portal/sources").flatMap { $0.status == 200 ? $0.body : nil }
    }
    screen.started("portal-simulator", "http://127.0.0.1:\(port) (an invented catalogue)")
    return sources.split(separator: "\n").map(String.init)
  }

  /// - Returns: the port of the simulated providers.
  func startProviders(_ running: inout Running, _ teardown: inout Teardown) async throws -> UInt16 {
    let (port, _) = try await simulate("provider-simulator", "state/provider.port", &running, &teardown)
    screen.started("provider-simulator", "http://127.0.0.1:\(port) (invented prices and demands)")
    return port
  }

  func startFeeds(_ running: inout Running, _ teardown: inout Teardown) async throws -> UInt16 {
    let (port, _) = try await simulate("feed-simulator", "state/feed.port", &running, &teardown)
    screen.started("feed-simulator", "127.0.0.1:\(port) (an invented market, as Polygon and Alpaca have it)")
    return port
  }

  /// A private server runs: it is watched from now on, and stopped at the end.
  private func keep(
    _ name: String, _ place: String, _ running: inout Running, _ teardown: inout Teardown,
    _ isRunning: @escaping @Sendable () -> Bool, stop: @escaping @Sendable () async -> Void
  ) {
    teardown.add(name) {
      await stop()
      return nil
    }
    running.alive.append((name, isRunning))
    screen.started(name, "\(place) (private)")
  }

  private func simulate(
    _ program: String, _ file: String, _ running: inout Running, _ teardown: inout Teardown
  ) async throws -> (port: UInt16, child: ChildProcess) {
    let file = try folder.file(file)
    return try await serve(program, program, ["--port-file", file], &running, &teardown) {
      (try? String(contentsOfFile: file, encoding: .utf8)).flatMap {
        UInt16($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
    }
  }

  /// Starts one of our programs that serves the others, and waits until it says where.
  private func serve<Answer>(
    _ name: String, _ program: String, _ arguments: [String], _ running: inout Running, _ teardown: inout Teardown,
    _ ask: () async -> Answer?
  ) async throws -> (Answer, ChildProcess) {
    var launch = Launch(try Self.executable(program), arguments)
    launch.output = .file(try folder.log(of: name))
    let child = try await ChildProcess.start(launch)
    teardown.add(name) { complaint(about: await child.stop()) }
    let answer = try await waitFor(child, log: try folder.log(of: name), ask)
    running.alive.append((name, { child.isRunning }))
    return (answer, child)
  }

  /// Brings the database to the schema of this build.
  func migrate(_ surroundings: Surroundings) async throws {
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

  /// Asks until there is an answer.
  private func waitFor<Answer>(
    _ child: ChildProcess, log: String, _ ask: () async -> Answer?
  ) async throws -> Answer {
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      if let answer = await ask() { return answer }
      if let status = child.status {
        throw Failure(.fatal, code: "server_ended", "\(child.name) ended with \(status): \(tail(of: log))")
      }
      guard ContinuousClock.now < deadline else {
        throw Failure(.fatal, code: "server_silent", "\(child.name) did not start within 60 s: \(tail(of: log))")
      }
      if await stopping.sleep(for: .milliseconds(25)) { throw CancellationError() }
    }
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
