import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import Redis
import Testing
import TestSupport

/// The program schemathesis makes requests of the OpenAPI document, right ones and wrong ones, and holds the answers
/// against it. With what it needs it is 90 MiB, and it takes more than a minute, so `make test` does without:
/// `.souk/venv/bin/pip install schemathesis`, then
/// `SOUK_TEST_SCHEMATHESIS=1 make test TEST="--filter SchemathesisTests"`.
@Suite(.timeLimit(.minutes(20))) struct SchemathesisTests {
  private static let program = Program.find("schemathesis", in: Program.environmentFolders)
  private static let token = "0123456789abcdef-s"

  @Test(.enabled(
    if: ProcessInfo.processInfo.environment["SOUK_TEST_SCHEMATHESIS"] != nil, "SOUK_TEST_SCHEMATHESIS is not set"))
  func itFindsNothing() async throws {
    let server = try await PrivateRedis.start(modules: true)
    let redis = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    let stamp = WallClock.milliseconds() / 60_000 * 60_000
    var commands = [
      RedisCommand("HSET", "trade:AAPL", "event_ns", "\(stamp * 1_000_000)", "price", "187.10", "size", "5"),
      RedisCommand("HSET", "feat:{AAPL}", "1m:rsi14", "57.3", "1m:start_ns", "\(stamp * 1_000_000)"),
    ]
    for field in ["open", "high", "low", "close", "volume", "rsi14"] {
      commands.append(RedisCommand("TS.ADD", "ts:AAPL:1m:\(field)", "\(stamp)", "100.5"))
    }
    try await redis.sendAll(commands)
    let broker = try EmbeddedBroker(topics: ServiceCatalogue.gateway.tables.map { ($0.name, 1) })
    defer { broker.close() }
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/tokens.yaml", port = try FreePort.next()
      try "tokens:\n  - {name: s, token: \"\(Self.token)\", scopes: [read, write, jobs, users]}\n"
        .write(toFile: file, atomically: true, encoding: .utf8)
      let process = try await ServiceProcess.start("gateway", [], environment: [
        "API_PORT": "\(port)", "REDIS_URL": server.url, "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers,
        "TOKENS_FILE": file, "VIEWS_ENABLED": "true", "OBJECT_STORE": "file://\(folder)",
      ])
      try await process.awaitReady()
      let outcome = try await ChildProcess.run(
        Launch(try #require(Self.program, "schemathesis is not installed"), [
          "run", "http://127.0.0.1:\(port)/api/v1/openapi.json", "-H", "Authorization: Bearer \(Self.token)",
          "--max-examples", "15", "--phases", "examples,coverage,fuzzing", "--exclude-path-regex", "live$", "--seed",
          "1", "--no-color",
        ]), atMost: .seconds(600))
      let report = outcome.output.split(separator: "\n").suffix(80).joined(separator: "\n")
      #expect(outcome.status == .exited(0), "\(report)")
      #expect(await process.terminate() == .exited(0))
    }
    await server.stop()
  }
}
