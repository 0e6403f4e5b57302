import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import Synchronization
import TestSupport
import Testing

@testable import Operations
@testable import SoukService

/// `souk top` and `souk audit` over processes that answer, and a broker.
@Suite struct LiveFleetTests {
  /// A parser, as far as its HTTP says.
  private static func parser(_ metrics: @escaping @Sendable () -> String) throws -> HostileServer {
    try HostileServer { request, connection in
      switch request.path {
      case "/metrics":
        connection.answer("200 OK", headers: ["Content-Type: text/plain; version=0.0.4"], body: """
          souk_build_info{service="parser",version="1"} 1
          \(metrics())

          """)
      case "/readyz":
        connection.answer("503 Service Unavailable", body: """
          {"status":"unavailable","checks":[{"name":"kafka","ok":false,"reason":"no broker"}]}
          """)
      default: connection.answer("404 Not Found")
      }
    }
  }

  private func look(_ arguments: [String]) async throws -> FleetProbe.Look {
    let probe = try FleetProbe(try TopCommand.parse(arguments).fleet.places)
    defer { probe.close() }
    return try await probe.look()
  }

  /// Every address of a name is asked, also where it has one of each family.
  @Test(.timeLimit(.minutes(10))) func topAsksTheAddressesOfAName() async throws {
    let server = try Self.parser { "souk_records_consumed_total 5" }
    let found = try await look(["--dns", "localhost:\(server.port)"])
    #expect(found.answers.map(\.service) == ["parser"])
    #expect(found.answers.first?.address == "127.0.0.1:\(server.port)")
    #expect(found.answers.first?.unready == "kafka: no broker")
    #expect(found.silent.allSatisfy { $0.address.hasPrefix("[::1]:") }, "\(found.silent)")
    let error = try await #require(throws: Failure.self) { _ = try await look(["--dns", "no-such-host.invalid:1"]) }
    #expect(error.code == "name_unresolved" && error.message.contains("no-such-host.invalid"))
  }

  /// The targets of a real Prometheus.
  @Test(.timeLimit(.minutes(10))) func topAsksTheTargetsOfPrometheus() async throws {
    let server = try Self.parser { "souk_records_consumed_total 5" }
    let prometheus = try await PrivatePrometheus.start { _ in
      """
      global: {scrape_interval: 1s}
      scrape_configs:
        - job_name: souk
          static_configs: [{targets: ["127.0.0.1:\(server.port)"]}]
      """
    }
    try await eventually("the target") {
      try await look(["--prometheus", "http://127.0.0.1:\(prometheus.port)/"]).answers.map(\.service) == ["parser"]
    }
    await prometheus.stop()
    // Something else that answers names no targets.
    let error = try await #require(throws: Failure.self) { _ = try await look(["--prometheus", server.url]) }
    #expect(error.code == "no_targets")
  }

  /// What the parser says is set against the broker: first it adds up, then each figure is made wrong in turn.
  @Test(.timeLimit(.minutes(10))) func theAuditNamesWhatDoesNotAddUp() async throws {
    let (input, output) = (Topics.filesDownloaded, Topics.productsIngest)
    let broker = try EmbeddedBroker(topics: [(input.name, 2), (output.name, 1), (input.deadLetterName, 2)])
    defer { broker.close() }
    let kafka = ["--kafka-bootstrap-servers", broker.bootstrapServers]
    let cluster = try Cluster(ClusterOptions.parse(kafka))
    try await cluster.withProducer { producer in
      var batch = OutgoingBatch()
      for number in 0..<20 { batch.append(topic: input.name, key: Array("\(number)".utf8), value: [1]) }
      for _ in 0..<7 { batch.append(topic: output.name, key: nil, value: [1]) }
      batch.append(topic: input.deadLetterName, key: nil, value: [1])
      try await producer.send(batch)
    }
    let ends = try await cluster.admin.watermarks([TopicPartition(input.name, 0), TopicPartition(input.name, 1)])
      .mapValues(\.high)
    #expect(ends.values.reduce(0, +) == 20)
    try await cluster.admin.commit(group: "parser", ends)
    let first = ends[TopicPartition(input.name, 0)] ?? 0

    struct Numbers { var (consumed, kept, produced, dead, committed) = (20, 19, 7, 1, Int64(0)) }
    let numbers = Mutex(Numbers())
    numbers.withLock { $0.committed = first }
    let server = try Self.parser {
      let now = numbers.withLock { $0 }
      return """
        souk_records_consumed_total{topic="\(input.name)"} \(now.consumed)
        souk_records_kept_total{topic="\(input.name)"} \(now.kept)
        souk_records_produced_total{topic="\(output.name)"} \(now.produced)
        souk_records_dead_lettered_total{code="x"} \(now.dead)
        souk_kafka_committed_offset{group="parser",topic="\(input.name)",partition="0"} \(now.committed)
        souk_kafka_committed_offset{group="parser",topic="\(input.name)",partition="1"} 0
        """
    }
    let command = try AuditCommand.parse(["--address", "127.0.0.1:\(server.port)"] + kafka)
    let whole = try await command.audit(cluster)
    #expect(whole.addsUp, "\(whole.report.notes)")
    #expect(whole.report.notes == ["every record is accounted for: 1 service, 2 partitions"])

    numbers.withLock { $0.kept = 17 }
    let lost = try await command.audit(cluster)
    #expect(!lost.addsUp && lost.report.notes == ["parser: 2 records are in no column"])

    numbers.withLock { ($0.kept, $0.committed) = (19, first + 3) }
    let ahead = try await command.audit(cluster)
    #expect(ahead.findings.map(\.partition) == ["\(input.name)/0"])
    #expect(ahead.findings.first?.words == "its process says that \(first + 3) is committed, and Kafka has \(first)")

    numbers.withLock { ($0.committed, $0.produced) = (first, 9) }
    let short = try await command.audit(cluster)
    #expect(short.findings == [
      PartitionFinding(group: "parser", partition: output.name, words: "9 records produced, and the topic has had 7"),
    ])

    numbers.withLock { ($0.produced, $0.dead, $0.kept) = (7, 2, 18) }
    let letters = try await command.audit(cluster)
    #expect(letters.findings.map(\.words) == ["2 records dead-lettered, and the topic has had 1"])
    #expect(letters.findings.first?.partition == input.deadLetterName)
    let failure = try await #require(throws: ExitCode.self) { try await command.run() }
    #expect(failure.rawValue == 2)

    // A commit beyond the end of a partition, as when a topic was deleted and made anew.
    numbers.withLock { ($0.dead, $0.kept) = (1, 19) }
    try await cluster.admin.commit(group: "parser", [TopicPartition(input.name, 0): first + 5])
    let beyond = try await command.audit(cluster)
    #expect(beyond.findings.first?.words.contains("the topic ends at \(first): was it made anew?") == true)
    let lines = beyond.report.lines(Terminal(width: 80, hasColour: false))
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
  }
}
