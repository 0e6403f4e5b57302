import Catalogue
import Foundation
import LocalServers
import Testing
import TestSupport

@testable import SoukService

/// Bars from a recording to InfluxDB and S3, through kills, outages and restarts.
@Suite(.serialized) struct MarketTests {
  /// Two invented days of thirty symbols, and the speed at which they take about so many seconds.
  private func invented(in folder: String) throws -> (recording: MarketFleet.Recording, bars: Int) {
    // A Monday: Sunday and the Thursday before it, with a week-end between them.
    try InventedBars().write(to: folder, before: 20_108)
    let bars = try RecordedBars(folder: folder)
    return (.init(folder: folder, interval: "1 Minute"), bars.bars)
  }

  private static let services = FleetSystem.egx.services

  private func replay(_ fleet: MarketFleet, speed: Int = 3_000) -> [String] {
    ["--source", "replay:\(fleet.recording.folder)", "--speed", "\(speed)", "--stay"]
  }

  /// `kill -9` of all three services at random moments: nothing lost, nothing twice, no object ever changes.
  @Test(.timeLimit(.minutes(20))) func surviveKillsAtAnyMoment() async throws {
    var random = TestRandom("market killed")
    try await withTemporaryDirectory { folder in
      let (recording, bars) = try invented(in: folder)
      try await MarketFleet.with(recording) { fleet in
        var running: [String: ServiceProcess] = [:]
        func start(_ service: ServiceEntry) async throws {
          let extra = service == ServiceCatalogue.egxProducer
            ? replay(fleet)
            // Small ranges and one upload at a time, so that most moments are within a closing.
            : service == ServiceCatalogue.s3Consumer ? ["--rotate-records", "150", "--uploads", "1"] : []
          running[service.name] = try await fleet.start(service, extra)
        }
        for service in Self.services { try await start(service) }
        let victims = Self.services.shuffled(using: &random) + Self.services.shuffled(using: &random)
        var seen: [String: String] = [:]
        for (round, victim) in victims.enumerated() {
          let point = Int((Double(round) + .random(in: 0..<1, using: &random)) / Double(victims.count) * Double(bars))
          try await eventually("\(victim.name) reaches \(point)", timeout: .seconds(240), interval: .milliseconds(5)) {
            try await progress(of: victim, in: fleet) >= point
          }
          await running[victim.name]?.kill()
          print("killed \(victim.name) at \(try await progress(of: victim, in: fleet)) of \(bars)")
          for (key, hash) in try await fleet.findings().objects {
            #expect(seen.updateValue(hash, forKey: key) ?? hash == hash, "\(key) has changed")
          }
          try await start(victim)
        }
        // A producer without its last state begins again; it has repeated what it published since.
        try await eventually("every bar is published", timeout: .seconds(240), interval: .milliseconds(250)) {
          let metrics = await running[ServiceCatalogue.egxProducer.name]?.metrics()
          return metrics?.sum("souk_egx_last_poll_timestamp_seconds") ?? 0 > 0
        }
        try await fleet.settle()
        let found = try await fleet.findings()
        #expect(found.problems.isEmpty, "\(found.problems.joined(separator: "\n"))")
        #expect(found.bars == bars && found.points == bars && found.records >= bars && found.lines == found.records)
        for (key, hash) in seen { #expect(found.objects[key] == hash, "\(key) has changed") }
        #expect(try await fleet.records(in: Topics.marketData.deadLetters) == 0)
        for service in Self.services {
          let process = try #require(running[service.name])
          #expect(process.status == nil, "\(service.name) ended")
          if service.group != nil { try await expectEveryRecordAccounted(for: process, mayBeIdle: true) }
          #expect(await process.terminate() == .exited(0))
        }
      }
    }
  }

  /// How far a service is: records published, or committed.
  private func progress(of service: ServiceEntry, in fleet: MarketFleet) async throws -> Int {
    guard let group = service.group else { return try await fleet.records(in: Topics.marketData) }
    return try await fleet.committed(by: group)
  }

  /// InfluxDB is unreachable and S3 answers 503 while bars are published: both consumers wait, and lose nothing.
  @Test(.timeLimit(.minutes(15))) func outagesOfBothSinksPauseAndLoseNothing() async throws {
    let busy = try HostileServer { _, connection in
      connection.answer("503 Slow Down", body: "<Error><Code>SlowDown</Code></Error>")
    }
    try await withTemporaryDirectory { folder in
      let (recording, bars) = try invented(in: folder)
      try await MarketFleet.with(recording) { fleet in
        let influxConsumer = try await fleet.start(ServiceCatalogue.influxConsumer)
        let s3Consumer = try await fleet.start(ServiceCatalogue.s3Consumer)
        let consumers = [influxConsumer, s3Consumer]
        for consumer in consumers { try await consumer.awaitReady() }
        let producer = try await fleet.start(ServiceCatalogue.egxProducer, replay(fleet, speed: 6_000))
        try await eventually("bars flow", timeout: .seconds(180)) {
          for service in Self.services where try await progress(of: service, in: fleet) < 200 { return false }
          return true
        }
        await fleet.influx.halt()
        fleet.door.lead(to: busy.port)
        try await eventually("both say so", timeout: .seconds(180)) {
          for consumer in consumers where await consumer.get("/readyz")?.status != 503 { return false }
          return busy.requests.count > 5
        }
        try await eventually("every bar is published meanwhile", timeout: .seconds(240)) {
          await producer.metrics().sum("souk_egx_last_poll_timestamp_seconds") ?? 0 > 0
        }
        for consumer in consumers { #expect(await consumer.get("/livez")?.status == 200, "no reason for a restart") }
        for group in Self.services.compactMap(\.group) { #expect(try await fleet.committed(by: group) < bars) }
        try await fleet.influx.resume()
        fleet.door.lead(to: Int(fleet.seaweed.port))
        try await fleet.settle()
        let found = try await fleet.findings()
        #expect(found.problems.isEmpty, "\(found.problems.joined(separator: "\n"))")
        #expect([found.bars, found.records, found.lines, found.points] == Array(repeating: bars, count: 4))
        #expect(try await fleet.records(in: Topics.marketData.deadLetters) == 0)
        for consumer in consumers {
          try await consumer.awaitReady()
          try await expectEveryRecordAccounted(for: consumer)
        }
        for process in consumers + [producer] { #expect(await process.terminate() == .exited(0)) }
      }
    }
  }

  /// Replicas of influx-consumer are restarted one after the other while bars are published.
  @Test(.timeLimit(.minutes(15))) func aRollingRestartLosesNothing() async throws {
    try await withTemporaryDirectory { folder in
      let (recording, bars) = try invented(in: folder)
      try await MarketFleet.with(recording) { fleet in
        var replicas: [ServiceProcess] = []
        for _ in 0..<2 { replicas.append(try await fleet.start(ServiceCatalogue.influxConsumer)) }
        let s3Consumer = try await fleet.start(ServiceCatalogue.s3Consumer)
        for replica in replicas { try await replica.awaitReady() }
        let producer = try await fleet.start(ServiceCatalogue.egxProducer, replay(fleet))
        for index in replicas.indices {
          let before = try await fleet.committed(by: ServiceCatalogue.influxConsumer.name)
          try await eventually("more is written", timeout: .seconds(180)) {
            try await fleet.committed(by: ServiceCatalogue.influxConsumer.name) > before
          }
          #expect(await replicas[index].terminate() == .exited(0))
          replicas[index] = try await fleet.start(ServiceCatalogue.influxConsumer)
          try await replicas[index].awaitReady()
        }
        try await eventually("every bar is published", timeout: .seconds(240)) {
          await producer.metrics().sum("souk_egx_last_poll_timestamp_seconds") ?? 0 > 0
        }
        try await fleet.settle()
        let found = try await fleet.findings()
        #expect(found.problems.isEmpty, "\(found.problems.joined(separator: "\n"))")
        #expect(found.points == bars)
        #expect(try await fleet.records(in: Topics.marketData.deadLetters) == 0)
        for process in replicas + [s3Consumer, producer] { #expect(await process.terminate() == .exited(0)) }
      }
    }
  }

  // MARK: Real files

  static let realBars = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].map { $0 + "/egx" }

  /// Recorded bars of the exchange, by `csv:` through Kafka into InfluxDB and S3, read back equal.
  ///
  /// `SOUK_REAL_DATA` names a folder that holds `egx/daily/<SYMBOL>.csv` and `egx/1min/<SYMBOL>.csv`; without it the
  /// case is skipped.
  @Test(.enabled(if: realBars != nil, "SOUK_REAL_DATA names no folder of real files"), .timeLimit(.minutes(15)),
        arguments: [("daily", "Daily"), ("1min", "1 Minute")])
  func realFilesRoundTrip(kind: String, interval: String) async throws {
    let folder = try #require(Self.realBars) + "/\(kind)"
    try await MarketFleet.with(.init(folder: folder, interval: interval)) { fleet in
      for service in [ServiceCatalogue.influxConsumer, ServiceCatalogue.s3Consumer] {
        try await fleet.start(service).awaitReady()
      }
      // A symbol at a time, so that the embedded broker never holds more of one than it keeps.
      for symbol in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
        let producer = try await fleet.start(ServiceCatalogue.egxProducer, [
          "--source", "csv:\(folder)", "--symbols", String(symbol.prefix { $0 != "." }), "--n-bars", "1000000",
          "--once", "--state", "\(fleet.folder)/\(symbol).state",
        ])
        #expect(await producer.wait(atMost: .seconds(240)) == .exited(0), "\(producer.log.suffix(5))")
      }
      try await fleet.settle()
      let found = try await fleet.findings()
      #expect(found.problems.isEmpty, "\(found.problems.joined(separator: "\n"))")
      #expect([found.records, found.lines, found.points] == Array(repeating: found.bars, count: 3))
      #expect(found.bars > 0)
      #expect(try await fleet.records(in: Topics.marketData.deadLetters) == 0)
    }
  }
}
