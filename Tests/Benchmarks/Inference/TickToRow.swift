import ArgumentParser
import Catalogue
import Forecasting
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import TestSupport
import Values

import Glibc

/// Observations at a steady rate through the real executables into PostgreSQL.
struct TickToRow {
  let manifest: ModelManifest
  let location: String
  let rate: Int
  let seconds: Int
  let series: Int

  init(_ manifest: ModelManifest, location: String, rate: Int, seconds: Int, series: Int) {
    self.manifest = manifest
    self.location = location
    self.rate = rate
    self.seconds = seconds
    self.series = series
  }

  func run() async throws {
    let server = try await PrivatePostgres.start(settings: ["track_commit_timestamp": "on"])
    let broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
    var services: [ServiceProcess] = []
    do {
      try await measure(broker, server, &services)
    } catch {
      for service in services { await service.terminate() }
      await server.stop()
      broker.close()
      throw error
    }
    for service in services { await service.terminate() }
    await server.stop()
    broker.close()
  }

  private func measure(
    _ broker: EmbeddedBroker, _ server: PrivatePostgres, _ services: inout [ServiceProcess]
  ) async throws {
    let environment: [String: String?] = [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "KAFKA_PROPERTIES": "session.timeout.ms=6000",
    ]
    let kind = manifest.kind.isIntermittent ? "screening" : manifest.kind.isNetwork ? "shielding" : "polymer"
    services.append(try await ServiceProcess.start(
      "db-writer", ["--migrate", "--tables", "observations,predictions", "--linger", "100ms"],
      environment: environment.merging(["DATABASE_URL": server.url]) { $1 }))
    services.append(try await ServiceProcess.start(
      "inference-worker",
      ["--kind", kind, "--listen", "*.*.screening.*", "--models", location, "--model", manifest.name],
      environment: environment))
    for service in services { try await service.awaitReady() }
    let count = try await feed(broker) { [services] count in
      try await Self.awaitRows(count, server, services)
    }
    let answer = try await server.psql("""
      SELECT round(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY t)::numeric, 1),
             round(1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY t)::numeric, 1), round(1000 * max(t), 1)
      FROM (
        SELECT extract(epoch FROM pg_xact_commit_timestamp(p.xmin) - o.fetched_at) AS t
        FROM predictions p
        JOIN market_observations o
          ON o.series = p.series AND o.kind = p.kind AND o.observed_at = p.issued_at
        WHERE p.step <= 1 AND o.fetched_at IS NOT NULL
      ) AS x
      """)
    let marks = answer.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "|").map(String.init)
    guard marks.count == 3 else { throw ConditionNotMet(description: "no times were measured: \(answer)") }
    print("tick to row, \(rate) observations/s for \(seconds) s, \(count) measured: p50 \(marks[0]) ms, "
      + "p99 \(marks[1]) ms, longest \(marks[2]) ms  (bound: p99 below 500 ms)")
    for service in services {
      guard let reading = ProcessReading(pid: service.pid) else { continue }
      print("\(service.name): peak \(ProcessReading.mebibytes(reading.peak)), \(Int(reading.cpuSeconds)) CPU s")
    }
  }

  private static func awaitRows(_ count: Int, _ server: PrivatePostgres, _ services: [ServiceProcess]) async throws {
    try await eventually("\(count) predictions in rows", timeout: .seconds(300), interval: .milliseconds(200)) {
      for service in services where service.status != nil {
        throw ConditionNotMet(description: "\(service.name) ended\n" + service.log.suffix(10).joined(separator: "\n"))
      }
      return try await server.psql("SELECT count(*) FROM predictions WHERE step <= 1") == "\(count)\n"
    }
  }

  /// Sends in portions of 20 ms. The first rounds, which only fill the windows, carry no time and are not measured.
  /// - Parameter awaitRows: waits until that many predictions have arrived.
  /// - Returns: how many were measured.
  private func feed(_ broker: EmbeddedBroker, awaitRows: (Int) async throws -> Void) async throws -> Int {
    let options = try KafkaOptions.parse(
      ["--kafka-bootstrap-servers", broker.bootstrapServers, "--kafka-property", "linger.ms=0"])
    let producer = try Producer(options.producerConfiguration(clientID: "bench", logger: Logger(label: "bench")))
    var sent = 0
    for round in 0..<manifest.history {
      var batch = OutgoingBatch()
      for number in 0..<series { append(number, round, nil, to: &batch, &sent) }
      try await producer.send(batch)
      // The embedded broker drops records that stay unread for long.
      try await awaitRows(sent)
    }
    let filled = sent
    let clock = ContinuousClock()
    let start = clock.now
    let portion = max(1, rate / 50)
    var acks: [PendingAcks] = []
    for tick in 0..<(seconds * rate / portion) {
      try await clock.sleep(until: start + .seconds(Double(tick * portion) / Double(rate)), tolerance: .zero)
      var batch = OutgoingBatch()
      let now = Self.now
      for index in tick * portion..<(tick + 1) * portion {
        append(index % series, manifest.history + index / series, now, to: &batch, &sent)
      }
      acks.append(try await producer.enqueue(batch))
    }
    for ack in acks { try await ack.value }
    await producer.close()
    try await awaitRows(sent)
    return sent - filled
  }

  private func append(
    _ number: Int, _ round: Int, _ fetchedAt: Timestamp?, to batch: inout OutgoingBatch, _ sent: inout Int
  ) {
    guard let made = InferenceBench.observation(manifest, series: number, round: round, fetchedAt: fetchedAt) else {
      return
    }
    batch.append(topic: CommodityObservation.topic(of: .screening).name, key: made.key, value: made.encoded())
    sent += 1
  }

  private static var now: Timestamp? {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Timestamp(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000)
  }
}
