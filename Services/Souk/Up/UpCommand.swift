import ArgumentParser
import Kafka
import ServiceKit

/// `souk up`
struct UpCommand: AsyncParsableCommand, OperatorTool {
  static let environmentPrefix = SoukCommand.environmentPrefix
  static let formerVariables = SoukCommand.formerVariables
  static func sharesWithServices(_ option: String) -> Bool { SoukCommand.sharesWithServices(option) }

  static let configuration = CommandConfiguration(
    commandName: "up",
    abstract: "Start a whole system locally, load sample data, and print example queries.",
    discussion: """
      Starts an embedded Kafka broker, the private servers and the simulated source that the system needs, and its \
      services. A server or source is replaced by a real one where its address is given (DATABASE_URL, \
      KAFKA_BOOTSTRAP_SERVERS, S3_ENDPOINT, --influx-url, --prices, --bars). \(EmbeddedBroker.limits)
      Stops on Ctrl-C, every part in the reverse order of its start; a second Ctrl-C ends everything at once. \
      A service that ends unexpectedly is started again; one that reports a wrong setting stops the fleet.

      Examples:
        souk up
        souk up --system egx --bars ~/bars --exit
        souk up --replicas crawler=2,parser=2
        souk up --prices ~/prices --run-folder /tmp/prices-run
      """)

  @OptionGroup(title: "Fleet") var fleet: UpOptions
  @OptionGroup(title: "Real parts instead of embedded ones") var parts: EmbeddedParts
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  func run() async throws {
    try UpRun.check(fleet, parts, kafka)
    let screen = Screen.standardOutput()
    let stopping = stopSignals { screen.say("stopping… press Ctrl-C again to kill everything now") }
    let run = UpRun(
      options: fleet, parts: parts, kafka: kafka, replicas: try Replicas(text: fleet.replicas),
      folder: try RunFolder(fleet.runFolder), screen: screen, stopping: stopping)
    try await run.run()
  }
}
