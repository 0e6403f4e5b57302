import Catalogue
import Core
import Foundation
import Logging
import Messages
import ObjectStore
import PriceFiles
import Synchronization
import Testing
import TestSupport
import Values

@testable import Kafka
@testable import ParserService
@testable import Pipeline

@Suite struct ParseHandlerTests {
  @Test func rowsBecomeMessages() async throws {
    try await withHandler { bench in
      let parsed = try await bench.parse(PriceText.file(rows: 1_203))
      #expect(parsed.disposition == .keep)
      #expect(parsed.messages.map(\.items.count) == [500, 500, 203, 0])
      #expect(parsed.items.count == 1_203)
      let header = try #require(parsed.messages.first).header
      #expect(header.chain == "rami_levy")
      #expect(header.chainID == "7290058140886")
      #expect(header.subChainID == "1")
      #expect(header.storeID == "29")
      #expect(header.fileName == bench.name)
      #expect(header.fileType == .priceFull)
      #expect(header.fileTime.description == "2023-10-02T12:00:00+03:00")
      #expect(parsed.messages.map(\.header.sequence) == [0, 1, 2, 3])
      #expect(parsed.messages.map(\.header.firstRow) == [0, 500, 1_000, 0])
      // The last one closes the file.
      #expect(parsed.messages.map(\.header.isLast) == [false, false, false, true])
      #expect(parsed.messages.allSatisfy { $0.header.isFull })
      #expect(parsed.messages.map(\.header.batchID) == (0..<4).map { "\(header.fileID)-00000\($0)" })
      #expect(parsed.items.map(\.row) == (0..<1_203).map { Int64($0) })
      #expect(parsed.keys == Array(repeating: "rami_levy/29", count: 4))
      let item = try #require(parsed.items.first)
      #expect(item.ean == "7290000149844")
      #expect(item.masterID == "gtin:07290000149844")
      #expect(item.name == "חלב \"טרי\"")
      #expect(item.price.description == "6.90")
      #expect(item.quantity?.description == "1.00")
      #expect(item.unitPrice?.description == "6.9000")
      #expect(item.unit == "l")
      #expect(item.pricePerUnit?.description == "6.90")
      #expect(item.isWeighted == false)
      #expect(item.manufacturer == nil)
      #expect(item.priceUpdatedAt?.description == "2023-10-01T08:00:00+03:00")
      #expect(parsed.items[1].masterID == "rami_levy:1001")
    }
  }

  @Test func theFileIDIsThatOfTheContract() throws {
    // printf 'king_store\0Price.gz\0<64 hex of sha256("")>' | sha256sum, the first 32 digits.
    let id = FileToParse.fileID(chain: "king_store", fileName: "Price.gz", sha256: SHA256.hash([]))
    let joined = "king_store\0Price.gz\0" + SHA256.hash([]).hex
    #expect(id == String(SHA256.hash(joined).hex.prefix(32)))
    #expect(SHA256.hash([]).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(id.count == 32)
  }

  @Test func parsingAgainGivesTheSameBytes() async throws {
    try await withHandler { bench in
      let bytes = PriceText.file(rows: 700)
      let first = try await bench.parse(bytes)
      let second = try await bench.parse(bytes)
      #expect(first.values == second.values)
      #expect(!first.values.isEmpty)
    }
  }

  @Test func headersContinueTheTrace() async throws {
    try await withHandler { bench in
      let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
      let parsed = try await bench.parse(
        PriceText.file(rows: 1), headers: [Header(HeaderName.traceparent, trace)])
      let headers = try #require(parsed.headers.first)
      func value(_ name: String) -> String? { headers.first { $0.name == name }?.text }
      #expect(value(HeaderName.schema) == "gogobe.products.ingest")
      #expect(value(HeaderName.schemaVersion) == "1")
      #expect(value(HeaderName.producedBy) == "parser/\(Souk.version)")
      #expect(value(HeaderName.traceparent)?.hasPrefix("00-4bf92f3577b34da6a3ce929d0e0e4736-") == true)
      #expect(value(HeaderName.traceparent) != trace)
    }
  }

