import Core
@testable import FetcherService
import Foundation
import LocalServers
import Messages
@testable import Pipeline
import ProviderSimulator
import ServiceKit
import Synchronization
import Testing
import TestSupport
import Values

/// Handler, pool and providers against the simulator; no Kafka.
@Suite struct ProviderTests {
  private let due = "2025-01-20T12:00:00Z"
  private let market = SimulatedMarket(seed: 7)

  private func truth() -> ExactDecimal? {
    market.points(.price, material: "pvc", country: "egypt", currency: "EGP", at: time(due), count: 1).last?.value
  }

  @Test func everyAnswerFormatGivesTheSimulatedValue() async throws {
    let truth = truth()
    try await ProviderSimulator.serving(market) { simulator in
      for sources in [
        Catalogues.yahoo(simulator.url(of: "a"), more: "unit: t"), Catalogues.json(simulator.url(of: "b")),
        Catalogues.csv(simulator.url(of: "c")),
      ] {
        let stage = try Stage(sources)
        #expect(try await stage.handle(Stage.task(due: due)) == .keep)
        let observation = try #require(try stage.emitted.observations.first)
        #expect(observation.value == truth && observation.observedAt == time(due))
        #expect(observation.series.text == "mena.egypt.polymer.pvc" && observation.kind == .price)
        #expect(observation.currency == "EGP" && observation.unit == "t" && observation.flags.isEmpty)
        #expect(observation.jobID == "j1" && observation.country == "Egypt" && observation.material == "PVC")
      }
      // Alpha Vantage's commodities are of the world, in dollars.
      let alpha = try Stage("""
          - name: Alpha
            kind: alphavantage
            url: "\(simulator.url(of: "d"))/query?function={symbol}&at={due_at}&apikey={token}"
            token: env:PATH
            symbol: "{material}"
        """)
      #expect(try await alpha.handle(Stage.task("Copper", nil, due: due)) == .keep)
      let copper = try #require(try alpha.emitted.observations.first)
      #expect(copper.currency == "USD" && copper.unit == "t" && copper.series.text == "global.world.screening.copper")
      let expected = market.points(
        .price, material: "copper", country: "world", currency: "USD", at: time(due), count: 1)
      #expect(copper.value == expected.last?.value)
    }
  }

