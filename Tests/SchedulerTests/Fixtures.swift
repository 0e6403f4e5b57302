import ArgumentParser
import Catalogue
import Commodities
import Foundation
import Kafka
import KafkaFlags
import Logging
import Messages
@testable import SchedulerService
import Testing
import TestSupport
import Values

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Two polymers in three countries every hour, oil every five minutes, demand once a day in Cairo.
let smallCatalogue = """
  countries:
    - {name: Egypt, region: mena, currency: EGP}
    - {name: Jordan, region: mena, currency: JOD}
    - {name: Germany, region: europe, currency: EUR}
  materials:
    - {name: PVC, category: polymer, unit: t}
    - {name: XLPE, category: polymer, unit: t}
    - {name: Copper Wire, category: screening, unit: t}
    - {name: Brent, category: energy, unit: bbl, world: true, currency: USD}
  sources:
    - {name: Exchange, kind: csv}
  schedules:
    - {name: polymers, task: fetch_price, materials: {category: polymer}, cron: "0 * * * *", deadline: 30m}
    - {name: energy, task: fetch_price, countries: world, cron: "*/5 * * * *", source: Exchange}
    - {name: demand, task: fetch_demand, materials: [Copper Wire], countries: {region: mena}, cron: "30 8 * * *",
       zone: Africa/Cairo}
  """

func seconds(_ text: String) throws -> Int64 {
  try #require(Timestamp(text), "not a time: \(text)").microseconds / 1_000_000
}

/// A catalogue with the small one's countries and materials, and these schedules.
func plan(_ schedules: [String]) throws -> SchedulePlan {
  let head = smallCatalogue.components(separatedBy: "schedules:")[0]
  let rows = schedules.map { "  - {\($0)}" }.joined(separator: "\n")
  return try SchedulePlan(CommodityCatalogue(yaml: head + "schedules:\n" + rows, origin: "test"))
}

func smallPlan() throws -> SchedulePlan {
  try SchedulePlan(CommodityCatalogue(yaml: smallCatalogue, origin: "test"))
}

extension PlannedTask {
  var commodity: IngestionTask? { if case .commodity(let task) = self { task } else { nil } }
}

extension EmbeddedBroker {
  static func ofScheduler() throws -> EmbeddedBroker {
    try EmbeddedBroker(topics: [Topics.ingestionTasks, Topics.schedulerLease].map { ($0.name, Int($0.partitions)) })
  }

  /// Every job in the topic now, in the order of each partition.
  func jobs() async throws -> [(key: String, task: IngestionTask, bytes: [UInt8])] {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = bootstrapServers
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    options.groupId = "reader-\(TestServers.uniqueName())"
    let topic = Topics.ingestionTasks
    let admin = try options.makeAdmin(clientID: "reader", logger: quiet)
    let ends = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    var left = ends.values.reduce(0) { $0 + $1.high - $1.low }
    let consumer = try Consumer(options.consumerConfiguration(clientID: "reader", topics: [topic.name], logger: quiet))
    var jobs: [(key: String, task: IngestionTask, bytes: [UInt8])] = []
    while left > 0, let element = try await consumer.next(before: nil) {
      guard case .batch(let batch) = element else { continue }
      try batch.forEach { (record: borrowing RecordBatch.Record) throws in
        let bytes = Array(record.valueBytes)
        jobs.append((
          String(decoding: record.keyBytes ?? [], as: UTF8.self), try IngestionTask(decoding: bytes), bytes))
      }
      left -= Int64(batch.count)
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return jobs
  }

  /// How many there are.
  func jobCount() async throws -> Int64 {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = bootstrapServers
    let topic = Topics.ingestionTasks
    let admin = try options.makeAdmin(clientID: "reader", logger: quiet)
    let ends = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    return ends.values.reduce(0) { $0 + $1.high - $1.low }
  }
}
