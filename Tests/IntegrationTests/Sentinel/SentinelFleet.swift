import Catalogue
import Foundation
import Kafka
import LocalServers
import Logging
import Postgres
import Synchronization
import Testing
import TestSupport
import Values

/// Sentinel as an operator runs it, with real processes: simulated providers, Redis, a database, an embedded broker,
/// two models of intermittent demand. Replays a day of hourly demands of 40 series.
final class SentinelFleet: Sendable {
  static let from = "2026-03-01T00:00:00Z", to = "2026-03-02T00:00:00Z"
  static let series = 40
  static let observations = series * 24
  static let models = ["croston", "tsb"]

  let broker: EmbeddedBroker
  private let database: (url: String, name: String, server: PrivatePostgres)
  private let redis: PrivateRedis
  private let folder: String
  private let processes = Mutex<[ServiceProcess]>([])
  private let admin: Admin

  private init(_ folder: String) async throws {
    self.folder = folder
    broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
    admin = try Admin(
      properties: ["bootstrap.servers": broker.bootstrapServers],
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    database = try await TestServers.database()
    redis = try await PrivateRedis.start()
    let migration = try await ServiceProcess.run("db-writer", ["migrate"], environment: ["DATABASE_URL": database.url])
    guard migration.status.isSuccess else {
      throw ConditionNotMet(description: "db-writer migrate ended with \(migration.status)\n\(migration.errorOutput)")
    }
  }

  static func with(_ body: (SentinelFleet) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      var launch = Launch(try ServiceProcess.path(of: "provider-simulator"), ["--port-file", folder + "/port"])
      launch.output = .file(folder + "/simulator.log")
      let simulator = try await ChildProcess.start(launch)
      let port = try await eventuallySome("the simulator listens") {
        (try? String(contentsOfFile: folder + "/port", encoding: .utf8)).flatMap {
          UInt16($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
      }
      try catalogue(port).write(toFile: folder + "/markets.yaml", atomically: true, encoding: .utf8)
      try await train(port, folder)
      let fleet = try await SentinelFleet(folder)
      defer { fleet.broker.close() }
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await body(fleet)) } catch {
        for process in fleet.processes.withLock({ $0 }) {
          print("--- the end of \(process.name)'s log")
          for line in process.log.suffix(15) { print(line) }
        }
        outcome = .failure(error)
      }
      for process in fleet.processes.withLock({ $0 }) where process.status == nil { await process.kill() }
      await fleet.redis.stop()
      await simulator.stop()
      try outcome.get()
    }
  }

  /// Four materials in ten countries, every hour.
  private static func catalogue(_ port: UInt16) -> String {
    let countries = (0..<10).map { "  - {name: Country \($0), region: r\($0 % 3), currency: USD}" }
    let materials = (0..<4).map { "  - {name: Wire \($0), category: screening, unit: t}" }
    return """
      countries:
      \(countries.joined(separator: "\n"))
      materials:
      \(materials.joined(separator: "\n"))
      sources:
        - name: Exchange
          kind: json
          url: "http://127.0.0.1:\(port)/e/series/{material}/{country}.json?kind={kind}&unit={unit}&at={due_at}"
          tasks: [fetch_demand]
          mapping: {rows: data.points, value: value, time: at, unit: unit}
      schedules:
        - {name: demand, task: fetch_demand, cron: "0 * * * *"}

      """
  }

  /// The models are of other series, and the same for every fleet.
  private static func train(_ port: UInt16, _ folder: String) async throws {
    var text = "series,kind,observed_at,value\n"
    for number in 0..<5 {
      let path = "/t/series/part_\(number)/egypt.csv?kind=demand&at=\(from)&points=300"
      let answer = try #require(await LoopbackHTTP.shared.get(port: port, path: path, timeout: .seconds(60)))
      for line in answer.body.split(whereSeparator: \.isNewline).dropFirst() {
        let cells = line.split(separator: ",", omittingEmptySubsequences: false)
        text += "mena.egypt.screening.part_\(number),demand,\(cells[0]),\(cells[3])\n"
      }
    }
    try text.write(toFile: folder + "/demand.csv", atomically: true, encoding: .utf8)
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    for model in models {
      var launch = Launch(try Program.require("/usr/bin/python3", package: "python3, python3-numpy"), [
        root + "/Services/InferenceWorker/Training/train_croston.py", folder + "/demand.csv", folder + "/registry",
        "--version", "1", "--period", "3600", "--history", "8", "--method", model, "--name", model,
      ])
      launch.environment["PYTHONDONTWRITEBYTECODE"] = "1"
      try await ChildProcess.runOrThrow(launch, atMost: .seconds(300))
    }
  }

  @discardableResult
  func start(_ service: String) async throws -> ServiceProcess {
    let arguments: [String] = switch service {
    case "scheduler":
      ["replay", "--from", Self.from, "--to", Self.to, "--speed", "4000", "--stay", "--catalogue",
       folder + "/markets.yaml"]
    case "fetcher": ["--catalogue", folder + "/markets.yaml", "--allow-private-addresses", "--redis-url", redis.url]
    case "inference-worker": ["--kind", "screening", "--models", "file://\(folder)/registry"]
    default:
      ["--linger", "100ms", "--tables", "observations,predictions", "--database-url", database.url]
    }
    let process = try await ServiceProcess.start(service, arguments + [
      "--kafka-bootstrap-servers", broker.bootstrapServers, "--kafka-properties",
      "session.timeout.ms=6000,heartbeat.interval.ms=500",
    ])
    processes.withLock { $0.append(process) }
    return process
  }

  /// Observations in Kafka.
  func published() async throws -> Int {
    let topic = Topics.commodityObservations(of: .screening)
    let ends = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    return ends.values.reduce(0) { $0 + Int($1.high - $1.low) }
  }

  func query(_ sql: String) async throws -> [[String?]] {
    let connection = try await PostgresConnection.open(
      PostgresConfiguration(url: database.url, applicationName: "test"))
    return try await connection.execute(sql, operation: "test").rows.map(\.cells)
  }

  /// Waits until everything has arrived.
  func settle() async throws {
    let expected = ["\(Self.observations)", "\(Self.observations * Self.models.count)"]
    var found: [String?] = []
    do {
      try await eventually("everything is in the database", timeout: .seconds(300), interval: .milliseconds(250)) {
        found = try await query("""
          SELECT (SELECT count(*) FROM market_observations), (SELECT count(DISTINCT prediction_id) FROM predictions)
          """)[0]
        return found == expected
      }
    } catch {
      throw ConditionNotMet(description: "\(error): \(found) of \(expected)")
    }
  }

  /// The results of a run, in order.
  func contents() async throws -> [String: [[String?]]] {
    [
      "market_observations": try await query("""
        SELECT series, kind, observed_at, value, currency, unit, source FROM market_observations ORDER BY 1, 2, 3
        """),
      "predictions": try await query("""
        SELECT prediction_id, step, series, kind, model, model_version, issued_at, target_at, mean, quantiles,
               input_digest, flags, withheld
        FROM predictions ORDER BY 1, 2
        """),
    ]
  }
}
