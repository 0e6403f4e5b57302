import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import Logging
import Masters
import Messages
import ModelRegistry
import ObjectStore
import ObjectStoreFlags
import Testing
import TestSupport
import Values

@testable import ParserService

/// `--masters full`: rows are decided by a model, those of a file together. The model is that of `LearnedTests`.
@Suite struct LearnedModeTests {
  private static func row(_ code: String, _ name: String) -> String {
    """
    <Item><PriceUpdateDate>2023-10-01 08:00</PriceUpdateDate><ItemCode>\(code)</ItemCode><ItemName>\(name)</ItemName>\
    <ManufacturerName></ManufacturerName><bIsWeighted>0</bIsWeighted><ItemPrice>6.90</ItemPrice></Item>
    """
  }

  private static func bytes(_ rows: [String]) -> [UInt8] {
    Array(("<Root><ChainId>7290058140886</ChainId><SubChainId>1</SubChainId><StoreId>29</StoreId><Items>"
      + rows.joined(separator: "\n") + "</Items></Root>").utf8)
  }

  /// Puts the model into a registry in a folder.
  private static func publish(_ version: String, in folder: String, changing: (inout [String: Any]) -> Void = { _ in })
    throws {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("MastersTests/Reference/model.json")
    var model = try #require(
      JSONSerialization.jsonObject(with: try Data(contentsOf: source)) as? [String: Any])
    model["version"] = version
    changing(&model)
    let home = URL(fileURLWithPath: folder).appendingPathComponent("models/masters")
    let own = home.appendingPathComponent(version)
    try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
    try JSONSerialization.data(withJSONObject: model).write(to: own.appendingPathComponent("model.json"))
    try JSONSerialization.data(withJSONObject: ["version": version]).write(
      to: home.appendingPathComponent("current.json"))
  }

  private static func models(_ folder: String) async throws -> MatchModels {
    let options = try ObjectStoreOptions.parse(["--object-store", "file://\(folder)"])
    let models = MatchModels(
      ModelRegistry(try options.makeStore()), name: "masters", logger: Logger(label: "test"))
    _ = try await models.load()
    return models
  }

  private func withBench(
    heldOutput: Int = 32 << 20, changing: (inout [String: Any]) -> Void = { _ in },
    _ body: (HandlerBench) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { folder in
      try Self.publish("v1", in: "\(folder)/registry", changing: changing)
      let bench = try await HandlerBench(
        folder: "\(folder)/store", heldOutput: heldOutput, masters: .full,
        models: try await Self.models("\(folder)/registry"))
      defer { bench.store.close() }
      try await body(bench)
    }
  }

  private func learn(_ masters: [ProductMaster], _ bench: HandlerBench) throws {
    let index = try #require(bench.index)
    index.change { writer in
      for master in masters { _ = writer.put(master) }
    }
  }

  private static let known = [
    row("7290000149844", "חלב טרי תנובה 3% 1 ליטר"), row("4006381333931", "שוקולד מריר תפוז כרמית 100 גרם"),
  ]

  @Test(arguments: [32 << 20, 0])
  func rowsWithoutANumberFindTheirMaster(heldOutput: Int) async throws {
    try await withBench(heldOutput: heldOutput) { bench in
      let first = try await bench.parse(Self.bytes(Self.known))
      #expect(first.masters.count == 2)
      try learn(first.masters, bench)
      for _ in 0..<2 {
        let others = try await bench.parse(Self.bytes([
          Self.row("55", "כרמית שוקולד תפוז מריר 100 ג"), Self.row("56", "שוקולד מריר תפוז כרמית 200 גרם"),
          Self.row("57", "תנובה חלב טרי 3% 1 ליטר"),
        ]))
        #expect(others.items.map(\.ean) == ["55", "56", "57"])
        #expect(others.items[0].masterID == "gtin:04006381333931")
        #expect(others.items[2].masterID == "gtin:07290000149844")
        // Another size is another product.
        #expect(others.masters.map(\.masterID) == [others.items[1].masterID])
        #expect(others.items[1].masterID.hasPrefix("name:"))
        #expect(others.parsed.first?.matched == 2)
        #expect(others.headers.allSatisfy { $0.contains { $0.name == "souk-match-model" && $0.text == "v1" } })
      }
    }
  }

  @Test func aMasterThatTheChainSellsByItsCodeIsNoOtherRowOfTheFile() async throws {
    try await withBench { bench in
      try learn(try await bench.parse(Self.bytes(Self.known)).masters, bench)
      let parsed = try await bench.parse(Self.bytes(Self.known + [Self.row("57", "תנובה חלב טרי 3% 1 ליטר")]))
      #expect(parsed.items[2].masterID.hasPrefix("name:"))
    }
  }

  @Test func anotherNameOfAKnownProductIsPublishedUntilItIsKnown() async throws {
    try await withBench { bench in
      try learn(try await bench.parse(Self.bytes(Self.known)).masters, bench)
      let file = Self.bytes([Self.row("7290000149844", "תנובה חלב 3% טרי 1 ל'")])
      let named = try await bench.parse(file)
      let name = try #require(named.masters.first)
      #expect(named.masters.count == 1)
      #expect(name.masterID == "gtin:07290000149844")
      #expect(name.chain == "rami_levy")
      #expect(String(decoding: name.key, as: UTF8.self) == "gtin:07290000149844@rami_levy")
      #expect(try ProductMaster(decoding: name.encoded()) == name)
      #expect(named.parsed.first?.newMasters == 0)
      #expect(try await bench.parse(file).masters == named.masters)
      try learn(named.masters, bench)
      #expect(try await bench.parse(file).masters.isEmpty)
    }
  }

  @Test func aNewProductIsPublishedAheadOfWhatRefersToIt() async throws {
    try await withBench { bench in
      let file = Self.bytes(Self.known + [Self.row("101", "עגבניות שרי"), Self.row("102", "")])
      let first = try await bench.parse(file)
      #expect(first.masters.map(\.masterID) == first.items.map(\.masterID).dropLast())
      // Without a name the row stays its chain's own.
      #expect(first.items.last?.masterID == "rami_levy:102")
      let item = try #require(first.topics.firstIndex(of: Topics.productsIngest.name))
      let last = try #require(first.topics.lastIndex(of: Topics.productsMasters.name))
      #expect(last < item)
      // Until its record has been consumed, every parser publishes it again, with the same id and bytes.
      #expect(try await bench.parse(file).masters == first.masters)
      try learn(first.masters, bench)
      let again = try await bench.parse(file)
      #expect(again.masters.isEmpty)
      #expect(again.items.map(\.masterID) == first.items.map(\.masterID))
    }
  }

  @Test func whatIsPerhapsAKnownProductIsANewOneThatNamesIt() async throws {
    try await withBench(changing: { $0["same"] = 1 }) { bench in
      try learn(try await bench.parse(Self.bytes(Self.known)).masters, bench)
      let file = Self.bytes([Self.row("55", "כרמית שוקולד תפוז מריר 100 ג")])
      let parsed = try await bench.parse(file)
      let master = try #require(parsed.masters.first)
      #expect(parsed.masters.count == 1)
      #expect(parsed.items.map(\.masterID) == [master.masterID])
      #expect(master.masterID.hasPrefix("name:"))
      #expect(master.candidate == "gtin:04006381333931")
      #expect(master.candidateProbability.map { 0.3...1 ~= $0.approximate } == true)
      #expect(master.model == "v1")
      #expect(try ProductMaster(decoding: master.encoded()) == master)
      #expect(parsed.parsed.first?.newMasters == 1)
    }
  }

  @Test func parsersThatLearnedInAnotherOrderAgree() async throws {
    let file = Self.bytes([
      Self.row("55", "כרמית שוקולד תפוז מריר 100 ג"), Self.row("57", "תנובה חלב טרי 3% 1 ליטר"),
      Self.row("58", "עגבניות שרי"), Self.row("7290000149844", "תנובה חלב 3% טרי 1 ל'"),
    ])
    let merge = MasterDecision(
      .merge, "gtin:04006381333931", "gtin:07290000149844", decidedAt: .epoch, decidedBy: "dana")
    var answers: [[ProductsIngest.Item]] = []
    var minted: [[ProductMaster]] = []
    for isReversed in [false, true] {
      try await withBench { bench in
        let masters = try await bench.parse(Self.bytes(Self.known)).masters
        if isReversed { _ = bench.index?.change { $0.decide(merge) } }
        try learn(isReversed ? masters.reversed() : masters, bench)
        if !isReversed { _ = bench.index?.change { $0.decide(merge) } }
        let parsed = try await bench.parse(file)
        answers.append(parsed.items)
        minted.append(parsed.masters)
      }
    }
    #expect(answers[0].count == 4)
    #expect(answers[0] == answers[1])
    #expect(minted[0] == minted[1])
  }

  /// A row finds the survivor of a merge; when the merge is undone, the master it found before.
  @Test func mergesAreFollowedAndSoIsWhatIsUndone() async throws {
    let (milk, other) = ("gtin:07290000149844", "gtin:04006381333931")
    try await withBench { bench in
      let index = try #require(bench.index)
      try learn(try await bench.parse(Self.bytes(Self.known)).masters, bench)
      let file = Self.bytes([Self.row("57", "תנובה חלב טרי 3% 1 ליטר")])
      #expect(try await bench.parse(file).items.map(\.masterID) == [milk])
      var merge = MasterDecision(.merge, milk, other, decidedAt: .epoch, decidedBy: "dana")
      #expect(index.change { $0.decide(merge) } == .put)
      #expect(try await bench.parse(file).items.map(\.masterID) == [other])
      (merge.undoneAt, merge.undoneBy) = (.epoch, "noa")
      #expect(index.change { $0.decide(merge) } == .put)
      #expect(try await bench.parse(file).items.map(\.masterID) == [milk])
    }
  }

  /// A product split off keeps the id it is recognised by, and is another product in every other respect.
  @Test func aSplitIsFollowed() async throws {
    let (milk, other) = ("gtin:07290000149844", "gtin:04006381333931")
    try await withBench { bench in
      let index = try #require(bench.index)
      try learn(try await bench.parse(Self.bytes(Self.known)).masters, bench)
      let split = MasterDecision(
        .split, milk, other, products: [.init(chain: "rami_levy", code: "7290000149844")], decidedAt: .epoch,
        decidedBy: "dana")
      #expect(index.change { $0.decide(split) } == .put)
      let parsed = try await bench.parse(Self.bytes([
        Self.row("7290000149844", "משקה שקדים 1 ליטר"), Self.row("57", "תנובה חלב טרי 3% 1 ליטר"),
      ]))
      #expect(parsed.items.map(\.masterID) == [milk, milk])
      #expect(parsed.masters.map { String(decoding: $0.key, as: UTF8.self) } == ["\(other)@rami_levy"])
    }
  }

  @Test func aNewVersionDecidesFromTheNextFileOn() async throws {
    try await withTemporaryDirectory { folder in
      try Self.publish("v1", in: "\(folder)/registry")
      let models = try await Self.models("\(folder)/registry")
      let bench = try await HandlerBench(folder: "\(folder)/store", masters: .full, models: models)
      defer { bench.store.close() }
      try learn(try await bench.parse(Self.bytes(Self.known)).masters, bench)
      let file = Self.bytes([Self.row("57", "תנובה חלב טרי 3% 1 ליטר")])
      #expect(try await bench.parse(file).items.map(\.masterID) == ["gtin:07290000149844"])
      // The new one takes nothing for the same.
      try Self.publish("v2", in: "\(folder)/registry") { $0["same"] = 1 }
      await models.look()
      let parsed = try await bench.parse(file)
      #expect(parsed.items.first?.masterID.hasPrefix("name:") == true)
      #expect(parsed.masters.first?.model == "v2")
      #expect(parsed.headers.allSatisfy { $0.contains { $0.name == "souk-match-model" && $0.text == "v2" } })
    }
  }

  @Test func aNewVersionIsPutInUseAndABadOneIsNot() async throws {
    try await withTemporaryDirectory { folder in
      try Self.publish("v1", in: folder)
      let models = try await Self.models(folder)
      #expect(models.current?.version == "v1")
      try Self.publish("v2", in: folder)
      await models.look()
      #expect(models.current?.version == "v2")
      try Self.publish("v3", in: folder) { $0["features"] = 3 }
      await models.look()
      #expect(models.current?.version == "v2")
      try FileManager.default.removeItem(atPath: "\(folder)/models/masters/current.json")
      await models.look()
      #expect(models.current?.version == "v2")
    }
  }

  @Test func theStarterModelIsInTheTreeAndFits() async throws {
    let url = try #require(StarterModel.url)
    #expect(url.hasSuffix("/Services/Parser/Models"))
    let options = try ObjectStoreOptions.parse(["--object-store", url])
    let models = MatchModels(ModelRegistry(try options.makeStore()), name: "masters", logger: Logger(label: "test"))
    #expect(try await models.load() == "starter")
  }

  @Test func withoutAModelTheParserDoesNotStart() async throws {
    try await withTemporaryDirectory { folder in
      await #expect(throws: Failure.self) { try await Self.models(folder) }
    }
  }
}
