import Foundation
import LocalServers
import Runtime
import Schemas

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
    let child = try await launch("souk", ["broker", "--bootstrap-file", file], log: "broker")
    teardown.add("broker") { complaint(about: await child.stop()) }
    let bootstrap = try await waitFor(child, log: try folder.log(of: "broker")) {
      (try? String(contentsOfFile: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    running.alive.append(("broker", { child.isRunning }))
    screen.say("started   broker            \(bootstrap) (embedded, in memory)")
    return bootstrap
  }

  func startPostgres(_ running: inout Running, _ teardown: inout Teardown) async throws -> PrivatePostgres {
    let server = try await PrivatePostgres.start()
    teardown.add("PostgreSQL") {
      await server.stop()
      return nil
    }
    running.alive.append(("PostgreSQL", { server.isRunning }))
    screen.say("started   PostgreSQL        127.0.0.1:\(server.port) (private)")
    return server
  }

  func startRedis(_ running: inout Running, _ teardown: inout Teardown) async throws -> PrivateRedis {
    let server = try await PrivateRedis.start()
    teardown.add("Redis") {
      await server.stop()
      return nil
    }
    running.alive.append(("Redis", { server.isRunning }))
    screen.say("started   Redis             127.0.0.1:\(server.port) (private)")
    return server
  }

  func startSeaweed(_ running: inout Running, _ teardown: inout Teardown) async throws -> SeaweedFS {
    let server = try await SeaweedFS.start(buckets: ["souk"])
    teardown.add("SeaweedFS") {
      await server.stop()
      return nil
    }
    running.alive.append(("SeaweedFS", { server.isRunning }))
    screen.say("started   SeaweedFS         \(server.endpoint) (private)")
    return server
  }

  /// - Returns: the crawler's sources.
  func startPortal(_ running: inout Running, _ teardown: inout Teardown) async throws -> [String] {
    let file = try folder.file("state/portal.port")
    let child = try await launch("portal-simulator", ["--port-file", file], log: "portal-simulator")
    teardown.add("portal-simulator") { complaint(about: await child.stop()) }
    let port = try await waitFor(child, log: try folder.log(of: "portal-simulator")) {
      (try? String(contentsOfFile: file, encoding: .utf8)).flatMap {
        UInt16($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
    }
    let sources = try await waitFor(child, log: try folder.log(of: "portal-simulator")) {
      await LoopbackHTTP.shared.get(port: port, path: "/_portal/sources").flatMap { $0.status == 200 ? $0.body : nil }
    }
    running.alive.append(("portal-simulator", { child.isRunning }))
    screen.say("started   portal-simulator  http://127.0.0.1:\(port) (an invented catalogue)")
    return sources.split(separator: "\n").map(String.init)
  }

  /// - Returns: the port of the simulated providers.
  func startProviders(_ running: inout Running, _ teardown: inout Teardown) async throws -> UInt16 {
    let file = try folder.file("state/provider.port")
    let child = try await launch("provider-simulator", ["--port-file", file], log: "provider-simulator")
    teardown.add("provider-simulator") { complaint(about: await child.stop()) }
    let port = try await waitFor(child, log: try folder.log(of: "provider-simulator")) {
      (try? String(contentsOfFile: file, encoding: .utf8)).flatMap {
        UInt16($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
    }
    running.alive.append(("provider-simulator", { child.isRunning }))
    screen.say("started   provider-simulator http://127.0.0.1:\(port) (invented prices and demands)")
    return port
  }

  /// Brings the database to the schema of this build.
  func migrate(_ surroundings: Surroundings) async throws {
    var launch = Launch(try Self.executable("db-writer"), ["migrate"])
    launch.environment = surroundings.environment(of: ServiceCatalogue.dbWriter.name)
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

  private func launch(_ product: String, _ arguments: [String], log: String) async throws -> ChildProcess {
    var launch = Launch(try Self.executable(product), arguments)
    launch.output = .file(try folder.log(of: log))
    return try await ChildProcess.start(launch)
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

/// nil when a process ended as it should when asked to.
func complaint(about status: ExitStatus?) -> String? {
  switch status {
  case nil, .exited(0): nil
  // A server without a handler of its own ends by the signal it was sent.
  case .signalled(SIGTERM): nil
  case let status?: "ended with \(status)"
  }
}
