import ArgumentParser
import Catalogue
import Core
@testable import FetcherService
import Foundation
import LocalServers
import Logging
import Messages
import ProviderSimulator
import Redis
import ServiceKit
import Testing
import TestSupport
import Values

/// The executable with an embedded broker, a real Redis and the simulator.
@Suite struct FetcherServiceTests {
  private let market = SimulatedMarket(seed: 3)

  /// What is published, by name of the observation: a repeat is the same.
  private func byName(_ observations: [CommodityObservation]) -> [String: String] {
    Dictionary(
      observations.map { ("\($0.series) \($0.kind.rawValue) \($0.observedAt)", "\($0.value) \($0.unit ?? "")") },
      uniquingKeysWith: { first, _ in first })
  }

  /// What the market says of the hours of a day.
  private func truth(_ day: String, _ material: String, _ country: String?, _ kind: SeriesKind) -> [String: String] {
    let place = country.map { $0 == "Egypt" ? "mena.egypt" : "europe.germany" } ?? "global.world"
    let kinds = ["PVC": ("polymer", "t"), "Copper": ("screening", "t"), "Brent": ("energy", "bbl")]
    let (category, unit) = kinds[material] ?? ("", "")
    let currency = country.map { $0 == "Egypt" ? "EGP" : "EUR" } ?? "USD"
    let points = market.points(
      kind, material: material.lowercased(), country: country?.lowercased() ?? "world", currency: currency,
      at: time("\(day)T23:00:00Z"), count: 24)
    return Dictionary(uniqueKeysWithValues: points.map { point in
      ("\(place).\(category).\(material.lowercased()) \(kind.rawValue) \(point.time)", "\(point.value) \(unit)")
    })
  }

