import LocalServers
import Synchronization

import Glibc

/// One of our executables running as a real process, as an operator would run it.
///
/// Its environment holds only what is given, so that the developer's settings change no test.
package final class ServiceProcess: Sendable {
  package let name: String
  package let httpPort: UInt16
  private let child: ChildProcess
  private let lines: LogLines

  private init(name: String, httpPort: UInt16, child: ChildProcess, lines: LogLines) {
    self.name = name
    self.httpPort = httpPort
    self.child = child
    self.lines = lines
  }

  /// The path of an executable of this package, beside the running test bundle.
  package static func path(of product: String) throws -> String {
    try Program.require("\(Program.ownFolder)/\(product)", package: "nothing: build it with `swift build`")
  }

  /// Starts `product` with JSON logs and its HTTP endpoint on a free port, or on a given `HTTP_PORT`; does not wait for
  /// readiness.
  package static func start(
    _ product: String, _ arguments: [String] = [], environment: [String: String?] = [:]
  ) async throws -> ServiceProcess {
    let port = try environment["HTTP_PORT"].flatMap { $0 }.flatMap(UInt16.init) ?? FreePort.next()
    let lines = LogLines()
    var launch = Launch(try path(of: product), arguments)
    launch.inheritsEnvironment = false
    launch.environment = ["HTTP_PORT": "\(port)", "LOG_FORMAT": "json"].merging(environment) { $1 }
    launch.output = .lines { lines.append($0) }
    let child = try await ChildProcess.start(launch)
    return ServiceProcess(name: product, httpPort: port, child: child, lines: lines)
  }

  /// Runs `product` to its end, for `--help`, `--check` and one-shot commands.
  package static func run(
    _ product: String, _ arguments: [String], environment: [String: String?] = [:],
    atMost limit: Duration = .seconds(150)
  ) async throws -> ChildProcess.Outcome {
    var launch = Launch(try path(of: product), arguments)
    launch.inheritsEnvironment = false
    launch.environment = environment
    return try await ChildProcess.run(launch, atMost: limit)
  }

  /// Everything it printed so far, on either stream.
  package var log: [String] { lines.all }
  package var pid: pid_t { child.pid }
  package var status: ExitStatus? { child.status }

  /// Waits until `/readyz` answers 200.
  /// - Throws: `ConditionNotMet` with the end of its log when it ends first or is not ready in time.
  package func awaitReady(within limit: Duration = .seconds(150)) async throws {
    do {
      try await eventually("\(name) ready", timeout: limit) {
        if let status = child.status { throw ConditionNotMet(description: "\(name) ended with \(status)") }
        return await LoopbackHTTP.shared.get(port: httpPort, path: "/readyz")?.status == 200
      }
    } catch let failure as ConditionNotMet {
      throw ConditionNotMet(description: "\(failure.description)\n" + log.suffix(20).joined(separator: "\n"))
    }
  }

  package func get(_ path: String) async -> LoopbackHTTP.Response? {
    await LoopbackHTTP.shared.get(port: httpPort, path: path)
  }

  /// What `/metrics` says now; nothing when it does not answer.
  package func metrics() async -> MetricSamples { MetricSamples(text: await get("/metrics")?.body ?? "") }

  package func signal(_ signal: Int32) { child.kill(signal) }

  /// SIGTERM once it handles signals (after its first line or answer); SIGKILL if it has not drained within
  /// `grace`.
  ///
  /// An end other than 0 is printed with the end of the log: an expectation shows only that it was not 0.
  @discardableResult
  package func terminate(grace: Duration = .seconds(150)) async -> ExitStatus {
    try? await eventually("a sign of \(name)", timeout: grace) {
      if !log.isEmpty || status != nil { return true }
      return await get("/livez") != nil
    }
    let ended = await child.stop(grace: grace)
    if ended != .exited(0) { print((["\(name) ended with \(ended)"] + log.suffix(10)).joined(separator: "\n")) }
    return ended
  }

  /// SIGKILL.
  @discardableResult
  package func kill() async -> ExitStatus {
    child.kill(SIGKILL)
    return await child.wait()
  }

  /// Waits for it to end by itself; nil when it still runs after `limit`.
  package func wait(atMost limit: Duration) async -> ExitStatus? { await child.wait(atMost: limit) }

  private final class LogLines: Sendable {
    private let storage = Mutex<[String]>([])
    func append(_ line: String) { storage.withLock { $0.append(line) } }
    var all: [String] { storage.withLock { $0 } }
  }
}
