import ArgumentParser
import Core
import Foundation
@testable import KafkaFlags
import Logging
import Testing

@testable import Kafka

@Suite struct SettingsTests {
  private let logger = Logger(label: "test")

  @Test func laterLayersWin() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "souk-kafka-\(UUID()).properties")
    defer { try? FileManager.default.removeItem(at: file) }
    try """
      # a comment
      ! another
      socket.timeout.ms = 1000
      linger.ms=1
      security.protocol=\\
        plaintext
      """.write(to: file, atomically: true, encoding: .utf8)
    let options = try KafkaOptions.parse([
      "--kafka-properties-file", file.path, "--kafka-properties", "linger.ms=2,client.rack=a\\,b,batch.size=3000",
      "--kafka-property", "batch.size=4000", "--kafka-property", "ssl.ca.location=/x=y",
      "--kafka-bootstrap-servers", "a:1,b:2",
    ])
    let properties = try options.producerConfiguration(clientID: "x", logger: logger).properties
    #expect(properties["socket.timeout.ms"] == "1000")
    #expect(properties["security.protocol"] == "plaintext")
    #expect(properties["linger.ms"] == "2")
    #expect(properties["client.rack"] == "a,b")
    #expect(properties["batch.size"] == "4000")
    #expect(properties["ssl.ca.location"] == "/x=y")
    #expect(properties["bootstrap.servers"] == "a:1,b:2")
    #expect(properties["acks"] == "all" && properties["enable.idempotence"] == "true")
    #expect(properties["partitioner"] == "murmur2_random")
  }

  @Test(arguments: ["enable.auto.commit=true", "auto.offset.reset=earliest", "acks=1", "enable.idempotence=false",
                    "group.id=x", "enable.auto.offset.store=true", "partitioner=random"])
  func propertiesTheProtocolStandsOnAreRefused(pair: String) throws {
    let options = try KafkaOptions.parse(["--kafka-property", pair])
    let error = try #require(throws: Failure.self) {
      _ = try options.consumerConfiguration(clientID: "x", topics: ["t"], logger: logger)
    }
    #expect(error.errorClass == .configuration)
    #expect(error.message.contains("--kafka-property") && error.message.contains(pair.prefix { $0 != "=" }))
  }

  /// A fetch answer is always complete, so its limit must be a part of the prefetch limit.
  @Test(arguments: [
    ([], 16_384, 1_000_000), (["--max-prefetch-bytes", "2MiB"], 2_048, 1_000_000),
    (["--max-prefetch-bytes", "64MiB"], 65_536, 2 << 20),
    // librdkafka refuses fetches smaller than the largest record.
    (["--kafka-property", "message.max.bytes=9000000"], 16_384, 9_000_000),
    (["--kafka-property", "fetch.max.bytes=3000000"], 16_384, 3_000_000),
    (["--kafka-property", "queued.max.messages.kbytes=1000"], 1_000, 1_000_000),
  ])
  func whatIsFetchedAheadIsBounded(arguments: [String], kilobytes: Int, fetch: Int) throws {
    let options = try KafkaOptions.parse(arguments)
    let consumer = try options.consumerConfiguration(clientID: "x", topics: ["t"], logger: logger).properties
    let table = try options.tableConfiguration(clientID: "x", topic: "t", logger: logger).properties
    for properties in [consumer, table] {
      #expect(properties["queued.max.messages.kbytes"] == "\(kilobytes)")
      #expect(properties["fetch.max.bytes"] == "\(fetch)")
    }
    // The library takes them.
    let configuration = try options.consumerConfiguration(clientID: "x", topics: ["t"], logger: logger)
    try Consumer(configuration).close()
  }

  @Test(arguments: [["--kafka-property", "no-equals"], ["--kafka-properties", "a=b,=c"],
                    ["--kafka-properties-file", "/does/not/exist"]])
  func malformedSettingsSayWhere(arguments: [String]) throws {
    let options = try KafkaOptions.parse(arguments)
    let error = try #require(throws: Failure.self) { _ = try options.overrides() }
    #expect(error.errorClass == .configuration && error.message.contains(arguments[0]))
  }

  @Test func unknownPropertiesAreConfigurationErrors() throws {
    let options = try KafkaOptions.parse(["--kafka-property", "no.such.thing=1"])
    let configuration = try options.consumerConfiguration(clientID: "x", topics: ["t"], logger: logger)
    let error = try #require(throws: Failure.self) { _ = try Consumer(configuration) }
    #expect(error.errorClass == .configuration && error.message.contains("no.such.thing"))
  }

  @Test func secretsAreNeverPrinted() throws {
    var properties = ClientProperties()
    let secrets = [
      "sasl.password", "ssl.key.password", "ssl.keystore.password", "sasl.oauthbearer.client.secret",
      "sasl.oauthbearer.config", "ssl.key.pem",
    ]
    for name in secrets { properties.setDefault(name, "hunter2") }
    properties.setDefault("sasl.username", "me")
    #expect(!"\(properties)".contains("hunter2") && "\(properties)".contains("sasl.username=me"))
    #expect(!String(reflecting: properties).contains("hunter2"))
    var dumped = ""
    dump(properties, to: &dumped)
    #expect(!dumped.contains("hunter2"))
    let options = try KafkaOptions.parse(["--kafka-properties", "sasl.password hunter2"])
    let error = try #require(throws: Failure.self) { _ = try options.overrides() }
    #expect(!error.description.contains("hunter2"))
  }

  @Test func startPositionsAreReadAndWrittenAlike() {
    #expect(StartPosition(argument: "earliest") == .earliest)
    #expect(StartPosition(argument: "latest") == .latest)
    #expect(StartPosition(argument: "2023-11-14T22:13:20Z") == .timestamp(1_700_000_000_000))
    #expect(StartPosition(argument: "2023-11-15T00:13:20.250+02:00") == .timestamp(1_700_000_000_250))
    #expect(StartPosition(argument: "yesterday") == nil)
    for position in [StartPosition.earliest, .latest, .timestamp(1_700_000_000_250), .timestamp(0)] {
      #expect(StartPosition(argument: position.description) == position)
    }
  }

  @Test func defaultsSuitTheLibraryThatRuns() throws {
    #expect(Library.assignmentStrategy(version: 0x0200_02ff) == "range")
    #expect(Library.assignmentStrategy(version: 0x020a_00ff) == "range")
    #expect(Library.assignmentStrategy(version: 0x020a_01ff) == "cooperative-sticky")
    #expect(Library.fetchQueueBackoff(version: 0x0200_02ff) == nil, "the library would refuse it")
    #expect(Library.fetchQueueBackoff(version: 0x0202_00ff) == "10")
    #expect(["zstd", "lz4"].contains(Library.compression) && Library.features.contains(Library.compression))
    let options = try KafkaOptions.parse([
      "--group-instance-id", "writer-0", "--kafka-property", "partition.assignment.strategy=roundrobin",
    ])
    let properties = try options.consumerConfiguration(clientID: "db-writer", topics: ["t"], logger: logger).properties
    #expect(properties["group.id"] == "db-writer" && properties["group.instance.id"] == "writer-0")
    #expect(properties["partition.assignment.strategy"] == "roundrobin")
    #expect(properties["enable.auto.commit"] == "false" && properties["auto.offset.reset"] == "error")
    #expect(properties["isolation.level"] == "read_committed" && properties["allow.auto.create.topics"] == "false")
  }

  @Test(arguments: [["--max-batch-records", "0"], ["--max-batch-bytes", "10"], ["--start-from", "noon"],
                    ["--on-gap", "skip"], ["--kafka-bootstrap-servers", ""]])
  func badFlagsAreRefused(arguments: [String]) {
    #expect(throws: (any Error).self) { _ = try KafkaOptions.parse(arguments) }
  }
}