  @Test(.timeLimit(.minutes(15))) func everyTaskEndsPublishedSkippedOrDeadLettered() async throws {
    let redis = try await PrivateRedis.start()
    try await ProviderSimulator.serving(market) { simulator in
      try await withTemporaryDirectory { folder in
        let fleet = try Fleet(folder: folder, redis: redis, sources: Catalogues.json(simulator.url(of: "a")))
        let day = "2025-01-20"
        let tasks = Fleet.day(day) + Fleet.day(day, "PVC", "Germany") + Fleet.day(day, "Copper", kind: .fetchDemand)
          + Fleet.day(day, "Brent", nil)
        try await fleet.send(tasks + Fleet.day(day, hours: 5..<7), raw: [
          "{\"task\":\"fetch_price\",\"material\":\"Gold\"}", "{nonsense",
          "{\"task\":\"fetch_price\",\"material\":\"PVC\",\"country\":\"Egypt\",\"source\":\"Nobody\"}",
          "{\"task\":\"fetch_price\",\"material\":\"PVC\",\"country\":\"Egypt\",\"deadline\":\"2025-01-20T00:00:00Z\"}",
        ])
        let process = try await fleet.start()
        try await process.awaitReady()
        try await eventually("all ended") { await process.ended() == 102 }
        let observations = try await fleet.observations()
        #expect(byName(observations) == truth(day, "PVC", "Egypt", .price)
          .merging(truth(day, "PVC", "Germany", .price)) { $1 }.merging(truth(day, "Copper", "Egypt", .demand)) { $1 }
          .merging(truth(day, "Brent", nil, .price)) { $1 })
        #expect(observations.count == 96)
        let records = try await fleet.read(Topics.commodityObservations)
        for record in records {
          let observation = try record.observation
          #expect(record.key == observation.series.text)
          #expect(record.topic == "sentinel_market_data.\(observation.series.category.rawValue)")
          #expect(record.headers[HeaderName.schema] == record.topic)
        }
        // In one series the order of the tasks is kept.
        let egypt = observations.filter { $0.series.text == "mena.egypt.polymer.pvc" }.map(\.observedAt)
        #expect(egypt == egypt.sorted())
        #expect(await process.skipped("older") == 2)
        #expect(await process.skipped("expired") == 1)
        let dead = try await fleet.read([Topics.ingestionTasks.deadLetters])
        #expect(Set(dead.compactMap { $0.headers[HeaderName.errorCode] })
          == ["unknown_material", "malformed_json", "unknown_source"])
        let state = RedisStateStore(RedisMultiplexer(RedisClient(RedisConfiguration(url: try RedisURL(redis.url)))))
        let key = try #require(RoutingKey("mena.egypt.polymer.pvc"))
        #expect(try await state.last(SeriesStateKey(.price, key))?.observedAt == time("\(day)T23:00:00Z"))
        #expect(await process.terminate() == .exited(0))
        #expect(process.log.allSatisfy { !$0.contains("fatal") })
      }
    }
    await redis.stop()
  }

  @Test(.timeLimit(.minutes(15))) func twoFetchersShareOneRate() async throws {
    let redis = try await PrivateRedis.start()
    try await ProviderSimulator.serving(market) { simulator in
      try await withTemporaryDirectory { folder in
        let fleet = try Fleet(
          folder: folder, redis: redis, sources: Catalogues.json(simulator.url(of: "a"), more: "rate: 40/s\nburst: 10"))
        let processes = [try await fleet.start(), try await fleet.start()]
        for process in processes { try await process.awaitReady() }
        let start = ContinuousClock.now
        // Two series, in partitions of the lower and of the upper half: one for each fetcher.
        var tasks: [IngestionTask] = []
        for day in 10..<20 {
          tasks += Fleet.day("2025-01-\(day)") + Fleet.day("2025-01-\(day)", "Copper", kind: .fetchDemand)
        }
        try await fleet.send(tasks)
        try await eventually("all ended") {
          var ended = 0.0
          for process in processes { ended += await process.ended() }
          return ended >= 480
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let meter = simulator.meter(of: "a")
        // The bucket's promise over the whole run; it was full at the start.
        #expect(Double(meter.requests) <= 10 + seconds * 40 + 1, "\(meter.requests) requests in \(seconds) s")
        #expect(meter.requests >= 480)
        for process in processes { #expect(await process.ended() > 0) }
        for process in processes { #expect(await process.terminate() == .exited(0)) }
      }
    }
    await redis.stop()
  }

  @Test(.timeLimit(.minutes(15))) func anOutageOfAllProvidersIsWaitedOutUntilTheDeadline() async throws {
    let redis = try await PrivateRedis.start()
    try await ProviderSimulator.serving(market) { simulator in
      try await withTemporaryDirectory { folder in
        simulator.add(Misbehaviour(.outage))
        let sources = Catalogues.json(simulator.url(of: "a"), name: "First") + Catalogues.json(simulator.url(of: "b"))
        let fleet = try Fleet(folder: folder, redis: redis, sources: sources)
        let process = try await fleet.start(["--breaker-open", "100ms", "--breaker-open-max", "500ms"])
        try await process.awaitReady()
        let soon = try #require(Timestamp(microseconds: WallClock.microseconds() + 3_000_000))
        let urgent = Fleet.day("2025-01-20", "Brent", nil, hours: 0..<4, deadline: soon)
        try await fleet.send(Fleet.day("2025-01-20") + urgent)
        try await eventually("those with a deadline expire") { await process.skipped("expired") == 4 }
        try await eventually("it is not ready") { await process.get("/readyz")?.status == 503 }
        #expect(try await fleet.observations().isEmpty)
        simulator.clearFaults()
        try await eventually("the rest is fetched") { await process.ended() == 28 }
        #expect(byName(try await fleet.observations()) == truth("2025-01-20", "PVC", "Egypt", .price))
        #expect(try await fleet.read([Topics.ingestionTasks.deadLetters]).isEmpty)
        try await eventually("ready again") { await process.get("/readyz")?.status == 200 }
        #expect(await process.terminate() == .exited(0))
      }
    }
    await redis.stop()
  }

  @Test(.timeLimit(.minutes(15))) func anOutageOfRedisPausesAndLosesNothing() async throws {
    let redis = try await PrivateRedis.start()
    try await ProviderSimulator.serving(market) { simulator in
      try await withTemporaryDirectory { folder in
        let fleet = try Fleet(
          folder: folder, redis: redis, sources: Catalogues.json(simulator.url(of: "a"), more: "rate: 1000/s"))
        let process = try await fleet.start()
        try await process.awaitReady()
        try await fleet.send(Fleet.day("2025-01-20", hours: 0..<12))
        try await eventually("the first half") { await process.ended() == 12 }
        await redis.halt(signal: 9)
        try await fleet.send(Fleet.day("2025-01-20", hours: 12..<24))
        try await eventually("it is not ready") { await process.get("/readyz")?.status == 503 }
        let asked = simulator.meter(of: "a").requests
        #expect(await process.ended() == 12)
        try await redis.resume()
        try await eventually("the rest") { await process.ended() == 24 }
        #expect(byName(try await fleet.observations()) == truth("2025-01-20", "PVC", "Egypt", .price))
        // No provider got a request while the budget was unreachable.
        #expect(simulator.meter(of: "a").requests == asked + 12)
        #expect(try await fleet.read([Topics.ingestionTasks.deadLetters]).isEmpty)
        #expect(await process.terminate() == .exited(0))
      }
    }
    await redis.stop()
  }

  @Test(.timeLimit(.minutes(15))) func killedAtAnyPointItLosesNothing() async throws {
    let redis = try await PrivateRedis.start()
    var options = ProviderOptions()
    options.latency = .milliseconds(30)
    try await ProviderSimulator.serving(market, options: options) { simulator in
      try await withTemporaryDirectory { folder in
        let fleet = try Fleet(folder: folder, redis: redis, sources: Catalogues.json(simulator.url(of: "a")))
        let days = ["2025-01-20", "2025-01-21", "2025-01-22"]
        var expected: [String: String] = [:]
        for day in days {
          try await fleet.send(Fleet.day(day) + Fleet.day(day, "Copper", "Germany", kind: .fetchDemand))
          expected.merge(truth(day, "PVC", "Egypt", .price)) { $1 }
          expected.merge(truth(day, "Copper", "Germany", .demand)) { $1 }
        }
        var random = TestRandom("fetcher kills")
        for _ in 0..<3 {
          let process = try await fleet.start()
          let wanted = Double(Int.random(in: 3...30, using: &random))
          try await eventually("some work") { await process.ended() >= wanted || process.status != nil }
          await process.kill()
        }
        let last = try await fleet.start()
        try await eventually("everything is there") {
          byName(try await fleet.observations()) == expected
        }
        #expect(await last.terminate() == .exited(0))
        #expect(try await fleet.read([Topics.ingestionTasks.deadLetters]).isEmpty)
      }
    }
    await redis.stop()
  }

  @Test(.timeLimit(.minutes(15))) func wrongSettingsEndWith78BeforeAnyWork() async throws {
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/markets.yaml"
      for (sources, more) in [
        ("  - {name: A, kind: yahoo, url: \"https://h\", symbol: x, token: secret}\n", [String]()),
        ("  - {name: A, kind: yahoo, url: \"https://h/{token}\", symbol: x, token: env:SOUK_NO_SUCH_VARIABLE}\n", []),
        ("  - {name: A, kind: yahoo, url: \"https://h\", symbol: x}\n", ["--delivery", "exactly-once"]),
        ("  - {name: A, kind: yahoo, url: \"https://h\", symbol: x}\n", ["--redis-url", "http://x"]),
      ] {
        try (Catalogues.world + "sources:\n" + sources).write(toFile: file, atomically: true, encoding: .utf8)
        let outcome = try await ServiceProcess.run(
          "fetcher", ["--catalogue", file, "--http-port", "0", "--kafka-bootstrap-servers", "127.0.0.1:1"] + more)
        #expect(outcome.status == .exited(78), "\(sources): \(outcome)")
        #expect(!"\(outcome)".contains(": secret"))
      }
    }
  }
}
