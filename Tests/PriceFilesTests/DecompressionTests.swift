import Compression
import PriceFiles
import Testing
import TestSupport
import Values

@Suite struct DecompressionTests {
  private let plain = Array(Fixtures.many(200).utf8)
  private var expected: [ReadRow] { read(plain).rows }

  @Test func everyCompressionGivesTheSameRows() {
    let forms: [(Compression, [UInt8])] = [
      (.none, plain), (.gzip, gzipped(plain)), (.zip, zip(plain)), (.zip, zip(plain, stored: true)),
      (.zip, zip(plain, descriptor: .signed)), (.zip, zip(plain, descriptor: .unsigned)),
      (.zip, entry(name: "folder/", [], stored: true) + zip(plain)),
      // Several members, the text cut in the middle of a row.
      (.gzip, gzipped(Array(plain[..<777])) + gzipped(Array(plain[777...])) + gzipped([])),
    ]
    for (index, (compression, bytes)) in forms.enumerated() {
      for size in [bytes.count, 1, 13] {
        let found = read(bytes) { size }
        #expect(found.summary.outcome == .ok, "form \(index): \(found.summary.defect?.description ?? "")")
        #expect(found.summary.compression == compression)
        #expect(found.rows == expected, "form \(index) in pieces of \(size)")
        #expect(found.summary.inflatedBytes == plain.count)
        #expect(found.summary.compressedBytes == bytes.count)
      }
    }
  }

