import Core
@testable import EGXProducerService
import Messages
import ServiceKit
import Synchronization
import Testing
import Values

/// The series that polls and connections make, with a source and a clock of the test.
@Suite struct BarProducerTests {
  /// One step for each fetch.
  private final class ScriptedSource: BarSource {
    typealias Step = @Sendable ([BarRequest], BarSource.Delivery) async throws -> Void
    private let steps: Mutex<[Step]>
    private let asked = Mutex<[BarRequest]>([])
    let isLive: Bool
    let label = "scripted"
    var requests: [BarRequest] { asked.withLock { $0 } }

    init(isLive: Bool, _ steps: [Step]) {
      self.isLive = isLive
      self.steps = Mutex(steps)
    }

    func fetch(_ requests: [BarRequest], deliver: Delivery) async throws {
      asked.withLock { $0 += requests }
      let step = steps.withLock { $0.isEmpty ? nil : $0.removeFirst() }
      try await step?(requests, deliver)
    }
  }

  private final class Clock: Sendable {
    private let seconds = Mutex<Int64>(0)
    var now: Int64 {
      get { seconds.withLock { $0 } }
      set { seconds.withLock { $0 = newValue } }
    }
  }

  private static let lost = SourceError(.connectionLost, "the server closed the connection")

  private static func answer(_ times: Int64...) -> Result<BarAnswer, SourceError> {
    .success(BarAnswer(bars: times.map { bar($0, "1", "1", "1", "1") }))
  }

  private let topic = KeptBars()
  private let clock = Clock()
  private let drain = Interruption()
  private let health = Health()

  private func producer(
    _ source: ScriptedSource, _ change: (inout BarProducer.Settings) -> Void = { _ in }
  ) throws -> BarProducer {
    var settings = BarProducer.Settings(symbols: ["A"], interval: .minute, count: 10)
    settings.pollInterval = .milliseconds(1)
    settings.backoff = Backoff(base: .milliseconds(1), cap: .milliseconds(2))
    change(&settings)
    let review = BarReview(
      settings: .init(interval: .minute, exchange: "EGX", closeOnly: true), clock: try ExchangeClock())
    let clock = clock
    return BarProducer(
      source: source,
      publisher: BarPublisher(
        review: review, topic: topic, metrics: ProducerMetrics(), drain: drain, logger: quiet, now: { .epoch }),
      state: nil, settings: settings, metrics: ProducerMetrics(),
      context: ServiceContext(name: "egx-producer", logger: quiet, drain: drain, health: health), now: { clock.now })
  }

  private var published: [String] {
    topic.bars.map { bar in
      let time = (bar.observedAt?.microseconds ?? 0) / 1_000_000
      return bar.flags.contains(.refilled) ? "\(time) refilled" : "\(time)"
    }
  }

  private var readiness: (ready: Bool, reason: String) { health.readiness("source").current }

  /// A closed exchange does not hide a source without answers, and nothing is published from the probe.
  @Test(.timeLimit(.minutes(10))) func aSourceIsPolledBeforeTheFirstWait() async throws {
    let (health, drain) = (health, drain)
    let source = ScriptedSource(isLive: false, [
      { _, _ in throw Self.lost },
      { requests, deliver in
        let readiness = health.readiness("source").current
        #expect(!readiness.ready && readiness.reason == Self.lost.code, "\(readiness)")
        #expect(requests.map(\.count) == [1])
        try await deliver("A", Self.answer(600))
      },
    ])
    let calendar = TradingCalendar(clock: try ExchangeClock(), holidays: [], afterClose: 20)
    let producer = try producer(source) { $0.calendar = calendar }
    let run = Task { try await producer.run() }
    while !health.readiness("source").current.ready { try await Task.sleep(for: .milliseconds(5)) }
    #expect(readiness.reason == "the exchange is closed")
    drain.raise()
    try await run.value
    #expect(published.isEmpty && source.requests.count == 2)
  }

