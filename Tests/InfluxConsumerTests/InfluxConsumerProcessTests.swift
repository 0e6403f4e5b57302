import ArgumentParser
import Catalogue
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Synchronization
import Testing
import TestSupport

/// Inputs that once failed, beside the real files that `SOUK_REAL_DATA` names.
private let casesFolder = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].map { "\($0)/../cases" }

/// The executable, as an operator runs it, with real databases and the embedded broker.
@Suite struct InfluxConsumerProcessTests {
  private static let logger = Logger(label: "influx-consumer-tests")
  private static let topics = [Topics.marketData, Topics.marketData.deadLetters]
    .map { (name: $0.name, partitions: Int($0.partitions)) }

  private func bar(_ symbol: String, minute: Int, close: String) -> [UInt8] {
    let time = "2025-01-20T\(10 + minute / 60):\(minute % 60 < 10 ? "0" : "")\(minute % 60):00"
    return Array("""
      {"symbol":"\(symbol)","exchange":"EGX","interval":"1 Minute","datetime":"\(time)","open":1.5,"high":2.5,\
      "low":1.0,"close":\(close),"volume":100}
      """.utf8)
  }

  private func environment(_ broker: EmbeddedBroker, _ more: [String: String]) -> [String: String?] {
    [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "LINGER": "50ms", "RETRY_CAP": "1s",
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
    ].merging(more) { $1 }
  }

  private func send(_ broker: EmbeddedBroker, _ records: [(symbol: String, value: [UInt8])]) async throws {
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
    var batch = OutgoingBatch()
    for record in records {
      batch.append(topic: Topics.marketData.name, key: Array(record.symbol.utf8), value: record.value, headers: [])
    }
    try await producer.send(batch)
    await producer.close()
  }

  private func deadLetters(_ broker: EmbeddedBroker) async throws -> Int64 {
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let topic = Topics.marketData.deadLetters
    let admin = try options.makeAdmin(clientID: "test", logger: Self.logger)
    let marks = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    return marks.values.reduce(0) { $0 + $1.high }
  }

  private struct Answer: Decodable {
    struct Result: Decodable { var series: [Series]? }
    struct Series: Decodable { var values: [[Double?]] }
    var results: [Result]
  }

  /// The one row of numbers a query gives.
  private func numbers(_ server: PrivateInfluxDB, _ database: String, _ query: String) async throws -> [Double] {
    guard let text = await server.query(query, database: database) else { return [] }
    return try JSONDecoder().decode(Answer.self, from: Data(text.utf8)).results.first?.series?.first?.values
      .first?.compactMap { $0 } ?? []
  }

  @Test func barsSurviveInvalidOnesAnOutageAndARepeat() async throws {
    let server = try await PrivateInfluxDB.start()
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let environment = environment(broker, ["INFLUX_URL": server.url, "INFLUX_DATABASE": "egx"])
    // A database that is missing is for the operator.
    let refused = try await ServiceProcess.run(
      "influx-consumer", [], environment: environment.merging(["HTTP_PORT": "0"]) { $1 })
    #expect(refused.status == .exited(78), "\(refused.output)\(refused.errorOutput)")
    #expect((refused.output + refused.errorOutput).contains("--influx-create-database"))

    let symbols = ["COMI", "ETEL", "ABUK", "FWRY"]
    var records = symbols.flatMap { symbol in
      (0..<60).map { (symbol: symbol, value: bar(symbol, minute: $0, close: "\($0 + 1)")) }
    }
    // A number elsewhere, a text here: the mapping says which it is.
    records.insert((symbol: "COMI", value: bar("COMI", minute: 61, close: "\"much\"")), at: 30)
    records.insert((symbol: "ETEL", value: Array("no bar".utf8)), at: 90)
    try await send(broker, records)
    let consumer = try await ServiceProcess.start(
      "influx-consumer", ["--influx-create-database"], environment: environment)
    try await consumer.awaitReady()
    try await eventually("240 points", interval: .milliseconds(200)) {
      try await numbers(server, "egx", "SELECT count(close), sum(close) FROM stock_price") == [0, 240, 7_320]
    }
    try await eventually("two dead letters") { try await deadLetters(broker) == 2 }
    // Those behind a refused point are written a second time, and noted again.
    try await eventually("the latency of each is noted") {
      await consumer.metrics().sum("souk_influx_queryable_seconds_count") ?? 0 >= 240
    }

    // While the server is away everything waits, and nothing becomes a dead letter.
    await server.halt()
    try await send(broker, symbols.map { (symbol: $0, value: bar($0, minute: 100, close: "1000")) })
    try await eventually("not ready") { await consumer.get("/readyz")?.status == 503 }
    try await server.resume()
    try await eventually("244 points", interval: .milliseconds(200)) {
      try await numbers(server, "egx", "SELECT count(close), sum(close) FROM stock_price") == [0, 244, 11_320]
    }
    #expect(await consumer.terminate() == .exited(0))

    // The same records once more, the bad ones too: nothing is added.
    let again = try await ServiceProcess.start(
      "influx-consumer", ["--group-id", "again"], environment: environment)
    try await again.awaitReady()
    try await eventually("all are written again") { await again.metrics().sum("souk_records_kept_total") == 244 }
    #expect(try await numbers(server, "egx", "SELECT count(close), sum(close) FROM stock_price") == [0, 244, 11_320])
    #expect(await again.terminate() == .exited(0))
    #expect(try await deadLetters(broker) == 4)
    await server.stop()
  }

