import Budgets
import Core
import FeedSimulator
import Feeds
@testable import FetcherService
import HTTP
@testable import Kafka
import Markets
import Messages
@testable import Pipeline
import ServiceKit
import Synchronization
import Testing
import TestSupport
import Values

/// A fetcher of market data without Kafka: the results and messages of its handler, in front of the simulator.
struct MarketStage {
  let client: SourceClient
  let adapter: BarsAdapter
  let handler: TaskHandler
  let emitted = Emitted()

  final class Emitted: Sendable {
    private let storage = Mutex<[FeedBar]>([])
    func add(_ batch: OutgoingBatch) throws {
      for item in batch.items {
        let bar = try FeedBar(decoding: Array(batch.bytes[item.value.start..<item.value.start + item.value.count]))
        storage.withLock { $0.append(bar) }
      }
    }
    var bars: [FeedBar] { storage.withLock { $0 } }
  }

  init(
    _ simulator: FeedSimulator, _ kind: DataSourceKind, key: String = "key", more: String = "",
    store: any HistoryStore<BarHistory> = MemoryHistoryStore<BarHistory>(), tokens: (any TokenSource)? = nil
  ) throws {
    let secret = kind.hasSecret ? ", secret: env:S" : ""
    let row = "{name: s, kind: \(kind.rawValue), url: \"http://\(simulator.url)\", key: env:K\(secret)\(more)}"
    let source = try #require(try DataSource.read(yaml: "sources:\n  - \(row)", origin: "test").first)
    let http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", protocols: .http2))
    // It is noon for ever, and who is suspended stays so.
    let noon = 1_772_452_800_000_000 as Int64
    let gate = ProviderGate(
      "s", word: "s", settings: .init(breaker: .init(openFor: .seconds(86_400), openAtMost: .seconds(86_400))),
      concurrency: 4, tokens: try tokens ?? LocalTokens(source.limits) { noon }, logger: quiet, now: Timestamp.now)
    client = SourceClient(
      source, key: key, secret: kind.hasSecret ? "secret" : nil, gate: gate, http: http, maxBytes: 8 << 20)
    adapter = try BarsAdapter(store: store, logger: quiet)
    handler = TaskHandler(
      .bars, adapter: adapter, sources: [client], identity: ServiceIdentity(name: "fetcher"),
      readiness: FetchHandler.Readiness(Health()), logger: quiet, now: Timestamp.now)
  }

  func handle(_ task: FetchTask) async throws -> Disposition {
    try await handler.handle(Stage.job(task.encoded()), emit: Emitter { [emitted] in try emitted.add($0) })
  }

  /// The last session that ended at least a day ago.
  static func session() throws -> NYSECalendar.Session {
    let calendar = try NYSECalendar()
    let today = calendar.day(of: WallClock.seconds())
    return try #require((1..<9).lazy.compactMap { calendar.session(on: today - $0) }.first)
  }

  static func task(_ symbols: [String], due: Int64, deadline: Int64? = nil, lookback: Int64 = 900) -> FetchTask {
    func time(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) ?? .epoch }
    return FetchTask(
      kind: .bars, source: "s", symbols: symbols, interval: "1m", lookback: lookback, dueAt: time(due),
      deadline: deadline.map(time))
  }

  /// What the market has, as text: symbol, start and the five numbers.
  static func truth(_ simulator: FeedSimulator, _ symbols: [String], _ seconds: Range<Int64>) -> Set<String> {
    let range = seconds.lowerBound * 1_000_000_000...seconds.upperBound * 1_000_000_000 - 1
    return Set(symbols.flatMap { symbol in
      simulator.bars(symbol, .minute, in: range).map { bar in
        let prices = [bar.price, bar.high, bar.low, bar.close].map {
          "\(ExactDecimal(unchecked: $0, scale: 2).normalized)"
        }
        return "\(symbol) \(bar.eventNs) \(prices.joined(separator: " ")) \(bar.size)"
      }
    })
  }

  static func text(_ bar: FeedBar) -> String {
    let values = bar.values
    let prices = [values.open, values.high, values.low, values.close].map { "\($0.normalized)" }
    return "\(bar.symbol) \(values.startNs) \(prices.joined(separator: " ")) \(values.volume.normalized)"
  }
}

@Suite struct BarsAdapterTests {
  static let symbols = ["AAPL", "BRK.B", "MSFT"]

  private func serving(
    _ change: (inout FeedScript) -> Void = { _ in }, seed: UInt64 = 1,
    _ body: @Sendable (FeedSimulator) async throws -> Void
  ) async throws {
    var script = FeedScript()
    script.pastDays = 12
    change(&script)
    try await FeedSimulator.serving(script, seed: seed, symbols: Self.symbols, rate: 1, body)
  }

