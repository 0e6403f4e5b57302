import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Synchronization
import Testing
import TestSupport
import Values

/// Parsers agree about masters: two that read the same new products at once, in files of two chains, before either can
/// know of the other's, and one that reads a decision.
@Suite struct MasterAgreementTests {
  /// How many products, all new, are in both files of a round.
  private static let products = 150

  @Test(.timeLimit(.minutes(15))) func concurrentParsersMintOneMaster() async throws {
    try await Fleet.with(.folder("/nowhere")) { fleet in
      let parsers = [
        try await fleet.start(ServiceCatalogue.parser), try await fleet.start(ServiceCatalogue.parser),
      ]
      let writer = try await fleet.start(ServiceCatalogue.dbWriter)
      for process in parsers + [writer] { try await process.awaitReady() }
      let chains = try await Self.chains(sharedBy: parsers)

      // Which parser is first is random: repeat rounds until both have published one master.
      var rounds = 0
      var twice: Set<String> = []
      while twice.isEmpty {
        guard rounds < 40 else { throw ConditionNotMet(description: "in 40 rounds the parsers never met") }
        try await Self.publish(round: rounds, chains, in: fleet)
        rounds += 1
        let expected = "\(rounds * chains.count)"
        try await eventually("round \(rounds) is in the database", interval: .milliseconds(100)) {
          for process in parsers + [writer] {
            if let status = process.status { throw ConditionNotMet(description: "\(process.name): \(status)") }
          }
          return try await fleet.query("SELECT count(*) FROM parsed_files") == [expected]
        }
        twice = try await Self.mintedTwice(in: fleet)
      }

      // One product has one id in both parsers, by number and by name.
      let count = rounds * Self.products
      try await eventually("all prices and masters") {
        try await fleet.query(
          "SELECT (SELECT count(*) FROM prices), (SELECT count(*) FROM masters)") == ["\(count * 2)|\(count)"]
      }
      let disagreeing = try await fleet.query("""
        SELECT name FROM prices JOIN products USING (chain, ean)
        GROUP BY name HAVING count(DISTINCT products.master_id) <> 1 OR count(*) <> 2
        """)
      #expect(disagreeing.isEmpty)
      #expect(try await fleet.withoutMaster().isEmpty)
      let names = try await fleet.query("SELECT count(*) FROM masters WHERE master_id LIKE 'name:%'")
      #expect(names == ["\(count / 2)"])
      #expect(try await fleet.query("SELECT count(DISTINCT (name, brand)) FROM masters") == ["\(count)"])
      print("\(twice.count) masters were published by both parsers, in round \(rounds)")
    }
  }

  /// A split says that one chain's product is another master; while it is in force, the parser gives the chain's name
  /// of it to that one.
  @Test(.timeLimit(.minutes(15))) func aRunningParserFollowsDecisionsAndTheirUndoing() async throws {
    try await Fleet.with(.folder("/nowhere")) { fleet in
      let parser = try await fleet.start(ServiceCatalogue.parser)
      try await parser.awaitReady()
      let (code, other) = (Self.gtin(1), "gtin:0\(Self.gtin(2))")
      func parse(_ name: String, by chain: String, awaiting key: String) async throws {
        let file = "PriceFull7290000000001-001-20250101\(1_000 + name.count).xml"
        try await Self.publish([(chain, file, Self.file([Self.row(code, name, size: 1)]))], in: fleet)
        try await eventually("\(key) is published", interval: .milliseconds(100)) {
          try await fleet.read(Topics.productsMasters).contains { $0.key == key }
        }
      }
      func decide(_ decision: MasterDecision, decisions: Double) async throws {
        var batch = OutgoingBatch()
        batch.append(topic: Topics.masterDecisions.name, key: decision.key, value: decision.encoded())
        try await Self.send(batch, in: fleet)
        try await eventually("the parser has read the decision", interval: .milliseconds(100)) {
          await parser.metrics().sum("souk_master_decisions_total") == decisions
        }
      }
      let master = "gtin:0\(code)"
      try await parse("almond drink", by: "first", awaiting: master)
      try await eventually("the parser knows the master", interval: .milliseconds(100)) {
        await parser.metrics().sum("souk_masters_known") == 1
      }
      var split = MasterDecision(
        .split, master, other, products: [.init(chain: "second", code: code)], decidedAt: .now(), decidedBy: "dana")
      try await decide(split, decisions: 1)
      try await parse("oat drink of old", by: "second", awaiting: "\(other)@second")
      #expect(try await fleet.read(Topics.productsMasters).allSatisfy { $0.key != "\(master)@second" })
      (split.undoneAt, split.undoneBy) = (.now(), "noa")
      try await decide(split, decisions: 2)
      try await parse("another almond drink", by: "second", awaiting: "\(master)@second")
    }
  }

