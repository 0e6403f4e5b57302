import Core
import Testing
import Values

@testable import Archiving

@Suite struct ObjectNamesTests {
  private let names = ObjectNames(folder: "streaming")
  private func day(_ text: String) throws -> Int32 { try #require(LocalDateTime(text)).day.number }

  @Test func folders() throws {
    #expect(names.directory(date: try day("2025-01-20T23:59:59"), symbol: "COMI")
      == "streaming/date=2025-01-20/symbol=COMI")
    #expect(names.directory(date: try day("0001-01-01"), symbol: "EGX30") == "streaming/date=0001-01-01/symbol=EGX30")
    #expect(names.directory(date: try day("1969-12-31T12:00:00"), symbol: "A")
      == "streaming/date=1969-12-31/symbol=A")
  }

  /// As Python's `urllib.parse.quote(symbol, safe="")`, without its `~`.
  @Test(arguments: [
    ("EGX:COMI", "EGX%3ACOMI"), ("..", ".."), ("../../etc", "..%2F..%2Fetc"), ("a b", "a%20b"), ("a%2Fb", "a%252Fb"),
    ("ÄÖ", "%C3%84%C3%96"), ("x\u{0}y\n", "x%00y%0A"), ("\\", "%5C"), ("BRK.B-1_2", "BRK.B-1_2"),
  ])
  func symbolsCannotLeaveTheirFolder(symbol: String, encoded: String) {
    #expect(ObjectNames.encode(symbol) == encoded)
  }

  @Test func parts() {
    #expect(ObjectNames.part(3, first: 4711, codec: .gzip) == "part-00003-00000000000000004711.jsonl.gz")
    #expect(ObjectNames.part(0, first: 0, codec: .zstd) == "part-00000-00000000000000000000.jsonl.zst")
    #expect(ObjectNames.part(123_456, first: .max, codec: .none) == "part-123456-09223372036854775807.jsonl")
  }

  @Test(arguments: [
    ("2025-01-20T00:00:00", "000000000000.json"), ("2025-01-20T09:35:07.000012", "093507000012.json"),
    ("2025-01-20T23:59:59.999999", "235959999999.json"),
  ])
  func recordsAreNamedByTheirTime(time: String, name: String) throws {
    #expect(ObjectNames.record(microsecondsOfDay: try #require(LocalDateTime(time)).microsecondsOfDay) == name)
  }

  @Test(arguments: [
    ObjectFormat(layout: .record), ObjectFormat(layout: .batch, codec: .zstd, level: 19),
    ObjectFormat(layout: .batch, codec: .gzip, level: 0), ObjectFormat(layout: .batch, codec: .none),
  ])
  func formatsAreReadBack(format: ObjectFormat) throws {
    let read = try ObjectFormat(text: format.text)
    #expect(read.layout == format.layout)
    if format.layout == .batch { #expect(read == format) }
    #expect(!format.text.contains(" "))
  }

  @Test(arguments: ["", "parquet", "batch/gzip", "batch/lz4/1", "batch/gzip/x"])
  func formatsOfOtherVersionsStopTheService(text: String) {
    #expect(throws: Failure.self) { try ObjectFormat(text: text) }
  }
}
