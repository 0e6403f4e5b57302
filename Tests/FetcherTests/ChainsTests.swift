import Catalogue
import Core
import FeedSimulator
import Feeds
@testable import FetcherService
import Foundation
import HTTP
@testable import Kafka
import LocalServers
import Markets
import Messages
import Pipeline
import Testing
import TestSupport
import Values

/// Chains of options, in front of the simulator.
@Suite(.timeLimit(.minutes(10))) struct ChainsTests {
  private static let symbols = ["AAPL", "AAPL291221C00500000", "AAPL291221P00500000", "MSFT291221C00500000"]

  private func fetch(
    _ simulator: FeedSimulator, _ kind: DataSourceKind, _ symbols: [String] = ["AAPL"], key: String = "key"
  ) async throws -> (pages: [OptionChain], refused: [String: any ClassifiedError]) {
    let client = try MarketStage(simulator, kind, key: key).client
    let task = FetchTask(kind: .chains, source: "s", symbols: symbols, jobID: "j")
    let fetched = try await ChainsAdapter().fetch(task, from: client, now: Timestamp.now())
    #expect(fetched.records.allSatisfy { $0.topic == Topics.optionChains })
    return (try fetched.records.map { try OptionChain(decoding: $0.value) }, fetched.refused)
  }

  /// What the simulator has is published whole, over many pages of both sides.
  @Test(arguments: [DataSourceKind.polygon, .alpaca]) func aChainIsPublishedWhole(_ kind: DataSourceKind) async throws {
    var script = FeedScript()
    (script.pageSize, script.chainContracts) = (70, 600)
    script.openInterest = ["AAPL291221C00500000": 1_234]
    try await FeedSimulator.serving(script, symbols: Self.symbols, rate: 2_000) { simulator in
      try await eventually("contracts trade") { simulator.chain("AAPL").filter { $0.volume > 0 }.count == 2 }
      simulator.pause()
      let (pages, refused) = try await fetch(simulator, kind)
      #expect(refused.isEmpty && pages.map(\.page) == [0, 1, 2] && pages.allSatisfy { $0.of == 3 && $0.complete })
      #expect(Set(pages.map(\.snapshot)).count == 1 && pages.allSatisfy { $0.underlying == "AAPL" && $0.jobID == "j" })
      #expect(simulator.questions.count == 9)
      let truth = simulator.chain("AAPL")
      let contracts = pages.flatMap(\.contracts)
      #expect(contracts.map(\.contract) == truth.map(\.contract) && contracts.count == 602)
      for (contract, truth) in zip(contracts, truth) {
        #expect(contract.volume == ExactDecimal(Int32(truth.volume)), "\(truth)")
        #expect(contract.bid == ExactDecimal(unchecked: truth.bid, scale: 2))
        #expect(contract.last == truth.last.map { ExactDecimal(unchecked: $0, scale: 2) })
        #expect(contract.openInterest == (kind == .polygon ? ExactDecimal(Int32(truth.openInterest)) : nil))
      }
    }
  }

  @Test func whatHasNoOptionsIsRefusedAloneAndAKeyPausesTheSource() async throws {
    try await FeedSimulator.serving(symbols: Self.symbols, rate: 10) { simulator in
      let (pages, refused) = try await fetch(simulator, .polygon, ["AAPL", "XYZ"])
      #expect(pages.count == 1 && pages[0].contracts.count == 2)
      #expect(Set(refused.keys) == ["XYZ"] && (refused["XYZ"] as? FetchError)?.kind == .symbolUnknown)
      simulator.change { $0.isCyclic = true }
      let cyclic = try await fetch(simulator, .polygon)
      #expect(cyclic.pages.isEmpty && Set(cyclic.refused.keys) == ["AAPL"])
      simulator.change { $0.isCyclic = false }
      await #expect(throws: FetchError.self) { _ = try await fetch(simulator, .polygon, key: "other") }
    }
  }

  /// The day of the volume, and of the open interest, which is published at 6:30 in New York; days without trading.
  @Test(arguments: [
    ("2025-12-01T15:00:00Z", "2025-12-01", "2025-11-28"), ("2025-12-01T11:29:59Z", "2025-12-01", "2025-11-26"),
    ("2025-12-01T11:30:00Z", "2025-12-01", "2025-11-28"), ("2025-12-01T08:00:00Z", "2025-11-28", "2025-11-26"),
    ("2025-11-30T18:00:00Z", "2025-11-28", "2025-11-26"), ("2025-11-27T18:00:00Z", "2025-11-26", "2025-11-25"),
  ])
  func daysOfASnapshot(_ time: String, _ day: String, _ openInterestDay: String) throws {
    let stamp = try #require(Array(time.utf8).withUnsafeBytes { FeedStamp.nanoseconds(rfc3339: $0.bytes) })
    let days = try ChainsAdapter().days(at: stamp / 1_000_000_000)
    #expect(days.day == day && days.openInterestDay == openInterestDay)
  }

  /// `fetcher --kind chains --test --ticker AAPL` prints what would be published.
  @Test func aTestPrintsTheChain() async throws {
    let redis = try await PrivateRedis.start()
    try await FeedSimulator.serving(symbols: Self.symbols, rate: 10) { simulator in
      try await withTemporaryDirectory { folder in
        let fleet = try Fleet(folder: folder, redis: redis, sources: "")
        for (name, text) in ["key": "key\n", "sources.yaml": """
          sources:
            - {name: feed, kind: polygon, url: "http://\(simulator.url)", key: "file:\(folder)/key", rate: 50/s}

          """] { try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8) }
        let outcome = try await ServiceProcess.run("fetcher", [
          "--kind", "chains", "--test", "--ticker", "AAPL", "--data-sources", "\(folder)/sources.yaml", "--redis-url",
          redis.url, "--allow-private-addresses", "--kafka-bootstrap-servers", fleet.broker.bootstrapServers,
          "--http-port", "0",
        ])
        #expect(outcome.status == .exited(0), "\(outcome)")
        #expect(outcome.output.contains("option-chains {\"underlying\":\"AAPL\""), "\(outcome.output)")
        #expect(outcome.output.contains("1 records would be published"), "\(outcome.output)")
      }
    }
  }
}
