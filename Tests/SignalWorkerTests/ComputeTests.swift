import Catalogue
import Core
import Foundation
import Indicators
import Lake
import LocalServers
@testable import Messages
@testable import SignalWorkerService
import Testing
import TestSupport

/// What the batch layer computes of a history is what the live layer says of it, wherever the two meet.
@Suite(.timeLimit(.minutes(20))) struct ComputeTests {
  /// A history as it is published: late bars, later versions, minutes without a bar.
  private struct History {
    var published: [[UInt8]] = []
    /// The last version of each minute, in the order of time.
    var final: [[UInt8]] { last.sorted { $0.key < $1.key }.map(\.value) }
    private var last: [Int: [UInt8]] = [:]

    init(_ random: inout TestRandom, minutes: Int, latest: Int) {
      var price = 100.0
      func bar(_ minute: Int, _ price: Double, known: Int) -> [UInt8] {
        Minutes.bar(
          "AAPL", minute, high: price + 0.1, low: price - 0.2, close: price,
          volume: Double(Int.random(in: 0...999, using: &random)), knownAfter: Int64(known - minute) * 60_000_000_000)
      }
      for minute in 0..<minutes {
        price += Double(Int.random(in: -30...30, using: &random)) / 100
        let roll = Int.random(in: 0..<20, using: &random)
        if roll > 0 { add(minute, bar(minute, price, known: minute + 1)) }
        guard minute > latest, roll % 5 == 1 else { continue }
        // A later version of an earlier minute, or one that was missing until now.
        let earlier = minute - Int.random(in: 1..<latest, using: &random)
        add(earlier, bar(earlier, price + 0.05, known: minute + 2))
      }
    }

    private mutating func add(_ minute: Int, _ bar: [UInt8]) {
      published.append(bar)
      last[minute] = bar
    }
  }

  private struct Said: Hashable {
    var values: [String: UInt64]
    var events: [TechnicalSignal.Event]
    var bars: Int64

    init(_ signal: TechnicalSignal) {
      values = Dictionary(zip(signal.values.names, signal.values.numbers).compactMap { name, number in
        number.isNaN ? nil : (name, number.bitPattern)
      }) { $1 }
      (events, bars) = (signal.events, signal.bars)
    }
  }

  /// In one pass over the final bars, as the batch layer does it.
  private func computed(_ bars: some Sequence<[UInt8]>, _ plan: SignalPlan) -> [String: TechnicalSignal] {
    var computation = SignalComputation(plan, SignalSink.Settings(group: ""))
    var made: [String: TechnicalSignal] = [:]
    for bar in bars { computation.take(bar.span.bytes) { made[$0.id] = $0 } }
    return made
  }

  /// A split of history at any instant gives what one pass gives, to the last bit.
  @Test(arguments: 0..<5) func aSplitAtAnyInstantIsNoSplit(_ seed: Int) async throws {
    var random = TestRandom("batch and live \(seed)")
    let history = History(&random, minutes: 300, latest: 25)
    let live = try SignalFixture()
    for record in history.published { live.append(record) }
    try await live.flush(to: history.published.count)
    let lengths = FeedBarFields.lengths
    let spoken = try Dictionary(uniqueKeysWithValues: live.output.last.map {
      ($0.key, try TechnicalSignal(decoding: $0.value))
    })
    let whole = computed(history.final, live.plan)
    let apart = Set(spoken.keys).union(whole.keys).filter { spoken[$0].map(Said.init) != whole[$0].map(Said.init) }
    #expect(apart.isEmpty, "seed \(seed): \(apart.sorted().prefix(5))")
    for _ in 0..<12 {
      let until = (Minutes.open + Int64.random(in: -60...(310 * 60), using: &random)) * 1_000_000_000
      // The batch layer has seen what ends before the boundary, and nothing else. It covers what ends with its last
      // minute: a longer bar whose last minutes had no trade is complete when a later one is known.
      let known = try history.final.map { (bytes: $0, end: try FeedBar(decoding: $0).values.startNs + 60_000_000_000) }
        .filter { $0.end <= until }
      let boundary = BatchManifest.Boundary(symbol: "AAPL", covers: known.last.map { last in
        [.init(fromNs: (Minutes.open - 600) * 1_000_000_000, untilNs: min(until, last.end))]
      } ?? [])
      func isBatch(_ signal: TechnicalSignal) -> Bool {
        boundary.answers(from: signal.startNs, length: lengths[signal.interval] ?? 0)
      }
      let batch = computed(known.map(\.bytes), live.plan).filter { isBatch($0.value) }
      let rest = spoken.filter { !isBatch($0.value) }
      #expect(Set(batch.keys).isDisjoint(with: rest.keys))
      let merged = batch.merging(rest) { $1 }.mapValues(Said.init)
      let differing = Set(whole.keys).union(merged.keys).filter { merged[$0] != whole[$0].map(Said.init) }
      #expect(differing.isEmpty, "seed \(seed), \(until): \(differing.sorted().prefix(5))")
    }
  }

  /// What ends at the boundary is the batch layer's, what is open there the live layer's; between two covers neither.
  @Test func theBoundaryIsHalfOpen() {
    let minute: Int64 = 60
    let boundary = BatchManifest.Boundary(
      symbol: "A", covers: [.init(fromNs: 600, untilNs: 1_200), .init(fromNs: 1_800, untilNs: 2_430)])
    #expect(boundary.untilNs == 2_430)
    #expect(boundary.answers(from: 600, length: minute) && boundary.answers(from: 1_140, length: minute))
    #expect(!boundary.answers(from: 1_200, length: minute) && !boundary.answers(from: 1_150, length: minute))
    #expect(boundary.answers(from: 2_340, length: minute) && !boundary.answers(from: 2_400, length: minute))
    #expect(!boundary.answers(from: 540, length: 2 * minute))
    #expect(!BatchManifest.Boundary(symbol: "A", covers: []).answers(from: 0, length: 0))
  }

  /// The program reads lines and writes lines: the same as in memory.
  @Test func theProgramSaysTheSame() async throws {
    var random = TestRandom("compute")
    let history = History(&random, minutes: 200, latest: 10)
    let expected = computed(history.final, try SignalFixture().plan)
    try await withTemporaryDirectory { folder in
      let lines = Array((history.final + [Array("no bar".utf8)]).joined(separator: [0x0a])) + [0x0a]
      try Data(lines).write(to: URL(fileURLWithPath: folder + "/bars"))
      let program = try ServiceProcess.path(of: "signal-worker")
      let outcome = try await ChildProcess.run(
        Launch("/bin/sh", ["-c", "exec '\(program)' compute --hours always --intervals 1m,5m,1h < \(folder)/bars"]),
        atMost: .seconds(300))
      #expect(outcome.status == .exited(0), "\(outcome.errorOutput)")
      let made = try outcome.output.split(separator: "\n").map { try TechnicalSignal(decoding: Array($0.utf8)) }
      let byID = Dictionary(uniqueKeysWithValues: made.map { ($0.id, $0.encoded()) })
      #expect(byID == expected.mapValues { $0.encoded() })
      #expect(outcome.errorOutput.contains("left out: "))
    }
  }
}