  /// From the row that a model is not sure of to the table of candidates, a person's merge, and its undoing.
  @Test(.timeLimit(.minutes(15))) func whatIsPerhapsAKnownProductWaitsForADecision() async throws {
    try await Fleet.with(.folder("/nowhere")) { fleet in
      try Self.publishModel(in: "\(fleet.folder)/registry")
      let parser = try await fleet.start(
        ServiceCatalogue.parser, ["--match-models", "file://\(fleet.folder)/registry"])
      let writer = try await fleet.start(
        ServiceCatalogue.dbWriter, ["--tables", "prices,masters,decisions"])
      for process in [parser, writer] { try await process.awaitReady() }
      let (file, known) = ("PriceFull7290000000001-001-202501011000.xml", "gtin:04006381333931")
      let chocolate = Self.row("4006381333931", "שוקולד מריר תפוז כרמית 100 גרם", size: 100)
      try await Self.publish([("first", file, Self.file([chocolate]))], in: fleet)
      try await eventually("the parser knows the product", interval: .milliseconds(100)) {
        await parser.metrics().sum("souk_masters_known") == 1
      }
      let other = Self.row("17", "כרמית שוקולד תפוז מריר 100 ג", size: 100)
      try await Self.publish([("second", file, Self.file([other]))], in: fleet)
      let open = "SELECT candidate_id, survivor_id, model, probability BETWEEN 0.3 AND 1 FROM open_candidates"
      try await eventually("the candidate is in the database", interval: .milliseconds(100)) {
        try await fleet.query(open) == ["\(known)|\(known)|unsure|t"]
      }
      func offers(_ chains: [String], open count: Int) async throws {
        try await eventually("\(chains) sell \(known)", interval: .milliseconds(100)) {
          let sellers = try await fleet.query("SELECT chain FROM offers WHERE master_id = '\(known)' ORDER BY chain")
          return try await fleet.query(open).count == count && sellers == chains
        }
      }
      try await offers(["first"], open: 1)
      let new = try #require(try await fleet.query("SELECT master_id FROM open_candidates").first)
      var merge = MasterDecision(.merge, new, known, decidedAt: .now(), decidedBy: "dana")
      func send(_ decision: MasterDecision) async throws {
        var batch = OutgoingBatch()
        batch.append(topic: Topics.masterDecisions.name, key: decision.key, value: decision.encoded())
        try await Self.send(batch, in: fleet)
      }
      try await send(merge)
      try await offers(["first", "second"], open: 0)
      (merge.undoneAt, merge.undoneBy) = (.now(), "noa")
      try await send(merge)
      try await offers(["first"], open: 1)
    }
  }

  /// The model of `LearnedTests`, which is sure of nothing.
  private static func publishModel(in folder: String) throws {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("MastersTests/Reference/model.json")
    var model = try #require(JSONSerialization.jsonObject(with: try Data(contentsOf: source)) as? [String: Any])
    (model["version"], model["same"]) = ("unsure", 1)
    let home = URL(fileURLWithPath: folder).appendingPathComponent("models/masters")
    let own = home.appendingPathComponent("unsure")
    try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
    try JSONSerialization.data(withJSONObject: model).write(to: own.appendingPathComponent("model.json"))
    try JSONSerialization.data(withJSONObject: ["version": "unsure"]).write(
      to: home.appendingPathComponent("current.json"))
  }

