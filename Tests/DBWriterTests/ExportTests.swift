import Catalogue
@testable import DBWriterService
import Foundation
import Kafka
import LocalServers
import Messages
import Pipeline
import Testing
import TestSupport
import Values

/// `export_postgres.py`: the lists that a deployment's database gives to learn from.
@Suite struct ExportTests {
  private static let milk = "gtin:07290000149844", chocolate = "gtin:04006381333931", soda = "gtin:06291041500213"
  private static func new(_ digit: Character) -> String { "name:" + String(repeating: digit, count: 32) }

  private static func product(_ ean: String, _ master: String, _ name: String, price: String = "6.90")
    -> ProductsIngest.Item {
    var row = item(ean, price, name: name)
    row.masterID = master
    return row
  }

  private static func decision(_ kind: MasterDecision.Kind, _ master: String, _ other: String, _ codes: [String] = [])
    -> MasterDecision {
    MasterDecision(
      kind, master, other, products: codes.map { .init(chain: "alef", code: $0) }, decidedAt: hourTime(2),
      decidedBy: "dana")
  }

  private func write(_ topic: Topic, _ records: [[UInt8]], to fixture: StoreFixture) async throws {
    let store = fixture.store()
    let source = TopicPartition(topic.name, 0)
    _ = try await store.start([source])
    for (offset, record) in records.enumerated() {
      #expect(try store.append(source, Int64(offset), record) == .keep)
    }
    _ = try await store.flushStaged()
  }

  private func export(_ url: String, to folder: String) async throws -> ChildProcess.Outcome {
    let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Services/Parser/Training/export_postgres.py")
    var launch = Launch("/usr/bin/python3", [program.path, folder])
    launch.environment["DATABASE_URL"] = url
    return try await ChildProcess.run(launch, atMost: .seconds(600))
  }

  private func lines(_ path: String) throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  private func listed(_ code: String, _ name: String, price: String = "6.90") -> String {
    "<Item><ItemCode>\(code)</ItemCode><ItemName>\(name)</ItemName><ManufacturerName></ManufacturerName><UnitQty>"
      + "</UnitQty><Quantity></Quantity><bIsWeighted>0</bIsWeighted><ItemPrice>\(price)</ItemPrice></Item>"
  }

  @Test func whatPersonsDecidedIsALabelAndWhatAModelTookIsNone() async throws {
    let fixture = try await StoreFixture()
    let alef = [
      Self.product("7290000149844", Self.milk, "חלב & <טרי> 3%"),
      // A person merged it into one with a GTIN.
      Self.product("17", Self.new("8"), "שוקולד מריר"),
      // A model took it for one with a GTIN.
      Self.product("18", Self.chocolate, "שוקולד מריר כרמית"),
      // A person rejected what a model took for perhaps the same; another rejection was taken back.
      Self.product("19", Self.new("9"), "שוקולד לבן"), Self.product("20", Self.new("a"), "סודה"),
      // A split took it away from its GTIN.
      Self.product("6291041500213", Self.soda, "מים מוגזים"),
      // Without a price it is no row of a list.
      Self.product("21", Self.new("b"), "בלי מחיר", price: "0"),
    ]
    let bet = [Self.product("4006381333931", Self.chocolate, "כרמית שוקולד", price: "7.5")]
    try await write(
      Topics.productsIngest, [ingest(chain: "alef", hour: 1, alef), ingest(chain: "bet", hour: 1, bet)], to: fixture)
    var undone = Self.decision(.reject, Self.new("a"), Self.soda)
    (undone.undoneAt, undone.undoneBy) = (hourTime(3), "noa")
    let decisions = [
      Self.decision(.merge, Self.new("8"), Self.chocolate), Self.decision(.reject, Self.new("9"), Self.chocolate),
      undone, Self.decision(.split, Self.soda, Self.new("c"), ["6291041500213"]),
    ]
    try await write(Topics.masterDecisions, decisions.map { $0.encoded() }, to: fixture)

    try await withTemporaryDirectory { folder in
      let outcome = try await export(fixture.url, to: folder)
      #expect(outcome.status.isSuccess, "\(outcome.errorOutput)")
      let first = try lines("\(folder)/alef/PriceFull-database.xml")
      #expect(first.first == "<Root><ChainId>alef</ChainId><StoreId>1</StoreId><Items>")
      #expect(first.last == "</Items></Root>")
      #expect(first.dropFirst().dropLast().elementsEqual([
        listed("04006381333931", "שוקולד מריר"), listed("18", "שוקולד מריר כרמית"), listed("19", "שוקולד לבן"),
        listed("20", "סודה"), listed("07290000149844", "חלב &amp; &lt;טרי&gt; 3%"),
      ]))
      let second = try lines("\(folder)/bet/PriceFull-database.xml")
      #expect(second.dropFirst().dropLast().elementsEqual([
        listed("04006381333931", "כרמית שוקולד", price: "7.5"),
      ]))
      #expect(try lines("\(folder)/alef/rejected.tsv") == ["19\t\(Self.chocolate)"])
      #expect(try lines("\(folder)/bet/rejected.tsv").isEmpty)
    }
  }

  @Test func anAddressThatCannotBeUsedIsNamed() async throws {
    try await withTemporaryDirectory { folder in
      let unknown = try await export("postgresql://a@localhost/b?options=x", to: folder)
      #expect(!unknown.status.isSuccess && unknown.errorOutput.contains("options"))
      let missing = try await export("", to: folder)
      #expect(!missing.status.isSuccess && missing.errorOutput.contains("DATABASE_URL"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }
}
