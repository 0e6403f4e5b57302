import Core
import HummingbirdCore
import Logging
import NIOCore
import ServiceKit
import ServiceLifecycle
import Synchronization
import UnixSignals

/// The HTTP server of a simulator: starts it, says where it listens, and stops it.
package final class SimulatorServer: Sendable {
  package let host: String
  private let name: String
  private let wantedPort: Int
  private let logger: Logger
  private let limits: ConnectionLimits
  private let boundPort = Mutex<Int?>(nil)
  private let listening = Interruption()

  /// - Parameters:
  ///   - port: 0 for any free port.
  ///   - requestTime: for a whole request; connections left half open end, and never use up the process's descriptors.
  package init(
    _ name: String, host: String = "127.0.0.1", port: Int = 0, logLevel: Logger.Level = .critical,
    requestTime: TimeAmount = .minutes(2)
  ) {
    var limits = ConnectionLimits()
    (limits.requestTime, limits.maxConnections, limits.allowsStreams) = (requestTime, 4_096, true)
    self.limits = limits
    self.name = name
    self.host = host
    wantedPort = port
    var logger = Logger(label: name)
    logger.logLevel = logLevel
    self.logger = logger
  }

  /// Known once it listens.
  package var port: Int { boundPort.withLock { $0 } ?? wantedPort }
  package var url: String { "http://\(host):\(port)" }

  /// Serves until SIGTERM, SIGINT or cancellation.
  /// - Parameter signals: false in tests, whose process has signals of its own.
  package func run(
    _ router: Router, signals: Bool = false,
    onListening: @escaping @Sendable (Int) -> Void = { _ in }
  ) async throws {
    let server = try HTTPServerBuilder.stoppableHTTP1(
      configuration: .init(additionalChannelHandlers: [self.limits.makeHandler()])
    ).service(
      ServerConfiguration(
        address: .hostname(host, port: wantedPort), serverName: name, backlog: 4_096,
        availableConnectionsDelegate: MaximumAvailableConnections(4_096, logger: logger)),
      logger: logger
    ) { channel in
      let port = channel.localAddress?.port ?? 0
      self.boundPort.withLock { $0 = port }
      self.listening.raise()
      onListening(port)
    } answer: { await router.answer($0) }
    var configuration = ServiceGroupConfiguration(
      services: [server], gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [], logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(5)
    try await ServiceGroup(configuration: configuration).run()
  }

  /// Serves while `body` runs.
  package func serving<Value: Sendable>(
    _ router: @escaping @Sendable () -> Router, _ body: @Sendable () async throws -> Value
  ) async throws -> Value {
    let server = Task {
      defer { listening.raise() }
      try await run(router())
    }
    await listening.wait()
    return try await finishing {
      guard boundPort.withLock({ $0 }) != nil else {
        try await server.value
        throw Failure(.fatal, code: "simulator_stopped", "\(name) stopped before it listened")
      }
      return try await body()
    } then: {
      server.cancel()
      _ = await server.result
    }
  }
}

/// Runs `body`, then `end` whether `body` throws or not.
package func finishing<Value: Sendable>(
  _ body: () async throws -> Value, then end: () async -> Void
) async throws -> Value {
  let outcome: Result<Value, any Error>
  do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
  await end()
  return try outcome.get()
}

/// SplitMix64's mixing function (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA
/// 2014).
package func splitMix64(_ input: UInt64) -> UInt64 {
  var value = input &+ 0x9e37_79b9_7f4a_7c15
  value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
  value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
  return value ^ (value >> 31)
}
