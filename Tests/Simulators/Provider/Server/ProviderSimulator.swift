import Foundation
import Hummingbird
import HummingbirdCore
import LocalServers
import Logging
import NIOCore
import Runtime
import ServiceKit
import ServiceLifecycle
import Synchronization
import UnixSignals

/// An HTTP server that answers as providers of market data do, each under a name of its own that is the first part of
/// the path and may be any word:
///
///     GET /<provider>/v8/finance/chart/<symbol>?at=&currency=      the chart of Yahoo Finance
///     GET /<provider>/query?function=<symbol>&apikey=&at=          a commodity of Alpha Vantage
///     GET /<provider>/series/<material>/<country>.json?at=&kind=&currency=&unit=
///     GET /<provider>/series/<material>/<country>.csv?...
///
/// A symbol is `material.country` in routing words; without a country it is of the world. `at` is any time, now by
/// default. Answers have an ETag. To steer it from outside:
///
///     GET  /_provider/stats
///     POST /_provider/faults?fault=<mode[:value][@provider][*times]>     DELETE /_provider/faults
///     POST /_provider/latency?value=100ms
package final class ProviderSimulator: Sendable {
  package let market: SimulatedMarket
  package let options: ProviderOptions
  let state: ProviderState
  private let logger: Logger
  private let boundPort = Mutex<Int?>(nil)
  private let listening = Interruption()

  package init(
    _ market: SimulatedMarket = SimulatedMarket(), options: ProviderOptions = ProviderOptions(),
    logger: Logger = Logger(label: "provider-simulator")
  ) {
    self.market = market
    self.options = options
    self.logger = logger
    state = ProviderState(options)
  }

  /// Serves until SIGTERM, SIGINT or cancellation.
  /// - Parameter signals: false in tests, whose process has signals of its own.
  package func run(signals: Bool = false, onListening: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
    let app = Application(
      router: makeRouter(),
      // Connections left half open end, and never use up the descriptors of the process.
      server: .stoppableHTTP1(configuration: .init(idleTimeout: .minutes(2))),
      configuration: .init(
        address: .hostname(options.host, port: options.port), serverName: "provider-simulator", backlog: 4_096,
        availableConnectionsDelegate: MaximumAvailableConnections(4_096, logger: logger)),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? 0
        self.boundPort.withLock { $0 = port }
        self.listening.raise()
        onListening(port)
      },
      logger: logger)
    var configuration = ServiceGroupConfiguration(
      services: [app], gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [], logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(5)
    try await ServiceGroup(configuration: configuration).run()
  }

  /// Runs the simulator while `body` runs, on a port of its own.
  package static func serving<Value: Sendable>(
    _ market: SimulatedMarket = SimulatedMarket(), options: ProviderOptions = ProviderOptions(),
    _ body: @Sendable (ProviderSimulator) async throws -> Value
  ) async throws -> Value {
    var logger = Logger(label: "provider-simulator")
    logger.logLevel = .critical
    let simulator = ProviderSimulator(market, options: options, logger: logger)
    let server = Task {
      defer { simulator.listening.raise() }
      try await simulator.run()
    }
    await simulator.listening.wait()
    let outcome: Result<Value, any Error>
    do {
      guard simulator.boundPort.withLock({ $0 }) != nil else {
        try await server.value
        throw Failure(.fatal, code: "provider_stopped", "the provider simulator stopped before it listened")
      }
      outcome = .success(try await body(simulator))
    } catch {
      outcome = .failure(error)
    }
    // NIO does not survive a connection that is accepted while the server goes down, and a client given up by the body
    // may just have made one. Connections are accepted in order: once this is answered, there is none left.
    _ = await LoopbackHTTP.shared.get(port: UInt16(simulator.port), path: "/_provider/stats")
    server.cancel()
    _ = await server.result
    return try outcome.get()
  }

  /// Known once it listens.
  package var port: Int { boundPort.withLock { $0 } ?? options.port }
  package func url(of provider: String) -> String { "http://\(options.host):\(port)/\(provider)" }

  package func add(_ fault: Misbehaviour) { state.add(fault) }
  package func clearFaults() { state.clearFaults() }
  package func set(latency: Duration) { state.set(latency: latency) }
  package func meter(of provider: String) -> RequestMeter { state.meters[provider] ?? RequestMeter() }
  var meters: [String: RequestMeter] { state.meters }

  /// Microseconds since 1970.
  func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
}
