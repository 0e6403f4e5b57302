import Catalogue
import Foundation
import Kafka
import LocalServers
import Logging
import Synchronization
import TestSupport

/// One process of each service over one folder, measured from outside.
final class BacklogFleet: Sendable {
  private struct Member {
    let process: ServiceProcess
    /// Resident bytes when this share (in percent) of the prices had arrived.
    var resident: [Int: Int] = [:]
    var last: ProcessReading?
  }
  private let members = Mutex<[Member]>([])
  private let folder: String
  private let inbox: String
  private let broker: String
  private let database: String

  init(folder: String, inbox: String, broker: String, database: String) {
    self.folder = folder
    self.inbox = inbox
    self.broker = broker
    self.database = database
  }

  func migrate() async throws {
    let outcome = try await ServiceProcess.run(
      "db-writer", ["migrate"], environment: ["DATABASE_URL": database], atMost: .seconds(120))
    guard outcome.status.isSuccess else {
      throw ConditionNotMet(description: "db-writer migrate ended with \(outcome.status)\n\(outcome.errorOutput)")
    }
  }

  func start(_ service: String) async throws {
    let arguments: [String] = switch service {
    case "crawler": ["--source", "dir:\(inbox)", "--state", "memory:", "--interval", "1h"]
    case "downloader": ["--allow-file-root", inbox, "--spool-directory", folder]
    default: []
    }
    let process = try await ServiceProcess.start(service, arguments, environment: [
      "KAFKA_BOOTSTRAP_SERVERS": broker, "DATABASE_URL": service == "db-writer" ? database : nil,
      "KAFKA_PROPERTIES": "session.timeout.ms=6000",
      "OBJECT_STORE": ["downloader", "parser"].contains(service) ? "file://\(folder)/objects" : nil,
    ])
    members.withLock { $0.append(Member(process: process)) }
  }

  func stop() async {
    for member in members.withLock({ $0 }) where member.process.status == nil { await member.process.terminate() }
  }

  func requireRunning() throws {
    for process in members.withLock({ $0.map(\.process) }) {
      guard let status = process.status else { continue }
      throw ConditionNotMet(description: "\(process.name) ended with \(status)\n"
        + process.log.suffix(20).joined(separator: "\n"))
    }
  }

  func sample(_ percent: Int?) {
    members.withLock { members in
      for index in members.indices {
        guard let reading = ProcessReading(pid: members[index].process.pid) else { continue }
        members[index].last = reading
        if let percent { members[index].resident[percent] = reading.resident }
      }
    }
  }

  func records(in topic: Topic) async throws -> Int {
    let admin = try Admin(properties: ["bootstrap.servers": broker], logger: Logger(label: "bench"))
    let partitions = (0..<topic.partitions).map { TopicPartition(topic.name, $0) }
    return try await admin.watermarks(Set(partitions)).values.reduce(0) { $0 + Int($1.high) }
  }

  func deadLetters() async throws -> Int {
    var count = 0
    for topic in Topics.all { count += try await records(in: topic.deadLetters) }
    return count
  }

  func table() -> [String] {
    let head = ["service", "CPU s", "at 25 %", "at 50 %", "at 75 %", "at 100 %", "peak"]
    var rows = [head]
    for member in members.withLock({ $0 }) {
      guard let last = member.last else { continue }
      rows.append([member.process.name, "\((last.cpuSeconds * 10).rounded() / 10)"]
        + [25, 50, 75, 100].map { member.resident[$0].map(ProcessReading.mebibytes) ?? "-" }
        + [ProcessReading.mebibytes(last.peak)])
    }
    let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
    }
  }
}
