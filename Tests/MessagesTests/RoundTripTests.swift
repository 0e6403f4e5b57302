import Foundation
@testable import Messages
import TestSupport
import Testing
@testable import Values

@Suite struct RoundTripTests {
  /// Texts that need every kind of care: quotes, controls, Hebrew in runs, astral characters, NUL.
  private static func words(_ random: inout Seeded) -> String {
    let alphabets = [
      "abcXYZ 019./-_", "אבגדהוזחטיכלמנסעפצקרשת ",
      "\"\\\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}", "é€😀\u{2028}\u{fffd}\u{10ffff}",
    ]
    var text = ""
    for _ in 0..<random.below(4) {
      let alphabet = Array(random.pick(alphabets))
      for _ in 0..<random.below(14) { text.append(random.pick(alphabet)) }
    }
    return text
  }

  private static func instant(_ random: inout Seeded) -> Timestamp {
    let whole = Int64(random.below(4_000_000_000)) * 1_000_000
    let fraction = Int64(random.pick([0, 0, 500_000, 1_000, 1, 999_999]))
    return Timestamp(microseconds: whole + fraction, offsetMinutes: random.pick([0, 120, 180, -90])) ?? .epoch
  }

  private static func amount(_ random: inout Seeded) -> ExactDecimal {
    ExactDecimal(mantissa: Int64(random.below(1_000_000_000)), scale: random.below(6)) ?? .zero
  }

  /// An optional value, absent one time in three.
  private static func maybe<Value>(_ random: inout Seeded, _ value: (inout Seeded) -> Value) -> Value? {
    random.chance(3) ? nil : value(&random)
  }

  @Test func messages() throws {
    let seed = freshSeed()
    var random = Seeded(seed)
    for _ in 0..<400 {
      let discovered = FileDiscovered(
        chain: Self.words(&random), url: Self.words(&random), timestamp: Self.instant(&random),
        fileName: Self.words(&random),
        fileType: Self.maybe(&random) { $0.pick(FileType.allCases) }, storeID: Self.maybe(&random, Self.words),
        size: Self.maybe(&random) { Int64(bitPattern: $0.next()) }, fingerprint: Self.maybe(&random, Self.words),
        fileTime: Self.maybe(&random, Self.instant))
      #expect(try FileDiscovered(decoding: discovered.encoded()) == discovered, "seed \(seed)")

      let downloaded = FileDownloaded(
        chain: Self.words(&random), s3Path: "s3://b/" + Self.words(&random), localPath: Self.maybe(&random, Self.words),
        url: Self.maybe(&random, Self.words), fileName: "n" + Self.words(&random),
        fileType: Self.maybe(&random) { $0.pick(FileType.allCases) }, storeID: Self.maybe(&random, Self.words),
        fileTime: Self.maybe(&random, Self.instant),
        sha256: Self.maybe(&random) { _ in String(repeating: "0f", count: 32) },
        bytes: Self.maybe(&random) { Int64($0.below(1 << 40)) },
        compression: Self.maybe(&random) { $0.pick(Compression.allCases) },
        discoveredAt: Self.maybe(&random, Self.instant), downloadedAt: Self.maybe(&random, Self.instant))
      #expect(try FileDownloaded(decoding: downloaded.encoded()) == downloaded, "seed \(seed)")

      let items = (0..<random.below(5)).map { row in
        ProductsIngest.Item(
          ean: Self.words(&random), price: Self.amount(&random), masterID: Self.words(&random),
          name: Self.maybe(&random, Self.words), manufacturer: Self.maybe(&random, Self.words),
          unitQty: Self.maybe(&random, Self.words), quantity: Self.maybe(&random, Self.amount),
          unitOfMeasure: Self.maybe(&random, Self.words), unitPrice: Self.maybe(&random, Self.amount),
          isWeighted: Self.maybe(&random) { $0.chance(2) }, priceUpdatedAt: Self.maybe(&random, Self.instant),
          row: Int64(row))
      }
      var header = Samples.header
      header.chain = Self.words(&random)
      header.chainID = Self.maybe(&random, Self.words)
      header.fileName = Self.maybe(&random, Self.words)
      header.fileTime = Self.instant(&random)
      let ingest = ProductsIngest(header: header, items: items)
      let bytes = ingest.encoded()
      let again = try ProductsIngest(decoding: bytes)
      #expect(again == ingest, "seed \(seed)")
      // The digits, too, which equality of values does not see.
      #expect(again.encoded() == bytes, "seed \(seed)")
      #expect((try? JSONSerialization.jsonObject(with: Data(bytes))) != nil, "seed \(seed)")
    }
  }

  /// For any bytes the writer's output is valid JSON and equals Swift's decoding, replacements included.
  @Test func anyBytesAreWrittenAsValidText() throws {
    let seed = freshSeed()
    var random = Seeded(seed)
    for _ in 0..<2000 {
      let alphabet: [UInt8] = [0x41, 0x22, 0x5c, 0x0a, 0xd7, 0x90, 0xe2, 0x82, 0xf0, 0x9f, 0xff, 0xc0]
      var bytes = (0..<random.below(40)).map { _ in random.pick(alphabet) }
      if random.chance(2) { bytes = Array("אבגדהוז".utf8) + bytes }
      var writer = JSONWriter()
      writer.string(bytes.span.bytes)
      var reader = try JSONReader(writer.array().span.bytes)
      let read = try reader.string()
      try reader.finish()
      if let valid = String(validating: bytes, as: UTF8.self) {
        #expect(read == valid, "seed \(seed): \(bytes)")
      } else {
        #expect(read.unicodeScalars.contains("\u{fffd}"), "seed \(seed): \(bytes)")
        let kept = read.unicodeScalars.filter { $0 != "\u{fffd}" }
        let expected = String(decoding: bytes, as: UTF8.self).unicodeScalars.filter { $0 != "\u{fffd}" }
        #expect(kept.elementsEqual(expected), "seed \(seed): \(bytes)")
      }
    }
  }

  @Test func integersAsFoundationWritesThem() {
    for value in [0, 1, -1, 9, 10, 99, 100, Int64.max, Int64.min, 1_000_000_000_000_000_000, -999_999_999_999_999_999] {
      var writer = JSONWriter()
      writer.integer(value)
      #expect(String(decoding: writer.array(), as: UTF8.self) == String(value))
    }
  }

  @Test func theWriterPutsTheCommas() {
    var writer = JSONWriter()
    for _ in 0..<2 {
      writer.clear()
      writer.beginArray()
      writer.beginObject()
      writer.key("a")
      writer.beginArray()
      writer.endArray()
      writer.key("b")
      writer.null()
      writer.endObject()
      writer.integer(-7)
      let mark = writer.mark
      writer.string("gone")
      writer.rewind(to: mark)
      writer.bool(true)
      writer.number(decimal("1.50"))
      writer.raw(Array("{}".utf8).span.bytes)
      writer.endArray()
      #expect(text(writer.bytes) == #"[{"a":[],"b":null},-7,true,1.50,{}]"#)
    }
  }
}
