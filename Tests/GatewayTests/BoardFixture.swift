import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Testing
import TestSupport
import Values

/// A gateway with a board, over an embedded broker whose records hold names in Hebrew and markup.
struct BoardFixture {
  /// In a name or a value this has to stay text.
  static let hostile = "<img src=x onerror=alert(1)> \"'&</td><script>alert(2)</script>"
  static let hebrew = "שופרסל דיל \u{202e}123"
  static let token = "a-token-of-operators"
  private static let python = ".souk/venv/bin/python"
  private static let script = #filePath.replacing("BoardFixture.swift", with: "board.py")

  let process: ServiceProcess
  let broker: EmbeddedBroker
  /// `http://127.0.0.1:8000`
  let base: String
  private let folder: PrivateFolder

  static func start(_ more: [String: String?] = [:], withData: Bool = true) async throws -> BoardFixture {
    let topics = ServiceCatalogue.gateway.tables + [
      Topics.filesDiscovered, Topics.filesDownloaded, Topics.alerts, Topics.batchJobs,
    ]
    let names = Set(topics.map(\.name) + [Topics.filesDownloaded.deadLetterName])
    let broker = try EmbeddedBroker(topics: names.sorted().map { ($0, 1) })
    if withData { try await fill(broker) }
    let redis = try await TestServers.redisWithModules()
    let folder = try PrivateFolder("board")
    let tokens = folder.path + "/tokens.yaml"
    try "tokens:\n  - {name: operators, token: \(token), scopes: [read, operate]}\n".write(
      toFile: tokens, atomically: true, encoding: .utf8)
    let (api, health) = (try FreePort.next(), try FreePort.next())
    let process = try await ServiceProcess.start("gateway", [], environment: [
      "API_PORT": "\(api)", "HTTP_PORT": "\(health)", "REDIS_URL": redis.url,
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "FLEET_ADDRESS": "127.0.0.1:\(health)",
    ].merging(more) { $1 }.mapValues { $0?.replacing("TOKENS", with: tokens) })
    try await process.awaitReady()
    return BoardFixture(process: process, broker: broker, base: "http://127.0.0.1:\(api)", folder: folder)
  }

  /// Ends the process and its folder.
  func stop() async -> LocalServers.ExitStatus {
    defer { folder.remove() }
    return await process.terminate()
  }

  private static func fill(_ broker: EmbeddedBroker) async throws {
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Logger(label: "test")))
    let now = WallClock.milliseconds()
    var batch = OutgoingBatch()
    func add(_ topic: String, _ key: String, _ value: String, _ headers: [Header] = []) {
      batch.append(topic: topic, key: Array(key.utf8), value: Array(value.utf8), headers: headers)
    }
    let names = "\"name\":\(quoted(hebrew)),\"text\":\(quoted(hostile))"
    let value = "{\"chain\":\"shufersal\",\(names),\"password\":\"secret1\"}"
    for number in 0..<8 { add(Topics.filesDownloaded.name, "key \(number)", value) }
    for number in 0..<3 { add(Topics.filesDiscovered.name, "\(hebrew) \(number)", value) }
    for number in 0..<5 {
      add(Topics.filesDownloaded.deadLetterName, hostile, value, [
        Header(HeaderName.topic, Topics.filesDownloaded.name), Header(HeaderName.partition, "0"),
        Header(HeaderName.offset, "\(number)"), Header(HeaderName.service, "parser"),
        Header(HeaderName.stage, "decode"),
        Header(HeaderName.errorClass, "data"), Header(HeaderName.errorCode, number < 3 ? "truncated" : "bad_message"),
        Header(HeaderName.errorMessage, "name: \(hostile), at byte 12"), Header(HeaderName.timestamp, "\(now)"),
      ])
    }
    let alert = Alert(
      kind: .listingEmpty, severity: .critical, service: "crawler", chain: "shufersal", subject: hebrew,
      occasion: "1", message: hostile, observedAt: try #require(Timestamp(microseconds: now * 1_000)))
    batch.append(topic: Topics.alerts.name, key: alert.key, value: alert.encoded(), headers: [])
    var gap = FeedGap(
      feed: "polygon-stocks", symbol: "AAPL", channels: ["trades"], fromNs: (now - 7_200_000) * 1_000_000,
      toNs: (now - 3_600_000) * 1_000_000, why: .disconnected, openedNs: (now - 7_200_000) * 1_000_000)
    gap.state = .unfillable
    gap.reason = hostile
    batch.append(topic: Topics.marketGaps.name, key: gap.key, value: gap.encoded(), headers: [])
    try await producer.send(batch)
    await producer.close()
    // downloader has done one of three, and has no member.
    let admin = try options.makeAdmin(clientID: "test", logger: Logger(label: "test"))
    try await admin.commit(group: "downloader", [TopicPartition(Topics.filesDiscovered.name, 0): 1])
  }

  private static func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return String(decoding: writer.array(), as: UTF8.self)
  }

  /// What board.py prints of these pages: lines `PANEL path id state reason`, and `FAULT …`.
  /// - Parameter mode: `read` for pages that no browser looks at.
  func look(_ paths: [String], in mode: String = "browse") async throws -> [String] {
    let outcome = try await ChildProcess.run(
      Launch(Self.python, [Self.script, base, mode] + paths), atMost: .seconds(900))
    try #require(outcome.status == .exited(0), "\(outcome.errorOutput.suffix(3_000))")
    return outcome.output.split(separator: "\n").map(String.init)
  }

  /// Until the gateway has read the topics of gaps and of jobs.
  func awaitTables() async throws {
    try await eventually("tables are read", timeout: .seconds(150), interval: .milliseconds(300)) {
      let pages = [try await curl("\(base)/board/gaps.json"), try await curl("\(base)/board/jobs.json")]
      return pages.allSatisfy { !$0.contains("\"away\"") }
    }
  }

  func curl(_ arguments: String...) async throws -> String {
    let launch = Launch(try Program.require("curl", package: "curl"), ["-s", "-i", "--max-time", "60"] + arguments)
    return try await ChildProcess.run(launch, atMost: .seconds(120)).output
  }
}