  @Test func completeRowsOfATruncatedFileArePublished() async throws {
    try await withHandler { bench in
      let bytes = Array(PriceText.file(rows: 600).dropLast(400))
      let parsed = try await bench.parse(bytes)
      guard case .reject(let rejection) = parsed.disposition else {
        Issue.record("\(parsed.disposition)")
        return
      }
      #expect(rejection.code == "truncated")
      #expect(rejection.stage == "parse")
      #expect(rejection.message.contains("\(parsed.items.count)"))
      #expect(590..<600 ~= parsed.items.count)
    }
  }

  @Test(arguments: [
    ("corrupt", "corrupt"), ("html", "not_xml_html"), ("empty", "empty_file"), ("document", "unknown_document"),
    ("doctype", "xml_doctype"),
  ])
  func anUntrustworthyFilePublishesNothing(_ kind: String, _ code: String) async throws {
    try await withHandler { bench in
      let bytes: [UInt8] =
        switch kind {
        case "corrupt": {
          var packed = PriceText.gzipped(PriceText.file(rows: 1_500))
          packed[packed.count - 8] ^= 1
          return packed
        }()
        case "html": Array("<html><body>login</body></html>".utf8)
        case "document": Array("<Error><Code>BlobNotFound</Code></Error>".utf8)
        case "doctype": Array("<!DOCTYPE Root []><Root/>".utf8)
        default: []
        }
      let parsed = try await bench.parse(bytes)
      guard case .reject(let rejection) = parsed.disposition else {
        Issue.record("\(parsed.disposition)")
        return
      }
      #expect(rejection.code == code)
      #expect(parsed.messages.isEmpty)
    }
  }

  @Test func otherRecordsAreSkipped() async throws {
    try await withHandler { bench in
      let empty = try await bench.parse(Array("<Root><ChainId>1</ChainId><Items Count=\"0\"/></Root>".utf8))
      #expect(empty.disposition == .skip(reason: "empty"))
      #expect(empty.topics == [Topics.filesParsed.name])
      #expect(empty.parsed.first?.outcome == "empty")
    }
  }

  @Test func anObjectWithOtherBytesIsRefused() async throws {
    try await withHandler { bench in
      let parsed = try await bench.parse(PriceText.file(rows: 10), sha256: SHA256.hash([1]))
      guard case .reject(let rejection) = parsed.disposition else {
        Issue.record("\(parsed.disposition)")
        return
      }
      #expect(rejection.code == "sha256_mismatch")
      #expect(parsed.messages.isEmpty)
    }
  }

  @Test func aMessageWithoutHashTypeStoreAndTimeIsFilledFromNameAndFile() async throws {
    try await withHandler { bench in
      let bytes = PriceText.file(rows: 3)
      let url = try await bench.put(bytes)
      let bare = try await bench.handle(
        FileDownloaded(chain: "c", s3Path: url, localPath: nil, fileName: "Price7290058140886-031-20250120.gz"))
      #expect(bare.disposition == .keep)
      // The name has no time of day: the record's own time counts.
      #expect(bare.messages.first?.header.fileTime.microseconds == 1_700_000_000_000_000)
      #expect(bare.messages.first?.header.storeID == "31")
      let unnamed = try await bench.handle(FileDownloaded(chain: "c", s3Path: url, localPath: nil, fileName: "x.gz"))
      #expect(unnamed.messages.first?.header.storeID == "29")
      #expect(unnamed.messages.first?.header.fileType == nil)
    }
  }

