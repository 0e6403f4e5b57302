import Catalogue
import LocalServers
import Testing
import TestSupport

/// The table of exit codes in README.md, as the programs keep it: a cause has the same code in every program.
@Suite struct ExitCodeTests {
  /// Nothing listens on port 1.
  private static let dead: [String: String?] = [
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0", "S3_ENDPOINT": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b", "INFLUX_URL": "http://127.0.0.1:1", "INFLUX_DATABASE": "egx",
    "HTTP_PORT": "0", "ALPHAVANTAGE_API_KEY": "x", "FEED": "polygon-stocks", "FEED_KEY": "x",
    "FEED_URL": "ws://127.0.0.1:1/stocks", "SYMBOLS": "AAPL", "PYTHON": ".souk/venv/bin/python",
  ]

  @Test(.timeLimit(.minutes(10)), arguments: [
    ["db-writer", "migrate"], ["souk", "topics", "plan"], ["souk", "topics", "apply"], ["souk", "lag"],
    ["souk", "dlq", "list", "souk.alerts"], ["souk", "health", "--http-port", "1"],
    ["crawler", "--check", "--source", "shufersal", "--fetch-connect-timeout", "1s"],
  ] + ServiceCatalogue.all.filter { !$0.settings.contains { $0.name == "SOURCE" } }.map { [$0.name, "--check"] })
  func aServerThatDoesNotAnswerIs1(_ command: [String]) async throws {
    var environment = Self.dead
    if let kind = ServiceCatalogue.named(command[0])?.kinds.first { environment["KIND"] = kind.name }
    let outcome = try await ServiceProcess.run(
      command[0], Array(command.dropFirst()), environment: environment, atMost: .seconds(120))
    #expect(outcome.status == .exited(1), "\(command): \(outcome)")
    guard command[0] == "souk", command[1] != "health" else { return }
    #expect(outcome.errorOutput.contains("no answer from Kafka; check --kafka-bootstrap-servers"), "\(outcome)")
    #expect(!outcome.errorOutput.contains("suppressed"), "\(outcome)")
  }

  @Test(arguments: [
    ["db-writer", "migrate", "--database-url", "nowhere"], ["db-writer", "--check", "--database-url", "nowhere"],
    ["souk", "topics", "plan", "--kafka-property", "painter=1"],
    ["influx-consumer", "--check", "--kafka-property", "painter=1"],
    ["egx-producer", "--check", "--source", "csv:/nonexistent"], ["egx-producer", "--source", "csv:/nonexistent"],
    ["egx-producer", "--source", "csv:/nonexistent", "--symbols", "COMI"],
    ["egx-producer", "--source", "replay:/nonexistent", "--symbols", "COMI", "--stay"],
    ["crawler", "--source", "dir:/nonexistent"],
  ])
  func whatAPersonHasToChangeIs78(_ command: [String]) async throws {
    let outcome = try await ServiceProcess.run(command[0], Array(command.dropFirst()), environment: Self.dead)
    #expect(outcome.status == .exited(78), "\(command): \(outcome)")
  }

  @Test(arguments: [["souk", "upp"], ["souk", "up", "--system", "x"], ["parser", "--painter"]])
  func aWrongCommandLineIs64(_ command: [String]) async throws {
    let outcome = try await ServiceProcess.run(command[0], Array(command.dropFirst()), environment: Self.dead)
    #expect(outcome.status == .exited(64), "\(command): \(outcome)")
    if command == ["souk", "upp"] {
      #expect(outcome.errorOutput.hasPrefix("Error: Unexpected argument 'upp'. Did you mean 'up'?\n"), "\(outcome)")
    }
  }

  @Test(arguments: [["souk", "route", "explain", "*.*.polymer.*", "mena.egypt.shielding.lead"]])
  func anAnswerOfNoIs2(_ command: [String]) async throws {
    let outcome = try await ServiceProcess.run(command[0], Array(command.dropFirst()), environment: Self.dead)
    #expect(outcome.status == .exited(2), "\(command): \(outcome)")
  }
}