  /// Bars with numbers as text, nulls, and what is no number, among good ones, in two orders.
  @Test(.enabled(if: casesFolder != nil, "SOUK_REAL_DATA names no folder of cases"), arguments: ["bars", "bars-b"])
  func noRecordDeterminesAType(_ name: String) async throws {
    let server = try await TestServers.influx()
    let database = "types_" + TestServers.uniqueName()
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let path = "\(try #require(casesFolder))/influx-types/\(name).jsonl"
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 12)
    // In one partition, so that their order is that of the file.
    try await send(broker, lines.map { (symbol: "A", value: Array($0.utf8)) })
    let consumer = try await ServiceProcess.start(
      "influx-consumer", ["--influx-create-database"],
      environment: environment(broker, ["INFLUX_URL": server.url, "INFLUX_DATABASE": database]))
    try await eventually("8 points", interval: .milliseconds(200)) {
      try await numbers(server, database, "SELECT count(close) FROM stock_price").last == 8
    }
    try await eventually("4 dead letters") { try await deadLetters(broker) == 4 }
    try await eventually("all are accounted for") {
      await consumer.metrics().sum("souk_records_dead_lettered_total") == 4
    }
    #expect(await consumer.terminate() == .exited(0))
    #expect(try await deadLetters(broker) == 4, "each once")
  }

  /// 429 with a time, then 503: everything waits and is sent again, nothing is dead-lettered.
  @Test func aBusyServerIsRetried() async throws {
    struct State {
      var refusals = ["429 Too Many Requests", "503 Service Unavailable", "503 Service Unavailable"]
      var refused = 0
      var bodies: [[UInt8]] = []
    }
    final class Shared: Sendable { let state = Mutex(State()) }
    let shared = Shared()
    let server = try HostileServer { request, connection in
      guard request.line.hasPrefix("POST /write") else { return connection.answer("204 No Content") }
      let refusal = shared.state.withLock { state -> String? in
        // The first body holds no point: it asks whether the database is there.
        guard !state.bodies.isEmpty, !state.refusals.isEmpty else {
          state.bodies.append(request.body)
          return nil
        }
        state.refused += 1
        return state.refusals.removeFirst()
      }
      connection.answer(refusal ?? "204 No Content", headers: refusal == nil ? [] : ["Retry-After: 1"])
    }
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    try await send(broker, (0..<60).map { (symbol: "COMI", value: bar("COMI", minute: $0, close: "\($0)")) })
    let consumer = try await ServiceProcess.start(
      "influx-consumer", ["--influx-gzip-level", "0"],
      environment: environment(broker, ["INFLUX_URL": server.url, "INFLUX_DATABASE": "egx"]))
    try await eventually("everything is taken in the end") {
      await consumer.metrics().sum("souk_records_kept_total") == 60
    }
    let (lines, refused) = shared.state.withLock { state in
      (state.bodies.dropFirst().flatMap { String(decoding: $0, as: UTF8.self).split(separator: "\n") }, state.refused)
    }
    #expect(refused == 3)
    #expect(Set(lines).count == 60)
    #expect(await consumer.terminate() == .exited(0))
    #expect(try await deadLetters(broker) == 0)
  }

  @Test func aReplacedTokenIsSentWithoutARestart() async throws {
    let server = try HostileServer { _, connection in connection.answer("204 No Content") }
    func sent(_ token: String) -> Bool { server.requests.contains { $0.headers["authorization"] == "Token \(token)" } }
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/token"
      try "canary-first\n".write(toFile: file, atomically: true, encoding: .utf8)
      let broker = try EmbeddedBroker(topics: Self.topics)
      defer { broker.close() }
      let consumer = try await ServiceProcess.start("influx-consumer", environment: environment(
        broker, ["INFLUX_URL": server.url, "INFLUX_BUCKET": "egx", "INFLUX_TOKEN_FILE": file]))
      try await eventually("the token is sent") { sent("canary-first") }
      try "canary-second\n".write(toFile: file, atomically: true, encoding: .utf8)
      try await send(broker, [(symbol: "COMI", value: bar("COMI", minute: 1, close: "1"))])
      try await eventually("the new one is sent") { sent("canary-second") }
      #expect(await consumer.terminate() == .exited(0))
      #expect(!consumer.log.contains { $0.contains("canary") })
    }
  }

  /// A server whose name does not resolve, or whose name server never answers, from the start.
  @Test(arguments: ["missing", "stalled"])
  func anUnresolvableServerIsRetried(fault: String) async throws {
    let server = try HostileServer { _, connection in connection.answer("204 No Content") }
    try await withTemporaryDirectory { folder in
      let resolver = try await FailingResolver(folder: folder)
      let broker = try EmbeddedBroker(topics: Self.topics)
      defer { broker.close() }
      try await send(broker, (0..<60).map { (symbol: "COMI", value: bar("COMI", minute: $0, close: "\($0)")) })
      let url = "http://influx.\(fault).test:\(server.port)"
      let consumer = try await ServiceProcess.start(
        "influx-consumer", ["--influx-timeout", "1s"], environment: environment(
          broker, ["INFLUX_URL": url, "INFLUX_DATABASE": "egx"]).merging(resolver.environment) { $1 })
      try await eventually("tried again and again") {
        if let status = consumer.status { throw ConditionNotMet(description: "ended: \(status) \(consumer.log)") }
        return consumer.log.filter { $0.contains("waiting for the server") }.count >= 3
      }
      #expect(await consumer.get("/livez")?.status == 200)
      resolver.recover()
      try await eventually("everything is taken in the end") {
        await consumer.metrics().sum("souk_records_kept_total") == 60
      }
      #expect(await consumer.terminate() == .exited(0))
      #expect(try await deadLetters(broker) == 0)
    }
  }

  @Test func pointsOutsideRetentionNeverBlock() async throws {
    let server = try await TestServers.influx()
    let database = "old_" + TestServers.uniqueName()
    _ = await server.query("CREATE DATABASE \(database) WITH DURATION 1h")
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let now = Date.now.timeIntervalSince1970
    let recent = Date(timeIntervalSince1970: now - 60).formatted(.iso8601)
    try await send(broker, [
      (symbol: "COMI", value: bar("COMI", minute: 1, close: "1")),
      (symbol: "COMI", value: Array(#"{"symbol":"COMI","observed_at":"\#(recent)","close":2}"#.utf8)),
    ])
    let consumer = try await ServiceProcess.start(
      "influx-consumer", environment: environment(broker, ["INFLUX_URL": server.url, "INFLUX_DATABASE": database]))
    try await consumer.awaitReady()
    try await eventually("the recent one") {
      try await numbers(server, database, "SELECT count(close), sum(close) FROM stock_price").dropFirst() == [1, 2]
    }
    try await eventually("both are accounted for") {
      let metrics = await consumer.metrics()
      return metrics.sum("souk_influx_points_outside_retention_total") == 1
        && metrics.sum("souk_records_kept_total") == 2
    }
    #expect(await consumer.terminate() == .exited(0))
    #expect(try await deadLetters(broker) == 0)
  }

  @Test func victoriaMetricsTakesPointsByTheV2API() async throws {
    let server = try await PrivateVictoriaMetrics.start()
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    try await send(broker, (0..<20).map { (symbol: "COMI", value: bar("COMI", minute: $0, close: "\($0)")) })
    let environment = environment(broker, ["INFLUX_URL": server.url, "INFLUX_BUCKET": "egx", "INFLUX_TOKEN": "any"])
    let checked = try await ServiceProcess.run("influx-consumer", ["--check"], environment: environment)
    #expect(checked.status.isSuccess, "\(checked.output)\(checked.errorOutput)")
    let consumer = try await ServiceProcess.start("influx-consumer", environment: environment)
    try await consumer.awaitReady()
    struct Line: Decodable { var values: [Double]; var timestamps: [Int64] }
    try await eventually("20 samples", interval: .milliseconds(250)) {
      let text = await server.export("stock_price_close") ?? ""
      let lines = try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
      guard let line = lines.first else { return false }
      return line.values == (0..<20).map(Double.init) && line.timestamps.first == 1_737_360_000_000
    }
    #expect(await consumer.terminate() == .exited(0))
    await server.stop()
  }
}
