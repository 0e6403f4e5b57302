import ArgumentParser
import Catalogue
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Testing
import TestSupport

/// The executable against a stub of TradingView that is not of this project, from the folder of cases.
@Suite(.enabled(
  if: Stub.script != nil && Stub.python != nil,
  "SOUK_REAL_DATA names no folder of cases, or .souk/venv/bin/python has no websockets (make deps)"))
struct StubTests {
  @Test(arguments: [
    // Paged beyond what one answer gives; a frame that is cut off; live updates and heartbeats in between; no volume,
    // and a bar of nulls; opens around the change of clocks; a handshake that is refused twice.
    ("many", ["--n-bars", "6000", "--max-bars", "10000"], 6_000), ("badenvelope", [], 1),
    ("batched", ["--n-bars", "300"], 300), ("novolume", [], 4), ("tz", [], 6), ("429", [], 1),
  ])
  func scenarios(_ scenario: String, _ arguments: [String], _ count: Int64) async throws {
    let port = try FreePort.next()
    var launch = Launch(try #require(Stub.python), [try #require(Stub.script), scenario, "\(port)"])
    launch.output = .discard
    let stub = try await ChildProcess.start(launch)
    try await eventually("the stub listens") { await LoopbackHTTP.shared.get(port: port, path: "/") != nil }
    let topic = Topics.marketData
    let broker = try EmbeddedBroker(topics: [(topic.name, Int(topic.partitions))])
    defer { broker.close() }
    let outcome = try await ServiceProcess.run("egx-producer", [
      "--source", "tradingview+ws://127.0.0.1:\(port)/socket.io/websocket", "--symbols", "COMI", "--once",
      "--bootstrap", broker.bootstrapServers, "--http-port", "0",
    ] + arguments)
    await stub.stop()
    #expect(outcome.status == .exited(0), "\(outcome)")
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    let admin = try options.makeAdmin(clientID: "test", logger: quiet)
    let marks = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    #expect(marks.values.reduce(0) { $0 + $1.high } == count, "\(outcome)")
  }
}

private enum Stub {
  static let script = Captures.cases.map { "\($0)/tradingview-many.py" }
    .flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
  static let python: String? = {
    let process = Process()
    process.executableURL = URL(filePath: ".souk/venv/bin/python")
    process.arguments = ["-c", "import websockets.asyncio.server"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    process.waitUntilExit()
    return process.terminationStatus == 0 ? ".souk/venv/bin/python" : nil
  }()
}
