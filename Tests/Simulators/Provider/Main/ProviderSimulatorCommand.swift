import ArgumentParser
import Core
import Options
import ProviderSimulator
import SimulatorServer

/// Serves invented market data until stopped.
@main
struct ProviderSimulatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provider-simulator",
    abstract: "Providers of market data with invented prices and demands, for demos and tests.",
    discussion: """
      Prices follow an oil price with noise, demand is intermittent; both are functions of material, country, time and \
      seed, for any time (at=). Answers in the shapes of Yahoo Finance (/<provider>/v8/finance/chart/<symbol>), Alpha \
      Vantage (/<provider>/query?function=<symbol>), JSON and CSV (/<provider>/series/<material>/<country>.json). \
      GET /_provider/stats counts requests by provider; POST /_provider/faults?fault=outage@yahoo misbehaves.
      """,
    version: Souk.version)

  @OptionGroup var listen: ListenOptions
  @Option(help: "What the market is drawn from.")
  var seed: UInt64 = 1
  @Option(help: "The time from one value of a series to the next, in whole seconds.")
  var step = DurationSetting(.seconds(3_600))
  @Option(help: "Values in one answer.")
  var points = 24
  @Option(help: "How long every answer takes.")
  var latency = DurationSetting(.zero)
  @Option(parsing: .singleValue, help: ArgumentHelp(
    "Misbehave: mode[:value][@provider][*times] (repeatable). Modes: "
      + Misbehaviour.Mode.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "fault"))
  var fault: [String] = []

  func validate() throws {
    guard step.duration >= .seconds(1), (1...10_000).contains(points) else {
      throw ValidationError("--step must be 1s or more, --points 1 to 10000")
    }
    for text in fault {
      do { _ = try Misbehaviour(text: text) } catch { throw ValidationError(error.message) }
    }
  }

  func run() async throws {
    var options = ProviderOptions()
    options.latency = latency.duration
    options.points = points
    options.faults = try fault.map { try Misbehaviour(text: $0) }
    let market = SimulatedMarket(seed: seed, step: step.duration.components.seconds)
    try await ProviderSimulator(market, options: options, server: listen.server("provider-simulator")).run(listen)
  }
}