  @Test func demandHasNoCurrencyAndMayBeZero() async throws {
    let market = market
    try await ProviderSimulator.serving(market) { simulator in
      let stage = try Stage(Catalogues.json(simulator.url(of: "b")))
      for hour in 0..<12 {
        let at = "2025-01-20T\(hour < 10 ? "0" : "")\(hour):00:00Z"
        #expect(try await stage.handle(Stage.task(kind: .fetchDemand, due: at)) == .keep)
      }
      let values = try stage.emitted.observations
      #expect(values.allSatisfy { $0.kind == .demand && $0.currency == nil && $0.unit == "t" })
      #expect(values.map(\.value) == market.points(
        .demand, material: "pvc", country: "egypt", currency: nil, at: time("2025-01-20T11:00:00Z"), count: 12)
        .map(\.value))
      #expect(values.contains { $0.value.isZero } && values.contains { !$0.value.isZero })
    }
  }

  @Test func unchangedAndOlderValuesAreSkipped() async throws {
    let market = market
    try await ProviderSimulator.serving(market) { simulator in
      let sources = Catalogues.json(simulator.url(of: "b"))
      let states = MemoryStateStore()
      let stage = try Stage(sources, states: states)
      #expect(try await stage.handle(Stage.task(due: due)) == .keep)
      #expect(try await stage.handle(Stage.task(due: due)) == .skip(reason: "unchanged"))
      #expect(try await stage.handle(Stage.task(due: "2025-01-20T11:00:00Z")) == .skip(reason: "older"))
      #expect(try await stage.handle(Stage.task(due: "2025-01-20T13:00:00Z")) == .keep)
      #expect(try stage.emitted.observations.count == 2)
      // The second time was a 304, and what was kept has the same value.
      #expect(simulator.meter(of: "b").answers == [200: 3, 304: 1])
      let again = try Stage(sources, states: states, handler: .init(republishes: true))
      #expect(try await again.handle(Stage.task(due: "2025-01-20T13:00:00Z")) == .keep)
      #expect(try await again.handle(Stage.task(due: due)) == .skip(reason: "older"))
    }
  }

  @Test func aCachedAnswerIsFlaggedWhenItIsPublishedAgain() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      let stage = try Stage(Catalogues.json(simulator.url(of: "b")), handler: .init(republishes: true))
      for _ in 0..<2 { #expect(try await stage.handle(Stage.task(due: due)) == .keep) }
      #expect(try stage.emitted.observations.map(\.flags) == [[], ["cached"]])
      #expect(stage.cache.bytes > 0)
    }
  }

  /// Each fault of the first of two providers: the second one's answer is published, flagged.
  @Test(arguments: Misbehaviour.Mode.allCases.filter { ![.slow, .wrongUnit, .poison].contains($0) })
  func theNextProviderIsUsedAfterAnyFailureOfTheFirst(mode: Misbehaviour.Mode) async throws {
    let truth = truth()
    try await ProviderSimulator.serving(market) { simulator in
      simulator.add(Misbehaviour(mode, of: "a"))
      // Nothing of a time that has not come is known: then "now" is the due time.
      let due = time(due)
      let stage = try Stage(
        Catalogues.json(simulator.url(of: "a"), name: "First") + Catalogues.json(simulator.url(of: "b")), now: { due })
      #expect(try await stage.handle(Stage.task(due: self.due)) == .keep, "\(mode)")
      let observation = try #require(try stage.emitted.observations.first)
      #expect(observation.value == truth && observation.source == "Exchange", "\(mode)")
      #expect(observation.flags == ["failed_over"], "\(mode)")
      #expect(simulator.meter(of: "a").requests == 1)
    }
  }

  @Test func aSlowProviderTimesOut() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      simulator.add(Misbehaviour(.slow, of: "a", value: .seconds(300)))
      let stage = try Stage(
        Catalogues.json(simulator.url(of: "a"), name: "First", more: "timeout: 200ms")
          + Catalogues.json(simulator.url(of: "b")))
      #expect(try await stage.handle(Stage.task(due: due)) == .keep)
      #expect(try stage.emitted.observations.map(\.source) == ["Exchange"])
    }
  }

  /// The simulator then says pounds: 1 t is 1000 / 0.45359237 of them.
  @Test func anotherUnitIsConverted() async throws {
    let truth = try #require(truth().flatMap { Double("\($0)") })
    try await ProviderSimulator.serving(market) { simulator in
      simulator.add(Misbehaviour(.wrongUnit))
      let stage = try Stage(Catalogues.json(simulator.url(of: "a")))
      #expect(try await stage.handle(Stage.task(due: due)) == .keep)
      let observation = try #require(try stage.emitted.observations.first)
      let value = try #require(Double("\(observation.value)"))
      #expect(observation.unit == "t" && observation.flags.isEmpty)
      #expect(abs(value / truth - 1_000 / 0.45359237) < 1e-9)
    }
  }

  @Test(arguments: [(Misbehaviour.Mode.negative, true), (.zero, true), (.negative, false), (.zero, false)])
  func aPriceThatIsNotPositiveAffectsItsSeriesAlone(mode: Misbehaviour.Mode, isPositive: Bool) async throws {
    try await ProviderSimulator.serving(market) { simulator in
      let stage = try Stage(Catalogues.json(simulator.url(of: "a")))
      // PVC is called positive in the catalogue, Brent is not.
      let task = isPositive ? Stage.task(due: due) : Stage.task("Brent", nil, due: due)
      for _ in 0..<10 {
        simulator.add(Misbehaviour(mode, times: 1))
        if isPositive {
          #expect(await stage.failure(task) == "value_implausible")
        } else {
          _ = try await stage.handle(task)
        }
      }
      // No breaker opened: another series of the same provider is published.
      #expect(stage.pool.isTrusted)
      #expect(try await stage.handle(Stage.task("Copper", due: due)) == .keep)
      let flags = try stage.emitted.observations.map(\.flags)
      #expect(flags == (isPositive ? [[]] : [["not_positive"], []]))
    }
  }

  @Test func aWrongKeySuspendsItsProviderAndNoJobIsLost() async throws {
    for mode in [Misbehaviour.Mode.wrongKey, .unauthorized] {
      try await ProviderSimulator.serving(market) { simulator in
        simulator.add(Misbehaviour(mode, of: "a"))
        let stage = try Stage(
          Catalogues.json(simulator.url(of: "a"), name: "First") + Catalogues.json(simulator.url(of: "b")))
        for hour in 0..<5 { #expect(try await stage.handle(Stage.task(due: "2025-01-20T1\(hour):00:00Z")) == .keep) }
        #expect(simulator.meter(of: "a").requests == 1 && !stage.pool.providers[0].isTrusted)
        // Alone it is an outage: the job waits.
        let alone = try Stage(Catalogues.json(simulator.url(of: "a")))
        let error = await #expect(throws: FetchError.self) { try await alone.handle(Stage.task(due: due)) }
        #expect(error?.kind == .providersDown && error?.message.contains("provider_refused") == true)
      }
    }
  }

  @Test func aQuotaMessageWithStatus200PausesWithoutAFailure() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      simulator.add(Misbehaviour(.quota, of: "a"))
      let stage = try Stage(
        Catalogues.json(simulator.url(of: "a"), name: "First") + Catalogues.json(simulator.url(of: "b")))
      for hour in 0..<5 { #expect(try await stage.handle(Stage.task(due: "2025-01-20T1\(hour):00:00Z")) == .keep) }
      #expect(simulator.meter(of: "a").requests == 1 && stage.pool.providers[0].isTrusted)
    }
  }

  @Test func a429WithoutRetryAfterGetsGrowingPauses() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      simulator.add(Misbehaviour(.rateLimit, of: "a", value: .zero))
      let stage = try Stage(Catalogues.json(simulator.url(of: "a")))
      // 40 jobs that ask again at once, until three pauses are over: 1, 2 and 4 s.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<40 {
          group.addTask {
            while simulator.meter(of: "a").requests < 4 {
              _ = await stage.failure(Stage.task(due: "2025-01-20T\(index % 10 + 10):00:00Z"))
              try await Task.sleep(for: .milliseconds(20))
            }
          }
        }
        try await eventually("three more requests than the first ones") {
          simulator.meter(of: "a").answers[429].map { $0 >= 4 } ?? false
        }
        group.cancelAll()
        while let result = await group.nextResult() { _ = result }
      }
      #expect(stage.pool.isTrusted)
    }
  }

  @Test func aRefusedRequestKeepsItsReason() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      simulator.add(Misbehaviour(.unprocessable, of: "a"))
      let stage = try Stage(Catalogues.json(simulator.url(of: "a")))
      guard case .reject(let rejection) = try await stage.handle(Stage.task(due: due)) else {
        Issue.record("kept")
        return
      }
      #expect(rejection.code == "request_refused" && "\(rejection)".contains("1m bars are kept for 8 days"))
    }
  }

  @Test func tokensAreRemovedFromMessages() async throws {
    try await withTemporaryDirectory { folder in
      try "bars".write(toFile: folder + "/token", atomically: true, encoding: .utf8)
      try await ProviderSimulator.serving(market) { simulator in
        simulator.add(Misbehaviour(.unprocessable, of: "a"))
        let stage = try Stage(Catalogues.json(
          simulator.url(of: "a"), more: "token: \"file:\(folder)/token\"\ntoken-header: X-API-Key"))
        guard case .reject(let rejection) = try await stage.handle(Stage.task(due: due)) else {
          Issue.record("kept")
          return
        }
        #expect("\(rejection)".contains("1m *** are kept for 8 days"))

        // Another token in the file is that of the next request.
        try "kept".write(toFile: folder + "/token", atomically: true, encoding: .utf8)
        simulator.add(Misbehaviour(.unprocessable, of: "a"))
        guard case .reject(let next) = try await stage.handle(Stage.task(due: due)) else {
          Issue.record("kept")
          return
        }
        #expect("\(next)".contains("1m bars are *** for 8 days"))
      }
    }
  }

  @Test func aMissingValueIsSkippedOrAwaitedUntilTheDeadline() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      let stage = try Stage(Catalogues.json(simulator.url(of: "a"), more: "max-age: 1h").replacing(
        "at={due_at}", with: "at=2025-01-20T00:00:00Z"))
      #expect(try await stage.handle(Stage.task(due: due)) == .skip(reason: "no_value"))
      let later = try #require(Timestamp(microseconds: WallClock.microseconds() + 3_600_000_000))
      let error = await #expect(throws: FetchError.self) {
        try await stage.handle(Stage.task(due: due, deadline: later))
      }
      #expect(error?.kind == .noValue && error?.errorClass == .transient && stage.pool.isTrusted)
    }
  }

  @Test func aDoubtfulPriceIsTakenOnlyWithoutANearerOne() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      let stage = try Stage(
        Catalogues.json(simulator.url(of: "a"), name: "First") + Catalogues.json(simulator.url(of: "b")))
      #expect(try await stage.handle(Stage.task(due: due)) == .keep)
      simulator.add(Misbehaviour(.poison, of: "a"))
      #expect(try await stage.handle(Stage.task(due: "2025-01-20T13:00:00Z")) == .keep)
      simulator.add(Misbehaviour(.poison, of: "b"))
      #expect(try await stage.handle(Stage.task(due: "2025-01-20T14:00:00Z")) == .keep)
      let observations = try stage.emitted.observations
      #expect(observations.map(\.flags) == [[], ["failed_over"], ["jump"]])
      #expect(observations[2].value > decimal("100000"))
    }
  }

  @Test func aFailingProviderGetsNoRequestsForAWhile() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      simulator.add(Misbehaviour(.outage, of: "a"))
      var settings = Provider.Settings()
      settings.gate.breaker = .init(threshold: 3, openFor: .milliseconds(50), openAtMost: .milliseconds(50))
      var long = settings
      long.gate.breaker = .init(threshold: 3, openFor: .seconds(3_600), openAtMost: .seconds(3_600))
      let stage = try Stage(
        Catalogues.json(simulator.url(of: "a"), name: "First") + Catalogues.json(simulator.url(of: "b")),
        settings: long)
      for hour in 0..<8 { #expect(try await stage.handle(Stage.task(due: "2025-01-20T1\(hour):00:00Z")) == .keep) }
      #expect(simulator.meter(of: "a").requests == 3)
      #expect(stage.pool.isTrusted && !stage.pool.providers[0].isTrusted)
      // With a short time the next probe finds it well, and it is asked first again.
      let short = try Stage(
        Catalogues.json(simulator.url(of: "a"), name: "First") + Catalogues.json(simulator.url(of: "b")),
        settings: settings)
      for hour in 0..<4 { #expect(try await short.handle(Stage.task(due: "2025-01-21T1\(hour):00:00Z")) == .keep) }
      simulator.clearFaults()
      var minute = 10
      try await eventually("the first provider is asked again") {
        minute += 1
        _ = try await short.handle(Stage.task(due: "2025-01-\(minute % 15 + 11)T00:00:00Z", deadline: nil))
        return short.pool.providers[0].isTrusted
      }
    }
  }

  @Test func repeated429sPauseForTheGivenTime() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      simulator.add(Misbehaviour(.rateLimit, of: "a", times: 1, value: .seconds(3_600)))
      let stage = try Stage(Catalogues.json(simulator.url(of: "a"), name: "First", more: "rate: 1000/s")
        + Catalogues.json(simulator.url(of: "b")))
      for hour in 0..<5 { #expect(try await stage.handle(Stage.task(due: "2025-01-20T1\(hour):00:00Z")) == .keep) }
      // Once, and not again before the time it asked for; its breaker has nothing to do with it.
      #expect(simulator.meter(of: "a").requests == 1 && simulator.meter(of: "b").requests == 5)
      #expect(stage.pool.providers[0].isTrusted)
    }
    try await ProviderSimulator.serving(market) { simulator in
      simulator.add(Misbehaviour(.rateLimit, times: 3, value: .seconds(1)))
      let stage = try Stage(Catalogues.json(simulator.url(of: "a"), more: "rate: 1000/s"))
      let error = await #expect(throws: FetchError.self) { try await stage.handle(Stage.task(due: due)) }
      #expect(error?.kind == .providersDown && error?.errorClass == .transient && error?.retryAfter == .seconds(1))
      try await eventually("it answers after that") { await stage.failure(Stage.task(due: due)) == nil }
      #expect(simulator.meter(of: "a").requests == 4)
    }
  }

  @Test func anUnknownSymbolIsADeadLetterAndAnOutageIsNone() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      let stage = try Stage(
        Catalogues.json(simulator.url(of: "a"), name: "First") + Catalogues.json(simulator.url(of: "b")))
      simulator.add(Misbehaviour(.unknown))
      #expect(await stage.failure(Stage.task(due: due)) == "symbol_unknown")
      simulator.clearFaults()
      simulator.add(Misbehaviour(.unknown, of: "a"))
      simulator.add(Misbehaviour(.outage, of: "b"))
      await #expect(throws: FetchError.self) { try await stage.handle(Stage.task(due: due)) }
      #expect(await stage.failure(Stage.task(due: due)) == "providers_down")
      #expect(await stage.failure(Stage.task("Gold")) == "unknown_material")
      #expect(try await stage.handler.handle(Stage.job(nil), emit: Emitter { _ in }) == .skip(reason: "tombstone"))
      guard case .reject(let rejection) = try await stage.handler.handle(
        Stage.job(Array("{\"task\":\"buy\"}".utf8)), emit: Emitter { _ in }) else {
      Issue.record("kept")
      return
    }
      #expect(rejection.stage == "decode")
    }
  }

  @Test func expiredJobsAreNotFetched() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      let stage = try Stage(Catalogues.json(simulator.url(of: "a")))
      let past = time("2025-01-20T12:30:00Z")
      #expect(try await stage.handle(Stage.task(due: due, deadline: past)) == .skip(reason: "expired"))
      #expect(simulator.meter(of: "a").requests == 0)
    }
  }

  @Test func aJobExpiresInTheQueue() async throws {
    try await ProviderSimulator.serving(market) { simulator in
      let stage = try Stage(Catalogues.json(simulator.url(of: "a"), more: "rate: 1/h\nburst: 1"))
      #expect(try await stage.handle(Stage.task(due: due)) == .keep)
      let soon = try #require(Timestamp(microseconds: WallClock.microseconds() + 300_000))
      #expect(try await stage.handle(Stage.task(due: due, deadline: soon)) == .skip(reason: "expired"))
      #expect(simulator.meter(of: "a").requests == 1)
    }
  }

  @Test func requestsInFlightStayWithinTheConcurrency() async throws {
    var options = ProviderOptions()
    options.latency = .milliseconds(20)
    try await ProviderSimulator.serving(market, options: options) { simulator in
      let stage = try Stage(Catalogues.json(simulator.url(of: "a"), more: "concurrency: 3"))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for day in 10..<28 {
          group.addTask { _ = try await stage.handle(Stage.task(due: "2025-01-\(day)T00:00:00Z")) }
        }
        try await group.waitForAll()
      }
      let meter = simulator.meter(of: "a")
      #expect(meter.requests == 18 && meter.mostInFlight <= 3)
    }
  }

}
