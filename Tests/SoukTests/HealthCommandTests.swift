import LocalServers
import TestSupport
import Testing

/// `souk health`: what the health checks of containers run.
@Suite struct HealthCommandTests {
  private func health(_ arguments: [String], environment: [String: String?] = [:]) async throws
    -> ChildProcess.Outcome
  {
    try await ServiceProcess.run("souk", ["health"] + arguments, environment: environment)
  }

  @Test func theAnswerIsTheExitCode() async throws {
    let server = try HostileServer { request, connection in
      switch request.path {
      case "/livez": connection.answer("200 OK", headers: ["Connection: close"], body: "{}")
      case "/readyz": connection.answer("503 Service Unavailable", headers: ["Connection: close"], body: "kafka: away")
      default: connection.answer("404 Not Found", headers: ["Connection: close"])
      }
      connection.hangUp()
    }
    // The port comes from where the service itself has it.
    let environment: [String: String?] = ["HTTP_PORT": "\(server.port)"]
    #expect(try await health([], environment: environment).status == .exited(0))
    #expect(server.requests.last?.path == "/livez")
    let unready = try await health(["/readyz"], environment: environment)
    #expect(unready.status == .exited(1))
    #expect(unready.errorOutput.contains("kafka: away"))
    #expect(try await health(["/nothing", "--http-port", "\(server.port)"]).status == .exited(1))
  }

  @Test func aMissingServerIsUnhealthy() async throws {
    let outcome = try await health(["--http-port", "\(try FreePort.next())"])
    #expect(outcome.status == .exited(1))
    #expect(outcome.errorOutput.contains("no answer from"))
    #expect(try await health(["readyz"]).status == .exited(64), "a path begins with a slash")
  }
}