  /// A chain for each parser: files of the first go to the one, of the second to the other.
  private static func chains(sharedBy parsers: [ServiceProcess]) async throws -> [String] {
    // `range` gives each member a half of the partitions, in order.
    let count = Topics.filesDownloaded.partitions
    func half(_ chain: String) -> Int32 {
      Murmur2.partition(of: RecordKey.bytes(chain: chain, "1"), count: count) / (count / Int32(parsers.count))
    }
    let names = (0..<100).map { "chain\($0)" }
    return try (0..<Int32(parsers.count)).map { index in try #require(names.first { half($0) == index }) }
  }

  /// Puts a file of each chain into the store and announces both at once, as the downloader does.
  private static func publish(round: Int, _ chains: [String], in fleet: Fleet) async throws {
    let files = chains.enumerated().map { index, chain in
      (chain: chain, name: "PriceFull729000000000\(index)-001-2025010\(index + 1)\(1_000 + round).xml",
        text: file(round: round, isReversed: index == 1))
    }
    try await publish(files, in: fleet)
  }

  private static func publish(_ files: [(chain: String, name: String, text: String)], in fleet: Fleet) async throws {
    var jobs = OutgoingBatch()
    for (chain, name, text) in files {
      let folder = "\(fleet.folder)/objects/files/\(chain)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      let message = FileDownloaded(
        chain: chain, s3Path: "file://\(folder)/\(name)", localPath: nil, fileName: name, fileType: .priceFull,
        storeID: "1", fileTime: Timestamp("2025-01-02T12:00:00+02:00"))
      jobs.append(topic: Topics.filesDownloaded.name, key: message.key, value: message.encoded())
    }
    try await send(jobs, in: fleet)
  }

  private static func send(_ batch: OutgoingBatch, in fleet: Fleet) async throws {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = fleet.broker.bootstrapServers
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Logger(label: "test")))
    try await producer.send(batch)
    await producer.close()
  }

  /// Every second product has a GTIN, the others a chain's number and a name. The second file has them in
  /// reverse, so that the parsers meet in the middle.
  private static func file(round: Int, isReversed: Bool) -> String {
    let rows = (0..<products).map { index -> String in
      let number = round * products + index
      let code = index % 2 == 0 ? gtin(number) : "\(isReversed ? 5_000 + number : 1_000 + number)"
      return row(code, name(number), size: number + 1)
    }
    return file(isReversed ? rows.reversed() : rows)
  }

  private static func row(_ code: String, _ name: String, size: Int) -> String {
    """
    <Item><PriceUpdateDate>2025-01-01 08:00</PriceUpdateDate><ItemCode>\(code)</ItemCode>\
    <ItemName>\(name)</ItemName><ManufacturerName>Maker</ManufacturerName><UnitQty>g</UnitQty>\
    <Quantity>\(size).00</Quantity><bIsWeighted>0</bIsWeighted><ItemPrice>6.90</ItemPrice></Item>
    """
  }

  private static func file(_ rows: [String]) -> String {
    "<Root><ChainId>7290000000000</ChainId><SubChainId>1</SubChainId><StoreId>1</StoreId><Items>\n"
      + rows.joined(separator: "\n") + "</Items></Root>"
  }

  /// Distinct words and sizes, so that no two products are alike.
  private static func name(_ number: Int) -> String {
    let letters = Array("bdfgklmnprstvz"), vowels = Array("aeiou")
    var (word, rest) = ("", number + 1_000)
    for _ in 0..<4 {
      word += "\(letters[rest % letters.count])\(vowels[rest / 3 % vowels.count])"
      rest = rest / 7 + number * 31
    }
    return "\(word) \(String(word.reversed())) \(number)"
  }

  /// 13 digits with the check digit of GS1's General Specifications, 7.9: weights 3 and 1 from the right.
  private static func gtin(_ number: Int) -> String {
    let digits = "7290000\(String(10_000 + number))"
    let sum = digits.reversed().enumerated().reduce(0) { sum, digit in
      sum + (digit.element.wholeNumberValue ?? 0) * (digit.offset % 2 == 0 ? 3 : 1)
    }
    return digits + "\((10 - sum % 10) % 10)"
  }

  /// Ids that were published from files of both chains. The embedded broker compacts nothing, so all records are there.
  private static func mintedTwice(in fleet: Fleet) async throws -> Set<String> {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = fleet.broker.bootstrapServers
    let logger = Logger(label: "test")
    let sources = Sources()
    let reader = try TableReader(
      options.tableConfiguration(clientID: "test", topic: Topics.productsMasters.name, logger: logger)
    ) { batch in
      batch.forEach { record in
        guard let master = try? ProductMaster(decoding: record.value), master.chain == nil else { return }
        sources.add(master)
      }
    }
    guard try await reader.waitUntilCurrent(orUntil: Interruption()) else { return [] }
    await reader.closeAndWait()
    return sources.twice
  }

  private final class Sources: Sendable {
    private let files = Mutex<[String: Set<String>]>([:])
    func add(_ master: ProductMaster) {
      files.withLock { _ = $0[master.masterID, default: []].insert(master.sourceFileID ?? "") }
    }
    var twice: Set<String> { files.withLock { Set($0.filter { $0.value.count > 1 }.keys) } }
  }
}
