import SimulatorServer

/// An HTTP server with the APIs of market data providers. The first part of the path is the provider's name, which
/// may be any word:
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
  private let server: SimulatorServer

  package init(
    _ market: SimulatedMarket = SimulatedMarket(), options: ProviderOptions = ProviderOptions(),
    server: SimulatorServer = SimulatorServer("provider-simulator")
  ) {
    self.market = market
    self.options = options
    self.server = server
    state = ProviderState(options)
  }

  /// Serves until SIGTERM or SIGINT.
  package func run(_ listen: ListenOptions) async throws { try await listen.run(server, makeRouter()) }

  /// Runs the simulator while `body` runs, on a port of its own.
  package static func serving<Value: Sendable>(
    _ market: SimulatedMarket = SimulatedMarket(), options: ProviderOptions = ProviderOptions(),
    _ body: @Sendable (ProviderSimulator) async throws -> Value
  ) async throws -> Value {
    let simulator = ProviderSimulator(market, options: options)
    return try await simulator.server.serving({ simulator.makeRouter() }) {
      try await body(simulator)
    }
  }

  package var port: Int { server.port }
  package func url(of provider: String) -> String { "\(server.url)/\(provider)" }

  package func add(_ fault: Misbehaviour) { state.add(fault) }
  package func clearFaults() { state.clearFaults() }
  package func set(latency: Duration) { state.set(latency: latency) }
  package func meter(of provider: String) -> RequestMeter { state.meters[provider] ?? RequestMeter() }
  var meters: [String: RequestMeter] { state.meters }
}