  /// Each provider gives the bars of the look-back, whatever its pages are like; asked again, nothing is published.
  @Test(arguments: DataSourceKind.allCases.filter { $0.tasks.contains(.bars) })
  func barsEqualTheMarket(_ kind: DataSourceKind) async throws {
    try await serving({ ($0.pageSize, $0.hasEmptyPages) = (7, true) }) { simulator in
      let stage = try MarketStage(simulator, kind)
      let due = try MarketStage.session().open + 3_600
      // Three seconds behind the minute, whose bar is the last one that is whole.
      let size = try #require(kind.symbolsAtOnce(.bars))
      for start in stride(from: 0, to: Self.symbols.count, by: size) {
        let some = Array(Self.symbols[start..<min(Self.symbols.count, start + size)])
        #expect(try await stage.handle(MarketStage.task(some, due: due + 3)) == .keep)
        #expect(try await stage.handle(MarketStage.task(some, due: due + 3)) == .skip(reason: "unchanged"))
      }
      let bars = stage.emitted.bars
      #expect(Set(bars.map(MarketStage.text)) == MarketStage.truth(simulator, Self.symbols, due - 900..<due))
      #expect(bars.count == Set(bars.map(MarketStage.text)).count && !bars.isEmpty)
      #expect(bars.allSatisfy { $0.values.revision == 0 && $0.feed == kind.feed?.rawValue && $0.interval == "1m" })
    }
  }

  /// Another market with other bars of the same minutes: each replaces the earlier one with the next revision.
  @Test func aKnownStartIsReplaced() async throws {
    let store = MemoryHistoryStore<BarHistory>()
    let due = try MarketStage.session().open + 3_600
    let task = MarketStage.task(["AAPL"], due: due)
    try await serving { simulator in
      let stage = try MarketStage(simulator, .polygon, store: store)
      _ = try await stage.handle(task)
      #expect(stage.emitted.bars.allSatisfy { $0.values.revision == 0 })
    }
    let known = try #require(store.histories(of: ["polygon-stocks:AAPL:1m"]).first).history
    try await serving(seed: 2) { simulator in
      let stage = try MarketStage(simulator, .polygon, store: store)
      _ = try await stage.handle(task)
      for bar in stage.emitted.bars {
        #expect(bar.values.revision == (known.known(startNs: bar.values.startNs) == nil ? 0 : 1))
      }
      #expect(stage.emitted.bars.contains { $0.values.revision == 1 })
    }
    #expect(BarHistory(known.text) == known && BarHistory("x") == nil)
  }

  /// Behind an outage of the fetcher the series is asked about from its last bar on.
  @Test func anOutageLeavesNoHole() async throws {
    try await serving { simulator in
      let stage = try MarketStage(simulator, .alpaca)
      let open = try MarketStage.session().open
      _ = try await stage.handle(MarketStage.task(Self.symbols, due: open + 1_800, lookback: 1_800))
      _ = try await stage.handle(MarketStage.task(Self.symbols, due: open + 9_000))
      let truth = MarketStage.truth(simulator, Self.symbols, open..<open + 9_000)
      #expect(Set(stage.emitted.bars.map(MarketStage.text)) == truth)
      #expect(stage.emitted.bars.count == truth.count)
    }
  }

