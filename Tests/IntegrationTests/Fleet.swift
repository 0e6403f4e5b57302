import Catalogue
import Foundation
import Kafka
import LocalServers
import Logging
import PortalSimulator
import Synchronization
import TestSupport

/// The price pipeline as an operator runs it, with real processes: an embedded broker, a database, an object store, and
/// any number of each service, which tests start, kill and restart.
final class Fleet: Sendable {
  let broker: EmbeddedBroker
  let database: (url: String, name: String, server: PrivatePostgres)
  /// For the crawler's state and the stored files.
  let folder: String
  let objects: Objects
  let crawl: Crawl

  /// Where the downloader puts files.
  enum Objects: Sendable {
    case folder
    case s3(SeaweedFS, bucket: String)
  }
  /// What the crawler lists.
  enum Crawl: Sendable {
    case portal(PortalSimulator)
    case folder(String)
    case engines(EveryEngine)
  }

  private init(_ crawl: Crawl, objects: Objects, folder: String, server: PrivatePostgres?) async throws {
    self.crawl = crawl
    self.objects = objects
    self.folder = folder
    broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
    if let server {
      let name = "test_" + TestServers.uniqueName()
      database = (try await server.createDatabase(name), name, server)
    } else {
      database = try await TestServers.database()
    }
    let migration = try await ServiceProcess.run(
      "db-writer", ["migrate"], environment: ["DATABASE_URL": database.url, "LOG_FORMAT": "json"])
    guard migration.status.isSuccess else {
      throw ConditionNotMet(description: "db-writer migrate ended with \(migration.status)\n\(migration.errorOutput)")
    }
  }

  /// Runs `body` with a fleet without services, and kills the services that `body` leaves running.
  static func with(
    _ crawl: Crawl, objects: Objects = .folder, server: PrivatePostgres? = nil, _ body: (Fleet) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { folder in
      let fleet = try await Fleet(crawl, objects: objects, folder: folder, server: server)
      defer { fleet.broker.close() }
      do { try await body(fleet) } catch {
        for process in fleet.processes.withLock({ $0 }) {
          print("--- the end of \(process.name)'s log")
          for line in process.log.suffix(15) { print(line) }
        }
        await fleet.killAll()
        throw error
      }
      await fleet.killAll()
    }
  }

  private let processes = Mutex<[ServiceProcess]>([])

  private func killAll() async {
    for process in processes.withLock({ $0 }) where process.status == nil { await process.kill() }
  }

  // MARK: Services

  /// Starts one more process of a service.
  func start(_ service: ServiceEntry, _ extra: [String] = []) async throws -> ServiceProcess {
    var environment: [String: String?] = [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers,
      // The embedded broker forgets a killed member only after the session time-out.
      "KAFKA_PROPERTIES": service.inputs.isEmpty ? nil : "session.timeout.ms=6000,heartbeat.interval.ms=500",
      "RETRY_CAP": service.inputs.isEmpty ? nil : "1s",
    ]
    var arguments: [String] = []
    switch service {
    case ServiceCatalogue.crawler:
      arguments += ["--state", "file://\(folder)/crawler.state", "--interval", "2s"]
      switch crawl {
      case .portal(let portal): for source in portal.sources { arguments += ["--source", source] }
      case .folder(let path): arguments += ["--source", "dir:\(path)"]
      case .engines(let portals):
        for source in portals.sources { arguments += ["--source", source] }
        // All of them are one host here.
        arguments += ["--catalogue", try writtenCatalogue(of: portals), "--listing-days", "4", "--request-gap", "5ms"]
      }
      arguments += ["--allow-private-addresses"]
    case ServiceCatalogue.downloader:
      arguments += ["--allow-private-addresses"]
      switch crawl {
      case .portal: break
      case .folder(let path): arguments += ["--allow-file-root", path]
      case .engines(let portals):
        arguments += ["--allow-file-root", portals.folder, "--catalogue", try writtenCatalogue(of: portals)]
      }
    case ServiceCatalogue.dbWriter:
      environment["DATABASE_URL"] = database.url
      let tables = FleetSystem.prices.inputs(of: service).map(\.name).joined(separator: ",")
      arguments += ["--linger", "100ms", "--tables", tables]
    default: break
    }
    if service == ServiceCatalogue.downloader || service == ServiceCatalogue.parser {
      switch objects {
      case .folder: environment["OBJECT_STORE"] = "file://\(folder)/objects"
      case .s3(let server, let bucket):
        environment["OBJECT_STORE"] = "s3://\(bucket)"
        environment["S3_ENDPOINT"] = server.endpoint
        for (name, value) in server.environment { environment[name] = value }
      }
    }
    let process = try await ServiceProcess.start(service.name, arguments + extra, environment: environment)
    processes.withLock { $0.append(process) }
    return process
  }

  /// One process of each service, in the order the data flows.
  func startAll() async throws -> [ServiceProcess] {
    var processes: [ServiceProcess] = []
    for service in FleetSystem.prices.services { processes.append(try await start(service)) }
    return processes
  }

  // MARK: What came out

  /// Rows of a query as psql prints them without decoration: fields split by `|`, one row a line.
  func query(_ sql: String) async throws -> [String] {
    let text = try await database.server.psql(sql, database: database.name)
    return text.split(separator: "\n").map(String.init)
  }

  private func writtenCatalogue(of portals: EveryEngine) throws -> String {
    let path = "\(folder)/chains.yaml"
    if !FileManager.default.fileExists(atPath: path) {
      try Data(portals.catalogue.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
    return path
  }

  /// Records in a topic, over all partitions.
  func records(in topic: Topic) async throws -> Int {
    let admin = try Admin(
      properties: ["bootstrap.servers": broker.bootstrapServers], logger: Logger(label: "integration-tests"))
    let partitions = (0..<topic.partitions).map { TopicPartition(topic.name, $0) }
    let marks = try await admin.watermarks(Set(partitions))
    return marks.values.reduce(0) { $0 + Int($1.high) }
  }
}
