import ArgumentParser
import Foundation
import LocalServers
import Logging
import ProviderSimulator
import Runtime

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

  @Option(help: "The address to listen on.")
  var host = "127.0.0.1"
  @Option(help: "The port to listen on; 0 means any free one.")
  var port = 0
  @Option(help: ArgumentHelp("Write the port here once listening.", valueName: "path"))
  var portFile: String?
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
    guard step.duration >= .seconds(1), (1...10_000).contains(points), (0...65_535).contains(port) else {
      throw ValidationError("--step must be 1s or more, --points 1 to 10000, --port 0 to 65535")
    }
    for text in fault {
      do { _ = try Misbehaviour(text: text) } catch { throw ValidationError(error.message) }
    }
  }

  func run() async throws {
    var options = ProviderOptions()
    options.host = host
    options.port = port
    options.latency = latency.duration
    options.points = points
    options.faults = try fault.map { try Misbehaviour(text: $0) }
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    var logger = Logger(label: "provider-simulator")
    logger.logLevel = .warning
    let simulator = ProviderSimulator(
      SimulatedMarket(seed: seed, step: step.duration.components.seconds), options: options, logger: logger)
    let file = try portFile.map { try AddressFile($0) }
    let log = logger
    try await simulator.run(signals: true) { port in
      print("listening on http://\(simulator.options.host):\(port)")
      fflush(nil)
      do { try file?.write("\(port)") } catch {
        log.error("cannot write the port file", metadata: ["error": "\(error)"])
      }
    }
  }
}