  @Test(.timeLimit(.minutes(10))) func aSourceThatRefusesTheLoginStopsAClosedExchangeToo() async throws {
    let source = ScriptedSource(isLive: false, [
      { _, deliver in try await deliver("A", .failure(SourceError(.tokenRefused, "who are you"))) }
    ])
    let calendar = TradingCalendar(clock: try ExchangeClock(), holidays: [], afterClose: 20)
    let producer = try producer(source) { $0.calendar = calendar }
    await #expect(throws: SourceError.self) { try await producer.run() }
  }

  @Test(.timeLimit(.minutes(10))) func itIsNotReadyWhileNoSymbolGivesBars() async throws {
    let (health, drain) = (health, drain)
    let refused = SourceError(.symbolRefused, "there is no file")
    let source = ScriptedSource(isLive: false, [
      { _, deliver in for symbol in ["A", "B"] { try await deliver(symbol, .failure(refused)) } },
      { _, deliver in
        let readiness = health.readiness("source").current
        #expect(!readiness.ready && readiness.reason.contains("none of 2 symbols"))
        try await deliver("A", .failure(refused))
        try await deliver("B", Self.answer(600))
      },
      { _, _ in
        #expect(health.readiness("source").current.ready)
        drain.raise()
      },
    ])
    try await producer(source) { $0.symbols = ["A", "B"] }.run()
    #expect(source.requests.count == 6)
  }

  @Test(.timeLimit(.minutes(10))) func minutesMissedBeforeAReconnectAreRefilled() async throws {
    clock.now = 700
    let source = ScriptedSource(isLive: true, [
      { _, deliver in
        try await deliver("A", Self.answer(600))
        try await deliver("A", Self.answer(660))
        throw Self.lost
      },
      { _, deliver in
        // 660 is as it was; 720 came and went while the source was not connected; 780 is being traded.
        try await deliver("A", Self.answer(600, 660, 720, 780))
        try await deliver("A", Self.answer(840))
      },
    ])
    try await producer(source).run()
    #expect(published == ["600", "660", "720 refilled", "780", "840"])
    #expect(source.requests.map(\.reachBackTo) == [nil, 660], "asked back to the newest that was published")
  }

  @Test(.timeLimit(.minutes(10))) func minutesMissedWhilePollsFailedAreRefilled() async throws {
    let (clock, drain) = (clock, drain)
    let source = ScriptedSource(isLive: false, [
      { _, deliver in
        clock.now = 660
        try await deliver("A", Self.answer(600))
      },
      { _, _ in
        clock.now = 2_000
        throw Self.lost
      },
      // The answer to the question that was left open; 1,920 closes after the poll that would have seen 900.
      { _, deliver in try await deliver("A", Self.answer(600, 900, 1_920)) },
      { _, deliver in
        clock.now = 2_060
        try await deliver("A", Self.answer(600, 900, 1_920, 1_980))
        drain.raise()
      },
    ])
    try await producer(source).run()
    #expect(published == ["600", "900 refilled", "1920", "1980"])
    #expect(source.requests.map(\.reachBackTo) == [nil, 600, 600, 1_920])
  }

  @Test(.timeLimit(.minutes(10))) func aPollGoesOnWithTheSymbolsThatWereNotAnswered() async throws {
    let source = ScriptedSource(isLive: false, [
      { _, deliver in
        try await deliver("A", Self.answer(600))
        throw Self.lost
      },
      { requests, deliver in
        for request in requests { try await deliver(request.symbol, Self.answer(600)) }
      },
    ])
    try await producer(source) {
      $0.symbols = ["A", "B", "C"]
      $0.once = true
    }.run()
    #expect(source.requests.map(\.symbol) == ["A", "B", "C", "B", "C"])
    #expect(topic.bars.map(\.symbol) == ["A", "B", "C"])
  }

  @Test(.timeLimit(.minutes(10))) func withStayTheEndIsTheDrain() async throws {
    let drain = drain
    let source = ScriptedSource(isLive: true, [{ _, deliver in try await deliver("A", Self.answer(600)) }])
    let producer = try producer(source) { $0.staysAtEnd = true }
    async let run: Void = {
      try await producer.run()
      #expect(drain.isRaised)
    }()
    while published.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    drain.raise()
    try await run
    #expect(published == ["600"])
  }
}