  @Test func aFullGzipHeaderMayArriveInAnyPieces() {
    let plain = Array(Fixtures.many(2).utf8)
    let expected = read(plain).rows
    // Text, header checksum, extra field, name and comment.
    var packed: [UInt8] = [0x1F, 0x8B, 8, 0x1F, 1, 2, 3, 4, 2, 3, 3, 0, 7, 0, 9]
    packed += Array("name.xml".utf8) + [0] + Array("a comment".utf8) + [0]
    let check = crc(packed)
    packed += [UInt8(truncatingIfNeeded: check), UInt8(truncatingIfNeeded: check >> 8)]
    let header = packed.count
    packed += rawDeflated(plain)
    for value in [crc(plain), UInt32(plain.count)] {
      for shift in stride(from: UInt32(0), to: 32, by: 8) { packed.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
    for first in 1...header + 150 {
      for second in [1, 6, 11, 40, packed.count] {
        var pieces = [first, second]
        let found = read(packed) { pieces.isEmpty ? packed.count : pieces.removeFirst() }
        #expect(found.summary.outcome == .ok, "\(first), \(second): \(found.summary.defect?.description ?? "")")
        #expect(found.rows == expected)
      }
    }
    for damage in [(2, UInt8(7)), (3, 0x3F)] {
      var wrong = packed
      wrong[damage.0] = damage.1
      #expect(read(wrong).summary.outcome == .corrupt)
    }
  }

  @Test func trailingBytesAreIgnoredAndCounted() {
    for garbage in [[0, 0, 0], [0x1F, 0x00], Array("trailing".utf8)] as [[UInt8]] {
      let found = read(gzipped(plain) + garbage) { 11 }
      #expect(found.summary.outcome == .ok)
      #expect(found.summary.trailingBytes == garbage.count)
      #expect(found.rows == expected)
    }
    let two = read(entry(name: "a.xml", plain, stored: false) + zip(Array("<other/>".utf8)))
    #expect(two.summary.hasMoreEntries)
    #expect(two.rows == expected)
  }

  @Test func aTruncatedFileKeepsItsCompleteRows() {
    let entries = [false, true].map { entry(name: "a.xml", plain, stored: $0) }
    for packed in [gzipped(plain), plain] + entries {
      var last = 0
      for cut in stride(from: 0, through: packed.count - 1, by: max(1, packed.count / 60)) {
        let found = read(Array(packed[..<cut]))
        #expect(found.summary.outcome == (cut == 0 ? .emptyFile : .truncated), "cut at \(cut)")
        #expect(found.rows == Array(expected.prefix(found.rows.count)))
        #expect(found.rows.count >= last)
        last = found.rows.count
      }
      #expect(last > 150)
    }
  }

  @Test func damageIsDetected() {
    var gzip = gzipped(plain)
    gzip[gzip.count - 6] ^= 1
    #expect(read(gzip).summary.outcome == .corrupt)
    #expect(read(gzip).summary.defect?.code == "checksum_mismatch")
    var length = gzipped(plain)
    length[length.count - 1] ^= 1
    #expect(read(length).summary.outcome == .corrupt)
    for descriptor in [Descriptor.none, .signed, .unsigned] {
      let bad = zip(plain, descriptor: descriptor, crc: 1)
      #expect(read(bad).summary.defect?.code == "checksum_mismatch")
    }
    #expect(read(zip(plain, stored: true, size: UInt32(plain.count + 1))).summary.defect?.code == "length_mismatch")
    // An invalid block type right after the header.
    #expect(read(Array(gzipped(plain).prefix(10)) + [0xFF, 0xFF, 0xFF]).summary.defect?.code == "invalid_deflate")
    #expect(!PriceFileOutcome.corrupt.rowsAreTrustworthy)
  }

  /// Damage usually shows as broken markup first; the rows before it cannot be trusted either.
  @Test func brokenMarkupOfDamagedDataIsDamage() {
    var text = plain
    text.replaceSubrange(2_000..<2_003, with: Array("<<<".utf8))
    var packed = gzipped(text)
    #expect(read(packed).summary.outcome == .malformed)
    packed[packed.count - 6] ^= 1
    for size in [packed.count, 100, 1] {
      let found = read(packed) { size }
      #expect(found.summary.outcome == .corrupt)
      #expect(found.summary.defect?.code == "checksum_mismatch")
    }
  }

  @Test func changedBytesNeverCrashAndNeverPass() {
    var random = TestRandom("damaged gzip")
    let packed = gzipped(plain)
    for _ in 0..<300 {
      var bytes = packed
      let at = Int.random(in: 10..<bytes.count, using: &random)
      bytes[at] ^= UInt8.random(in: 1...255, using: &random)
      let outcome = read(bytes).summary.outcome
      #expect(outcome != .ok, "byte \(at) changed")
    }
  }

  @Test func refusedOnPurpose() {
    #expect(read(zip(plain, flags: 0x1)).summary.defect?.code == "zip_encrypted")
    #expect(read(zip(plain, size: .max)).summary.defect?.code == "zip64")
    #expect(read(zip(plain, method: 12)).summary.defect?.code == "zip_method")
    #expect(read([0x50, 0x4B, 0x05, 0x06] + [UInt8](repeating: 0, count: 18)).summary.defect?.code == "zip_no_entry")
    #expect(read(zip(plain, flags: 0x1)).summary.outcome == .refused)
  }

  @Test func limits() {
    var limits = PriceFileLimits()
    limits.inflatedBytes = plain.count - 1
    for bytes in [plain, gzipped(plain)] {
      #expect(read(bytes, limits: limits).summary.defect?.code == "inflated_size_limit")
    }
    limits.inflatedBytes = plain.count
    #expect(read(gzipped(plain), limits: limits).summary.outcome == .ok)

    let bomb = Array("<Root><!--".utf8) + [UInt8](repeating: 0x20, count: 4 << 20)
    let bombed = read(gzipped(bomb))
    #expect(bombed.summary.defect?.code == "inflation_ratio_limit")
    #expect(bombed.summary.inflatedBytes < 3 << 20)

    limits = PriceFileLimits()
    limits.entries = 3
    let member = gzipped(Array("<R/>".utf8))
    #expect(read(member + gzipped([]) + gzipped([]), limits: limits).summary.outcome == .unknownDocument)
    let four = read(member + gzipped([]) + gzipped([]) + gzipped([]), limits: limits)
    #expect(four.summary.defect?.code == "entries_limit")
    let folders = (0..<3).flatMap { entry(name: "f\($0)/", [], stored: true) }
    #expect(read(folders + zip(plain), limits: limits).summary.defect?.code == "entries_limit")
  }

  // MARK: - ZIP files by hand (APPNOTE.TXT 4.3.7)

  enum Descriptor { case none, signed, unsigned }

  private func zip(
    _ bytes: [UInt8], stored: Bool = false, descriptor: Descriptor = .none, flags: UInt16 = 0, method: UInt16? = nil,
    crc given: UInt32? = nil, size: UInt32? = nil
  ) -> [UInt8] {
    // A central directory follows; reading stops before it.
    entry(
      name: "Price.xml", bytes, stored: stored, descriptor: descriptor, flags: flags, method: method, crc: given,
      size: size) + [0x50, 0x4B, 0x01, 0x02] + [UInt8](repeating: 0, count: 60)
  }

  private func entry(
    name: String, _ bytes: [UInt8], stored: Bool, descriptor: Descriptor = .none, flags: UInt16 = 0,
    method: UInt16? = nil, crc given: UInt32? = nil, size: UInt32? = nil
  ) -> [UInt8] {
    let data = stored ? bytes : rawDeflated(bytes)
    let sum = given ?? crc(bytes)
    let size = size ?? UInt32(bytes.count)
    let isLater = descriptor != .none
    func number(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    let tail = number(sum) + number(UInt32(data.count)) + number(size)
    var result: [UInt8] = [0x50, 0x4B, 0x03, 0x04] + number(UInt16(20)) + number(flags | (isLater ? 8 : 0))
    result += number(method ?? (stored ? 0 : 8)) + number(UInt32(0))
    result += isLater ? [UInt8](repeating: 0, count: 12) : tail
    result += number(UInt16(name.utf8.count)) + number(UInt16(4)) + Array(name.utf8) + [1, 2, 3, 4] + data
    switch descriptor {
    case .none: break
    case .signed: result += [0x50, 0x4B, 0x07, 0x08] + tail
    case .unsigned: result += tail
    }
    return result
  }
}

/// Files that are in memory as a whole.
@Suite struct DeflateTests {
  private let plain = Array(String(repeating: "a line of an object\n", count: 20_000).utf8)

  @Test(arguments: [1, 6, 9]) func aGzipFileComesBackWhole(_ level: Int) throws {
    let packed = try #require(Deflate.gzip(plain, level: level))
    #expect(packed.count < plain.count / 10 && Deflate.gzip(plain, level: level) == packed)
    #expect(Deflate.unpackGzip(packed) == plain)
    #expect(Deflate.unpackGzip(packed + packed) == plain + plain, "two members")
  }

  @Test func aDamagedGzipFileIsRefused() throws {
    let packed = try #require(Deflate.gzip(plain))
    for count in [0, 5, 10, packed.count / 2, packed.count - 1] {
      #expect(Deflate.unpackGzip(Array(packed.prefix(count))) == nil, "\(count) bytes")
    }
    var wrong = packed
    wrong[wrong.count - 6] ^= 1
    #expect(Deflate.unpackGzip(wrong) == nil, "the checksum")
    #expect(Deflate.unpackGzip(packed + [0]) == nil, "rubbish behind it")
  }
}
