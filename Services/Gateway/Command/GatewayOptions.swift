import ArgumentParser
import Core
import Options

/// The flags of the door and of what stands behind it.
package struct GatewayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Port of the API; 0 picks a free one, which the log line 'serving' names."))
  package var apiPort: UInt16 = 8000

  @Option(help: ArgumentHelp("Address that the API listens on.", valueName: "address"))
  package var apiHost = "127.0.0.1"

  @Option(help: ArgumentHelp(
    "YAML file of bearer tokens and what they may do; without it anyone may read, and no one subscribe.",
    valueName: "path"))
  package var tokensFile: String?

  @Option(help: ArgumentHelp("Requests of one client in a second; 0 for no limit.", valueName: "count"))
  package var rateLimit = 0

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "Origin whose pages may read answers in a browser (repeatable); * for all.", valueName: "origin"))
  package var corsOrigin: [String] = []

  @Option(help: ArgumentHelp("A last tick that is older is said to be stale.", valueName: "duration"))
  package var staleAfter = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp("Clients that may listen to live events at once.", valueName: "count"))
  package var maxListeners = 500

  @Option(help: ArgumentHelp("Events that may wait for one client that listens.", valueName: "count"))
  package var listenerBacklog = 5_000

  @Option(help: ArgumentHelp("Live events that are kept for clients that come back.", valueName: "count"))
  package var eventHistory = 20_000

  @Option(help: ArgumentHelp(
    "Whether there is a Kafka; without it the API answers out of Redis alone.", valueName: "true|false"))
  package var kafkaEnabled = true

  package init() {}

  package func validate() throws {
    guard rateLimit >= 0, maxListeners > 0, listenerBacklog > 0, eventHistory >= 0 else {
      throw ValidationError(
        "--max-listeners and --listener-backlog must be above 0, --rate-limit and --event-history not below")
    }
    guard staleAfter.duration > .zero else { throw ValidationError("--stale-after must be above 0") }
  }

  func access() throws(Failure) -> Access {
    guard let tokensFile else { return .open }
    let text = String(decoding: try readFile(tokensFile, limit: 1 << 20), as: UTF8.self)
    return try Access(yaml: text, origin: tokensFile)
  }
}
