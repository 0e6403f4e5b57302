import Catalogue
import Core
import FeedSimulator
import Kafka
import Messages
@testable import OptionsDetectorService
import Testing
import TestSupport

@Suite(.timeLimit(.minutes(15))) struct FlowSinkTests {
  static let symbols = (0..<12).map { "AAPL251219C00\(200 + 5 * $0)000" }

  /// A market of ten minutes with planted activity.
  /// - Parameter others: contracts besides those on AAPL.
  static func market(seed: UInt64, others: [String] = []) -> (events: [SimulatedEvent], planted: [PlantedFlow]) {
    var market = FeedMarket(
      seed: seed, symbols: symbols + others + ["AAPL"], rate: 150, startNs: Flow.open, hasCorrections: false,
      plantEvery: 200)
    _ = market.advance(to: Flow.open + 600_000_000_000)
    return (market.events, market.planted)
  }

  /// Every plant is found, with its numbers, and nothing else: precision and recall are one.
  @Test(arguments: 0..<3) func whatWasPlantedIsFoundAndNothingElse(_ seed: Int) async throws {
    let (events, planted) = Self.market(
      seed: UInt64(seed), others: ["MSFT251219C00400000", "MSFT251219P00400000", "MSFT251219P00410000"])
    #expect(planted.count > 300 && Set(planted.map(\.kind)) == Set(PlantedFlow.Kind.allCases))
    let fixture = try FlowFixture()
    for trade in Flow.prints(of: events) { fixture.append(trade.encoded()) }
    try await fixture.flush(to: 1)
    let found = try fixture.output.last.values.filter { $0.status != .withdrawn }
    Self.expect(Array(found), planted)
  }

  static func expect(_ found: [OptionsFlow], _ planted: [PlantedFlow]) {
    func text(_ rule: String, _ contracts: [String], _ firstNs: Int64, _ size: Int64, _ premium: Double, _ side: String)
      -> String
    {
      // Polygon's stream has milliseconds.
      "\(rule) \(contracts.sorted()) \(firstNs / 1_000_000) \(size) \(premium) \(side)"
    }
    let rules: [PlantedFlow.Kind: String] = [.sweep: "sweep", .block: "block", .legs: "multi_leg", .split: "block"]
    let truth = planted.filter { !$0.isNone }.map {
      text(rules[$0.kind] ?? "", $0.contracts, $0.firstNs, $0.size, $0.premium, $0.side)
    }
    let said = found.map {
      text($0.rule.rawValue, $0.contracts, $0.firstNs, $0.size, $0.premium, $0.side.rawValue)
    }
    #expect(Set(said).subtracting(truth).isEmpty, "what is no unusual activity")
    #expect(Set(truth).subtracting(said).isEmpty, "what was missed")
    #expect(said.count == truth.count)
  }

  /// Outages before, between and behind the acknowledgements, and kills: what holds in the end is what one undisturbed
  /// detector says.
  @Test(arguments: 0..<4) func killsAndOutagesChangeNothing(_ seed: Int) async throws {
    var random = TestRandom("flow \(seed)")
    var records: [(bytes: [UInt8], topic: Topic)] = Flow.prints(of: Self.market(seed: UInt64(seed)).events)
      .prefix(6_000).map { ($0.encoded(), Topics.optionTrades) }
    for round in 0..<20 {
      let page = Flow.page(
        Self.symbols.map { Flow.contract($0, volume: Int64(round * 60), openInterest: 300, of: "2025-11-28") },
        at: Int64(round) * 2_800)
      records.insert((page.encoded(), Topics.optionChains), at: round * 280)
    }
    let undisturbed = try FlowFixture()
    for record in records { undisturbed.append(record.bytes, record.topic) }
    try await undisturbed.flush(to: records.count)

    let fixture = try FlowFixture()
    try await fixture.takeDisturbed(records.count, round: 60, &random) { index in
      fixture.append(records[index].bytes, records[index].topic)
    }
    let last = try fixture.output.last
    #expect(try last == undisturbed.output.last)
    #expect(last.count > 30)
    #expect(Set(fixture.output.states.keys) == Set(undisturbed.output.states.keys))
  }

  @Test func whatIsOfNoUseIsSkippedAndWhatIsWrongRefused() async throws {
    var settings = FlowSink.Settings(group: "group")
    settings.feeds = ["polygon-options"]
    settings.maxUnderlyings = 1
    let fixture = try FlowFixture(settings)
    #expect(fixture.append(Flow.print(at: 0, 2.10, 1).encoded()) == nil)
    #expect(fixture.append(Flow.print(at: 0, 2.10, 1).encoded()) == "repeated")
    #expect(fixture.append(Flow.print(at: 1, 2.10, 1, [204]).encoded()) == "excluded")
    #expect(fixture.append(Flow.print(at: 2, 2.10, 1, [999]).encoded()) == "excluded")
    #expect(fixture.append(Flow.print(at: 3, 2.10, 9, [201]).encoded()) == "cancels_nothing")
    #expect(fixture.append(Flow.print(at: 4, 2.10, 1, knownAfter: -61_000).encoded()) == "future_stamp")
    #expect(fixture.append(Flow.print("AAPL", at: 5, 2.10, 1).encoded()) == "bad_value")
    var other = Flow.print(at: 6, 2.10, 1)
    other.feed = "alpaca-options"
    #expect(fixture.append(other.encoded()) == "other_feed")
    other = Flow.print(at: 7, 2.10, 1)
    other.underlying = "MSFT"
    #expect(fixture.append(other.encoded()) == "too_many_symbols")
    #expect(fixture.append(Array("{}".utf8)) == "missing_field")
    #expect(fixture.append(Flow.page([], page: 3, of: 2).encoded(), Topics.optionChains) == "bad_value")
    #expect(fixture.append(Flow.page([Flow.contract(volume: 1)]).encoded(), Topics.optionChains) == nil)
    let old = Flow.page([Flow.contract(volume: 1)], day: "2025-11-28")
    #expect(fixture.append(old.encoded(), Topics.optionChains) == "too_old")
    // A state that cannot be read is one that there is not.
    try await fixture.flush(to: 5)
    for (key, state) in fixture.output.states {
      var message = try SymbolState(decoding: state)
      message.state = "AQID"
      fixture.output.replace(key, by: message.encoded())
    }
    try await fixture.crash()
    #expect(fixture.append(Flow.print(at: 0, 2.10, 1).encoded()) == nil)
    // An expiry without contracts any more leaves a tombstone.
    try await fixture.flush(to: 6)
    #expect(fixture.append(Flow.page([Flow.contract(volume: 5)]).encoded(), Topics.optionChains) == nil)
    try await fixture.flush(to: 7)
    let count = fixture.output.states.count
    #expect(fixture.append(Flow.page([], at: 1).encoded(), Topics.optionChains) == nil)
    try await fixture.flush(to: 8)
    #expect(fixture.output.states.count == count - 1)
  }

  @Test func aPartitionWithoutItsTwinStopsIt() async throws {
    let fixture = try FlowFixture()
    let failure = await #expect(throws: Failure.self) {
      _ = try await fixture.sink.start([TopicPartition(Topics.optionTrades.name, 0)])
    }
    #expect(failure?.errorClass == .configuration)
  }
}