  @Test func withoutAnyStoreTheFileIsRefused() async throws {
    try await withHandler { bench in
      let text = "<Root><Items><Item><ItemCode>1</ItemCode><ItemPrice>1</ItemPrice></Item></Items></Root>"
      let url = try await bench.put(Array(text.utf8))
      let failure = await #expect(throws: Failure.self) {
        try await bench.handle(FileDownloaded(chain: "c", s3Path: url, localPath: nil, fileName: "x"))
      }
      #expect(failure?.code == "no_store")
      #expect(failure?.errorClass == .data)
    }
  }

  @Test func unreadableMessagesAndMissingObjectsAreData() async throws {
    try await withHandler { bench in
      let garbage = try await bench.handle(value: Array("{\"chain\":".utf8))
      guard case .reject(let rejection) = garbage.disposition else {
        Issue.record("\(garbage.disposition)")
        return
      }
      #expect(rejection.code == "bad_message")
      #expect(try await bench.handle(value: nil).disposition == .skip(reason: "tombstone"))
      let missing = FileDownloaded(
        chain: "c", s3Path: "\(bench.store.location)/missing", localPath: nil, fileName: bench.name)
      let error = await #expect(throws: ObjectStoreError.self) { try await bench.handle(missing) }
      #expect(error?.kind == .noSuchKey)
      let outside = FileDownloaded(chain: "c", s3Path: "s3://other/key", localPath: nil, fileName: bench.name)
      let refused = await #expect(throws: ObjectStoreError.self) { try await bench.handle(outside) }
      #expect(refused?.errorClass == .data)
    }
  }

  /// Output beyond the limit is not held: the file is checked in a first pass and published by a second.
  @Test func largeFilesAreCheckedFirstAndPublishedBySecondReading() async throws {
    var bytes = PriceText.file(rows: 9_000)
    for isWindows1255 in [false, true] {
      if isWindows1255 { bytes = PriceText.windows1255(bytes) }
      let held = try await withHandler { try await $0.parse(bytes) }
      let reread = try await withHandler(heldOutput: 1 << 20) { try await $0.parse(bytes) }
      #expect(held.disposition == .keep)
      #expect(reread.disposition == .keep)
      #expect(reread.values == held.values)
      #expect(held.values.count == 19)
      #expect(reread.batches > 1)
    }
    var packed = PriceText.gzipped(bytes)
    packed[packed.count - 8] ^= 1
    let corrupt = try await withHandler(heldOutput: 1 << 20) { try await $0.parse(packed) }
    #expect(corrupt.messages.isEmpty)
  }

  /// A file that is UTF-8 until its last rows is read again from its start, and published once.
  @Test func theEncodingIsThatOfTheWholeFile() async throws {
    var bytes = PriceText.file(rows: 3_000)
    let name = Array("<ItemName>".utf8)
    let last = (0..<bytes.count - name.count).last { Array(bytes[$0..<$0 + name.count]) == name }
    let at = try #require(last)
    bytes[at + name.count] = 0xE0
    let parsed = try await withHandler { try await $0.parse(bytes) }
    #expect(parsed.disposition == .keep)
    #expect(parsed.items.count == 3_000)
    #expect(Set(parsed.items.map(\.row)).count == 3_000)
    #expect(parsed.items[0].name != "חלב \"טרי\"")
  }

  @Test func anOutageOfTheProducerReachesTheCaller() async throws {
    try await withHandler { bench in
      let outage = Failure(.transient, code: "outage", "no broker")
      await #expect(throws: Failure.self) {
        try await bench.parse(PriceText.file(rows: 1), emit: { _ in throw outage })
      }
      // The thread is free again.
      let again = try await bench.parse(PriceText.file(rows: 1))
      #expect(again.disposition == .keep)
    }
  }

  private func withHandler<R>(
    heldOutput: Int = 32 << 20, _ body: (HandlerBench) async throws -> R
  ) async throws -> R {
    try await withTemporaryDirectory { folder in
      let bench = try await HandlerBench(folder: folder, heldOutput: heldOutput)
      defer { bench.store.close() }
      return try await body(bench)
    }
  }
}
