import Archiving
import Catalogue
import Core
import Kafka
import Logging
import Messages
import ObjectStore
import Pipeline
import Testing
import TestSupport

@testable import ArchiverService

@Suite struct MappingTests {
  private func addresser(_ text: String) throws -> any RecordAddresser {
    try ArchiveMapping(text: text).plan(catalogue: "_catalogue", limits: .init()).makeAddresser()
  }

  private func address(
    _ record: String, by addresser: any RecordAddresser, key: String = "K", stamp: Int64 = -1
  ) throws -> (symbol: String, date: String, address: RecordAddress) {
    let (bytes, key) = (Array(record.utf8), Array(key.utf8))
    var symbol = Array("left over".utf8)
    let address = try addresser.address(of: bytes.span.bytes, key: key.span.bytes, stamp: stamp, symbol: &symbol)
    return (
      String(decoding: symbol, as: UTF8.self), "\(CivilDate(daysSinceEpoch: Int64(address.day)))", address
    )
  }

  /// Instants around the ends of days and of summer time in New York, with the dates that Python's zoneinfo gives.
  @Test(arguments: [
    ("1737392399999999999", "2025-01-20"), ("1737435599999999999", "2025-01-20"), ("1737435600000000000", "2025-01-21"),
    ("1741496399", "2025-03-08"), ("1741496400", "2025-03-09"), ("1741579199000", "2025-03-09"),
    ("1741579200000", "2025-03-10"), ("1762055999000000", "2025-11-01"), ("1762056000000000", "2025-11-02"),
    ("1762145999", "2025-11-02"), ("1762146000", "2025-11-03"), (#""2025-01-21T04:59:59.999999999Z""#, "2025-01-20"),
    (#""2025-01-21T00:00:00-05:00""#, "2025-01-21"), (#""2025-01-20T23:59:59""#, "2025-01-20"),
    (#""2025-01-20""#, "2025-01-20"), ("0", "1969-12-31"),
  ])
  func theDateIsThatOfNewYork(time: String, date: String) throws {
    let addresser = try addresser("topic=t,time=at,symbol=s")
    let found = try address(#"{"other":[1,{"s":"no"}],"s":"A\u0042","at":\#(time),"x":null}"#, by: addresser)
    #expect(found.symbol == "AB" && found.date == date)
  }

  @Test func timesAndSymbolsOfTheRecordItself() throws {
    let addresser = try addresser("topic=t,time=record,symbol=key,zone=UTC")
    let found = try address("{}", by: addresser, key: "ÄÖ", stamp: 1_737_435_599_999)
    #expect(found.symbol == "ÄÖ" && found.date == "2025-01-21")
    #expect(found.address.nanoseconds == 1_737_435_599_999_000_000)
    #expect(found.address.microsecondsOfDay == 17_999_999_000)
    #expect(throws: DecodingFailure.self) { try address("{}", by: addresser, key: "", stamp: 5) }
    #expect(throws: DecodingFailure.self) { try address("{}", by: addresser, stamp: -1) }
  }

  @Test(arguments: [
    ("[]", "wrong_type"), ("{", "malformed_json"), (#"{"s":"A"}"#, "missing_field"), (#"{"at":5}"#, "missing_field"),
    (#"{"s":"A","at":null}"#, "missing_field"), (#"{"s":"A","at":-1}"#, "bad_timestamp"),
    (#"{"s":"A","at":9223372037}"#, "bad_timestamp"), (#"{"s":"A","at":"soon"}"#, "bad_timestamp"),
    (#"{"s":"A","at":1.5}"#, "bad_number"), (#"{"s":"A","at":1,"at":2}"#, "duplicate_field"),
    (#"{"s":7,"at":1}"#, "wrong_type"), (#"{"s":"A","at":1} x"#, "malformed_json"),
  ])
  func whatHasNoPlaceIsRefused(record: String, code: String) throws {
    let addresser = try addresser("topic=t,time=at,symbol=s")
    do {
      _ = try address(record, by: addresser)
      Issue.record("\(record) was taken")
    } catch let failure as DecodingFailure { #expect(failure.code == code) }
  }

  @Test func theStandardMappingsAndChangesOfThem() throws {
    let standard = try ArchiveMapping.of(topics: [], given: [], catalogue: "_catalogue")
    #expect(standard.map(\.topic) == ServiceCatalogue.archiver.inputs.map(\.name), "each input has one")
    for mapping in standard { #expect(try ArchiveMapping(text: mapping.text) == mapping) }
    let changed = try ArchiveMapping.of(
      topics: ["market-bars", "news"],
      given: ["topic=market-bars,prefix=bars/raw", "topic=news,time=published_at,symbol=key,dataset=texts"],
      catalogue: "_catalogue")
    #expect(changed.map(\.prefix) == ["bars/raw", "texts"])
    #expect(changed.map(\.dataset) == ["market-bars", "texts"])
    #expect(changed[0].time == .field("start_ns") && changed[1].symbol == .record)
    // Names follow from it, so another digest; the dataset is no part of them.
    #expect(changed[0].digest != standard[1].digest)
    var renamed = standard[1]
    renamed.dataset = "x"
    #expect(renamed.digest == standard[1].digest)
  }

  /// What was begun with one mapping is not finished with another.
  @Test func aRangeIsFinishedWithItsMapping() async throws {
    try await withTemporaryDirectory { folder in
      let mapping = ArchiveMapping.standard[0]
      let sink = ObjectSink(
        store: try FileStore(path: folder), plans: [mapping.topic: try mapping.plan(catalogue: "_c", limits: .init())],
        format: ObjectFormat(layout: .batch), createsBucket: true, uploads: 1, logger: Logger(label: "test"))
      let partition = TopicPartition(mapping.topic, 3)
      let format = sink.format(of: partition)
      #expect(format == "batch/gzip/0@\(mapping.digest)" && format.utf8.count < 100)
      _ = try sink.draft(of: partition, from: 0, format: format)
      for other in ["batch/gzip/0@00000000", "batch/gzip/0", "batch/brotli/1@\(mapping.digest)"] {
        do {
          _ = try sink.draft(of: partition, from: 0, format: other)
          Issue.record("\(other) was taken")
        } catch { #expect(ErrorClass(of: error) == .configuration) }
      }
    }
  }

  @Test func namesAreReadBack() {
    let names = ObjectNames(folder: "market/ticks")
    for symbol in ["AAPL", "../up", "A/B", "ÄÖ", "*"] {
      let key = names.directory(date: 20_108, symbol: symbol) + "/" + ObjectNames.part(3, first: 4711, codec: .zstd)
      #expect(names.parts(of: key)?.first == 4711, "\(key)")
      #expect(names.parts(of: key)?.date == "2025-01-20" && names.parts(of: key)?.symbol == symbol, "\(key)")
    }
    for key in [
      "market/ticks/x", "market/bars/date=2025-01-20/symbol=A/part-00003-00000000000000004711.jsonl",
      "market/ticks/date=2025-02-30/symbol=A/part-00003-00000000000000004711.jsonl",
      "market/ticks/date=2025-01-20/symbol=A/part-00003-00000000000000004711.parquet",
      "market/ticks/date=2025-01-20/symbol=A/x/part-00003-00000000000000004711.jsonl",
    ] { #expect(names.parts(of: key) == nil, "\(key)") }
  }

  @Test func tiersByAge() throws {
    let azure = try ObjectLocation("az://archive")
    let policy = try TierPolicy("90d=Cool,730d=Archive", for: azure)
    #expect([0, 89, 90, 729, 730, 5_000].map { policy.tier(age: $0) }
      == [nil, nil, "Cool", "Cool", "Archive", "Archive"])
    #expect(policy.moves(nil, to: "Cool") && policy.moves("Hot", to: "Archive"))
    #expect(!policy.moves("Archive", to: "Cool") && !policy.moves("Cool", to: "Cool"))
    #expect(try TierPolicy("auto", for: azure).text == "730d=Archive")
    #expect(try TierPolicy("auto", for: ObjectLocation("s3://archive")).text == "730d=GLACIER")
    #expect(try TierPolicy("auto", for: ObjectLocation("file:///archive")).text == "off")
  }
}