  /// One symbol that the provider does not know is dead-lettered alone.
  @Test func aRefusedSymbolIsAlone() async throws {
    try await serving({ $0.badSymbols = ["MSFT"] }) { simulator in
      let stage = try MarketStage(simulator, .alpaca)
      let due = try MarketStage.session().open + 3_600
      let task = MarketStage.task(Self.symbols, due: due)
      guard case .reject(let rejection) = try await stage.handle(task) else {
        Issue.record("not refused")
        return
      }
      #expect(rejection.excerpts.count == 1)
      let alone = try FetchTask(decoding: try #require(rejection.excerpts.first).value)
      #expect(alone.symbols == ["MSFT"] && alone.dueAt == task.dueAt)
      let truth = MarketStage.truth(simulator, ["AAPL", "BRK.B"], due - 900..<due)
      #expect(Set(stage.emitted.bars.map(MarketStage.text)) == truth)
    }
  }

  /// Grants everything, and notes pauses.
  private final class NotedPauses: TokenSource {
    let pauses = Mutex<[Pause]>([])
    func take(upTo wanted: Int) -> Grant { Grant(count: wanted, wait: .zero) }
    func pause(_ pause: Pause) -> Duration {
      pauses.withLock { $0.append(pause) }
      return .seconds(1)
    }
    func recover() {}
  }

  /// "Too often", with status 429 and a time and, of Alpha Vantage, with 200 and none: a pause of all replicas.
  @Test(arguments: DataSourceKind.allCases.filter { $0.tasks.contains(.bars) })
  func tooManyRequestsPause(_ kind: DataSourceKind) async throws {
    try await serving({ $0.refusedQuestions = 1 }) { simulator in
      let tokens = NotedPauses()
      let stage = try MarketStage(simulator, kind, tokens: tokens)
      let task = MarketStage.task(["AAPL"], due: try MarketStage.session().open + 3_600)
      let error = await #expect(throws: FetchError.self) { try await stage.handle(task) }
      #expect(error?.code == "provider_rate_limited" && error?.errorClass == .transient, "\(kind) \(error as Any)")
      let pauses = tokens.pauses.withLock { $0 }
      #expect(pauses.count == 1 && simulator.questions.count == 1)
      if kind != .alphaVantage { #expect(pauses == [.asked(.seconds(1))]) }
      #expect(try await stage.handle(task) == .keep)
    }
  }

  /// A wrong key suspends the source; no message has it.
  @Test(arguments: DataSourceKind.allCases.filter { $0.tasks.contains(.bars) })
  func aWrongKeySuspends(_ kind: DataSourceKind) async throws {
    try await serving { simulator in
      let stage = try MarketStage(simulator, kind, key: "wrong-key")
      let task = MarketStage.task(["AAPL"], due: try MarketStage.session().open + 3_600)
      let first = await #expect(throws: FetchError.self) { try await stage.handle(task) }
      #expect(first?.code == "provider_refused" && "\(first?.message ?? "")".contains("wrong-key") == false)
      let second = await #expect(throws: FetchError.self) { try await stage.handle(task) }
      #expect(second?.code == "provider_suspended")
      #expect(simulator.questions.count == 1 && !stage.client.gate.isTrusted)
    }
  }

  /// Two requests a day: the third task is left out, or waits unless its deadline comes first. Never a dead letter.
  @Test func aSpentDayFollowsItsRule() async throws {
    try await serving { simulator in
      let due = try MarketStage.session().open + 3_600
      for rule in ["skip", "wait"] {
        let stage = try MarketStage(simulator, .polygon, more: ", rate: 2/d, when-exhausted: \(rule)")
        for minute in 0..<2 {
          _ = try await stage.handle(MarketStage.task(["AAPL"], due: due + 60 * Int64(minute)))
        }
        // The provider's midnight is twelve hours away.
        let deadline = WallClock.seconds() + 7_200
        let urgent = MarketStage.task(["MSFT"], due: due, deadline: deadline)
        #expect(try await stage.handle(urgent) == .skip(reason: "budget_spent"))
        if rule == "skip" {
          #expect(try await stage.handle(MarketStage.task(["MSFT"], due: due)) == .skip(reason: "budget_spent"))
        } else {
          let error = await #expect(throws: FetchError.self) {
            try await stage.handle(MarketStage.task(["MSFT"], due: due))
          }
          #expect(error?.code == "provider_budget_spent" && error?.retryAfter == .seconds(43_200))
        }
        #expect(stage.emitted.bars.allSatisfy { $0.symbol == "AAPL" })
      }
    }
  }

  @Test func tasksThatCanNeverSucceedAreRefused() async throws {
    try await serving { simulator in
      let stage = try MarketStage(simulator, .alpaca)
      func code(_ change: (inout FetchTask) -> Void) async throws -> String? {
        var task = MarketStage.task(["AAPL"], due: try MarketStage.session().open + 3_600)
        change(&task)
        if case .reject(let rejection) = try await stage.handle(task) { return rejection.code }
        return nil
      }
      #expect(try await code { $0.source = "other" } == "unknown_source")
      #expect(try await code { $0.interval = "2m" } == "request_refused")
      #expect(try await code { $0.symbols = [] } == "symbol_unknown")
      #expect(try await stage.handler.handle(Stage.job(Array("{".utf8)), emit: Emitter { _ in }).isRejection)
      let late = MarketStage.task(["AAPL"], due: WallClock.seconds() - 60, deadline: WallClock.seconds() - 1)
      #expect(try await stage.handle(late) == .skip(reason: "expired"))
      #expect(simulator.questions.isEmpty)
    }
  }
}

extension Disposition {
  fileprivate var isRejection: Bool { if case .reject = self { true } else { false } }
}
