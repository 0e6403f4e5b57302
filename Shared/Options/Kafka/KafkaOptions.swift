import ArgumentParser
import Core
import Foundation
import Kafka
import Logging
import Options

/// What a consumed record's acknowledgement promises.
package enum DeliveryGuarantee: String, Sendable, CaseIterable, ExpressibleByArgument {
  case atLeastOnce = "at-least-once"
  case exactlyOnce = "exactly-once"
}

/// Everything an operator can say about Kafka.
package struct KafkaOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Brokers to connect to first.", valueName: "host:port,..."))
  package var kafkaBootstrapServers = "localhost:9092"

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("Any librdkafka property, such as TLS and SASL settings; repeatable.", valueName: "name=value"))
  package var kafkaProperty: [String] = []

  @Option(help: ArgumentHelp("librdkafka properties in one text; a comma in a value is written \\,.",
                             valueName: "name=value,..."))
  package var kafkaProperties: String?

  @Option(help: ArgumentHelp("File of librdkafka properties, one name=value per line.", valueName: "path"))
  package var kafkaPropertiesFile: String?

  @OptionGroup package var fleet: FleetNameOptions

  @Option(help: ArgumentHelp("Consumer group (default: the service's name).", valueName: "name"))
  package var groupId: String?

  @Option(help: ArgumentHelp("Name of this instance inside the group, no other's and the same at each start (a "
                             + "StatefulSet pod's name): a restart within session.timeout.ms moves no partition, and "
                             + "one that goes for good leaves its partitions idle that long.", valueName: "name"))
  package var groupInstanceId: String?

  @Option(help: ArgumentHelp("Where a partition without a committed offset starts.",
                             valueName: "earliest|latest|time"))
  package var startFrom: StartPosition = .earliest

  @Option(help: "What to do when records were deleted before they were read.")
  package var onGap: GapPolicy = .stop

  @Option(help: "exactly-once adds transactions, for readers that read committed records only.")
  package var delivery: DeliveryGuarantee = .atLeastOnce

  @Option(help: ArgumentHelp("Most records handed over at once.", valueName: "count"))
  package var maxBatchRecords = 5_000

  @Option(help: ArgumentHelp("Most bytes of keys and values handed over at once.", valueName: "bytes"))
  package var maxBatchBytes = ByteSize.mib(4)

  @Option(help: ArgumentHelp("Bytes librdkafka may fetch ahead.", valueName: "bytes"))
  package var maxPrefetchBytes = ByteSize.mib(16)

  @Option(help: ArgumentHelp("Bytes that may wait for acknowledgement before producing waits.", valueName: "bytes"))
  package var maxInFlightBytes = ByteSize.mib(64)

  package init() {}

  package func validate() throws {
    if kafkaBootstrapServers.isEmpty { throw ValidationError("--kafka-bootstrap-servers is empty") }
    if maxBatchRecords < 1 { throw ValidationError("--max-batch-records has to be at least 1") }
    for (name, size) in [("batch", maxBatchBytes), ("prefetch", maxPrefetchBytes), ("in-flight", maxInFlightBytes)]
    where size.bytes < 1_024 {
      throw ValidationError("--max-\(name)-bytes has to be at least 1KiB")
    }
  }
}

/// What tells a fleet from others on the same cluster.
package struct FleetNameOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Put before the names of all topics, consumer groups and transactional ids, so that fleets share a cluster.",
    valueName: "prefix"))
  package var topicPrefix: String?

  package init() {}

  package func validate() throws {
    if let topicPrefix, let problem = ClusterNames.problem(topicPrefix) {
      throw ValidationError("--topic-prefix '\(topicPrefix)': \(problem)")
    }
  }

  package var names: ClusterNames { ClusterNames(prefix: topicPrefix ?? "") }
}

extension StartPosition: ExpressibleByArgument, CustomStringConvertible {
  /// `earliest`, `latest`, or an RFC 3339 time such as `2026-01-31T06:00:00Z` or `2026-01-31T08:00:00.5+02:00`.
  package init?(argument: String) {
    switch argument {
    case "earliest": self = .earliest
    case "latest": self = .latest
    default:
      let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
      guard let date = (try? Date(argument, strategy: .iso8601)) ?? (try? Date(argument, strategy: fractional)) else {
        return nil
      }
      self = .timestamp(Int64((date.timeIntervalSince1970 * 1_000).rounded()))
    }
  }

  package var description: String {
    switch self {
    case .earliest: "earliest"
    case .latest: "latest"
    case .timestamp(let milliseconds):
      Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
        .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: milliseconds % 1_000 != 0))
    }
  }

  package var defaultValueDescription: String { description }
}

extension GapPolicy: ExpressibleByArgument {}
