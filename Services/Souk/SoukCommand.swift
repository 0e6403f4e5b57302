import ArgumentParser
import Core
import Kafka
import ServiceKit

import Glibc

/// `souk`: runs a system locally, and looks after what the services share.
package struct SoukCommand: AsyncParsableCommand, OperatorTool {
  package static let configuration = CommandConfiguration(
    commandName: "souk", abstract: "Start a system locally; watch, repair and move what a fleet does.",
    version: Souk.version,
    subcommands: [
      UpCommand.self, BrokerCommand.self, TopicsCommand.self, LagCommand.self, TapCommand.self, TraceCommand.self,
      TopCommand.self, AuditCommand.self, InitCommand.self, DeadLettersCommand.self, ReplayCommand.self,
      RewindCommand.self, HealthCommand.self,
      RouteCommand.self, ModelsCommand.self, MastersCommand.self, BackfillCommand.self, BarsCommand.self,
      SplitsCommand.self, TickCommand.self, SubscribeCommand.self, BatchCommand.self, FeaturesCommand.self,
    ])

  package static let environmentPrefix = "SOUK_"
  package static let formerVariables: Set = [
    "SYSTEM", "PRICES", "BARS", "REPLICAS", "EXIT", "OUTAGES", "DEADLINE", "RUN_FOLDER", "DRAIN_TIMEOUT", "LIMIT",
    "PARTITIONS", "REPLICATION_FACTOR", "GATEWAY", "TOKEN_FILE", "TICKERS_FILE", "TICKERS", "YEARS", "PARALLEL",
  ]

  /// Where a server is and how to log in there is said once, for the services and for the tool.
  package static func sharesWithServices(_ option: String) -> Bool {
    ["kafka-", "redis-", "database-", "s3-", "aws-", "azure-", "influx-", "fetch-", "allow-", "embedding-", "http-",
     "topic-"].contains { option.hasPrefix($0) } || ["object-store", "data-sources", "features"].contains(option)
  }

  /// A Kafka that does not answer: what the services' `--check` says of it, without the library's own remarks.
  package static func explanation(of error: any ClassifiedError) -> String? {
    guard let error = error as? KafkaError, error.errorClass == .transient, error.refusal == nil else { return nil }
    let end = error.message.firstRange(of: " (after ")?.lowerBound ?? error.message.endIndex
    let reason = error.message[..<end]
    return """
      no answer from Kafka; check --kafka-bootstrap-servers and that the brokers run (\(error.operation): \(reason))
      """
  }

  package init() {}

  /// The program's entry point: never returns.
  package static func main() async { await Launcher.main(Self.self) }
}

/// Ctrl-C and SIGTERM, for the life of the process: the first raises what is returned, the second ends everything at
/// once (the kernel then kills the children).
func stopSignals(onFirst: @escaping @Sendable () -> Void = {}) -> Interruption {
  let requested = Interruption()
  _ = SignalTrap { _ in
    requested.raise()
    onFirst()
  } onSecond: { _exit($0) }
  return requested
}
