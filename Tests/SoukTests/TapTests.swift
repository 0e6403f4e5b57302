import ArgumentParser
import Catalogue
import Core
import Kafka
import Synchronization
import TestSupport
import Testing

@testable import Operations
@testable import SoukService

/// `souk tap` over a broker.
@Suite struct TapTests {
  private func withTopic(_ body: (EmbeddedBroker, Cluster, [String]) async throws -> Void) async throws {
    let broker = try EmbeddedBroker(topics: [("tapped", 2)])
    defer { broker.close() }
    let kafka = ["--kafka-bootstrap-servers", broker.bootstrapServers]
    try await body(broker, try Cluster(ClusterOptions.parse(kafka)), kafka)
  }

  private func produce(_ cluster: Cluster, _ records: [(key: String, value: String?, age: Int64)]) async throws {
    let now = WallClock.microseconds() / 1_000
    try await cluster.withProducer { producer in
      var batch = OutgoingBatch()
      for record in records {
        batch.append(
          topic: "tapped", key: Array(record.key.utf8), value: record.value.map { Array($0.utf8) },
          headers: [Header("souk-schema", "tapped")], timestamp: now - record.age * 1_000)
      }
      try await producer.send(batch)
    }
  }

  private func tap(
    _ cluster: Cluster, _ arguments: [String], width: Int? = nil, stop: Interruption = Interruption(),
    each: @escaping @Sendable (Int) -> Void = { _ in }
  ) async throws -> [String] {
    let lines = Mutex<[String]>([])
    let command = try TapCommand.parse(["tapped"] + arguments)
    _ = try await command.show(cluster, stop: stop, Terminal(width: width, hasColour: false)) { line in
      each(lines.withLock { lines in
        lines.append(line)
        return lines.count
      })
    }
    return lines.withLock { $0 }
  }

  @Test(.timeLimit(.minutes(10))) func whatIsThereSinceATimeByConditions() async throws {
    try await withTopic { _, cluster, _ in
      try await produce(cluster, [
        ("a", #"{"chain":"x","n":1,"token":"s3cret"}"#, 3_600), ("b", #"{"chain":"x","n":2,"token":"s3cret"}"#, 60),
        ("c", #"{"chain":"y","n":3}"#, 30), ("d", nil, 20),
      ])
      let all = try await tap(cluster, ["--from", "earliest", "--no-follow"])
      #expect(all.count == 4 && all.contains { $0.hasSuffix("(tombstone)") })
      #expect(!all.joined().contains("s3cret"))
      let recent = try await tap(cluster, ["--from", "10m", "--no-follow"])
      #expect(recent.count == 3 && !recent.contains { $0.contains(#""n":1"#) })
      let some = try await tap(cluster, ["--from", "1d", "--no-follow", "--where", "chain=x", "--where", "n>1"])
      #expect(some.count == 1 && some[0].contains(#"{"chain":"x","n":2,"token":"***"}"#))
      #expect(try await tap(cluster, ["--from", "1d", "--no-follow", "--key", "c"]).count == 1)
      // Stops by itself.
      #expect(try await tap(cluster, ["--from", "1d", "-n", "2"]).count == 2)
      #expect(try await tap(cluster, ["--from", "1d", "--no-follow"], width: 60).allSatisfy { $0.count <= 60 })
      let json = try await tap(cluster, ["--from", "1d", "--no-follow", "--key", "d", "-o", "json", "--headers"])
      let data = try #require(DataValue(parsing: Array(json[0].utf8)))
      #expect(data["value"] == .null && data["key"] == .text("d") && data["headers"]?["souk-schema"] == .text("tapped"))
    }
  }

  /// Without a time it shows what comes, and nothing that was there.
  @Test(.timeLimit(.minutes(10))) func liveFromTheEnd() async throws {
    try await withTopic { _, cluster, _ in
      try await produce(cluster, [("old", "{}", 60)])
      let stop = Interruption()
      async let shown = tap(cluster, [], stop: stop, each: { _ in stop.raise() })
      // Where the end was when the tap began is not known here, so records come until one is shown.
      while !stop.isRaised {
        try await produce(cluster, [("new", "{}", 0)])
        _ = await stop.sleep(for: .milliseconds(50))
      }
      let lines = try await shown
      #expect(lines.count == 1 && lines[0].contains("  new  "))
    }
  }

  @Test(arguments: [["--no-follow"], ["-n", "0"], ["--from", "noon"], ["--where", "chain"], ["--partition", "-1"]])
  func wrongArgumentsAreFoundFirst(_ arguments: [String]) {
    #expect(throws: (any Error).self) { _ = try TapCommand.parse(["tapped"] + arguments) }
  }

  @Test(.timeLimit(.minutes(10))) func aWrongPartitionIsNamed() async throws {
    try await withTopic { _, cluster, _ in
      let failure = try await #require(throws: Failure.self) {
        _ = try await tap(cluster, ["--from", "earliest", "--no-follow", "--partition", "7"])
      }
      #expect(failure.message == "tapped has 2 partitions and no number 7")
    }
  }
}
