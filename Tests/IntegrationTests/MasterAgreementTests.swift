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

/// Two parsers read the same new products at once, in files of two chains, before either can know of the other's
/// masters.
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
    var jobs = OutgoingBatch()
    for (index, chain) in chains.enumerated() {
      let path = "\(fleet.folder)/objects/files/\(chain)/\(round).xml"
      try FileManager.default.createDirectory(
        atPath: path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }, withIntermediateDirectories: true)
      try Data(file(round: round, isReversed: index == 1).utf8).write(to: URL(fileURLWithPath: path))
      let message = FileDownloaded(
        chain: chain, s3Path: "file://\(path)", localPath: nil,
        fileName: "PriceFull729000000000\(index)-001-2025010\(index + 1)\(String(1_000 + round)).xml",
        fileType: .priceFull, storeID: "1", fileTime: Timestamp("2025-01-02T12:00:00+02:00"))
      jobs.append(topic: Topics.filesDownloaded.name, key: message.key, value: message.encoded())
    }
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = fleet.broker.bootstrapServers
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Logger(label: "test")))
    try await producer.send(jobs)
    await producer.close()
  }

  /// Every second product has a GTIN, the others a chain's number and a name. The second file has them in
  /// reverse, so that the parsers meet in the middle.
  private static func file(round: Int, isReversed: Bool) -> String {
    let rows = (0..<products).map { index -> String in
      let number = round * products + index
      let code = index % 2 == 0 ? gtin(number) : "\(isReversed ? 5_000 + number : 1_000 + number)"
      return """
        <Item><PriceUpdateDate>2025-01-01 08:00</PriceUpdateDate><ItemCode>\(code)</ItemCode>\
        <ItemName>\(name(number))</ItemName><ManufacturerName>Maker</ManufacturerName><UnitQty>g</UnitQty>\
        <Quantity>\(number + 1).00</Quantity><bIsWeighted>0</bIsWeighted><ItemPrice>6.90</ItemPrice></Item>
        """
    }
    return "<Root><ChainId>7290000000000</ChainId><SubChainId>1</SubChainId><StoreId>1</StoreId><Items>\n"
      + (isReversed ? rows.reversed() : rows).joined(separator: "\n") + "</Items></Root>"
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
