import CZlib

/// The reading position in a ZIP file. Only local headers are used: the central directory is at the end, and the file
/// is read once from its start.
enum ZipState: Equatable {
  case signature
  case header
  /// File name and extra field, skipped.
  case names
  case stored
  case deflated
  case descriptor
  case afterEntry
}

/// The local header of the current entry (APPNOTE.TXT 6.3.10, section 4.3.7).
struct ZipEntry {
  var flags: UInt16 = 0
  var method: UInt16 = 0
  var expectedCRC: UInt32 = 0
  var compressedSize: UInt32 = 0
  var size: UInt32 = 0
  var nameLength = 0
  var extraLength = 0
  var isDirectory = false

  var crc: UInt = 0
  var produced = 0
  var storedLeft = 0

  /// Sizes and CRC follow the data.
  var hasDescriptor: Bool { flags & 0x0008 != 0 }
  var isEncrypted: Bool { flags & 0x2041 != 0 }
}

extension Decompressor {
  private static let localHeader: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
  private static let descriptorSignature: [UInt8] = [0x50, 0x4B, 0x07, 0x08]

  /// - Returns: bytes written (0 after a step that writes none); nil when more input is needed.
  mutating func readZip(_ current: ZipState, into target: UnsafeMutableRawBufferPointer) throws(FileDefect) -> Int? {
    switch current {
    case .signature:
      guard gather(4) else { return nil }
      guard held == Self.localHeader else {
        throw FileDefect(.corrupt, code: "zip_no_entry", "the ZIP file holds no file", offset: position)
      }
      state = .zip(.header)
    case .header:
      guard gather(30) else { return nil }
      try readLocalHeader()
      state = .zip(.names)
    case .names:
      guard gather(zip.nameLength + zip.extraLength) else { return nil }
      try beginEntry()
    case .stored:
      let count = copy(into: target, atMost: zip.storedLeft)
      guard count > 0 || zip.storedLeft == 0 else { return nil }
      account(target, count)
      zip.storedLeft -= count
      if zip.storedLeft == 0 { state = zip.hasDescriptor ? .zip(.descriptor) : .zip(.afterEntry) }
      return count
    case .deflated:
      let next = State.zip(zip.hasDescriptor ? .descriptor : .afterEntry)
      guard let count = try inflate(into: target, whenEnded: next) else { return nil }
      account(target, count)
      return count
    case .descriptor:
      // The signature is optional: with it 16 bytes, without it 12.
      guard gather(4) else { return nil }
      let length = held.starts(with: Self.descriptorSignature) ? 16 : 12
      guard gather(length) else { return nil }
      zip.expectedCRC = UInt32(truncatingIfNeeded: littleEndian(length - 12, 4))
      zip.size = UInt32(truncatingIfNeeded: littleEndian(length - 4, 4))
      held.removeFirst(length)
      state = .zip(.afterEntry)
    case .afterEntry:
      try checkEntry()
      guard gather(4) || hasInputEnded else { return nil }
      hasMoreEntries = held == Self.localHeader
      state = .ended
    }
    return 0
  }

  private mutating func readLocalHeader() throws(FileDefect) {
    entries += 1
    guard entries <= limits.entries else {
      throw refuse("entries_limit", "none of the first \(limits.entries) ZIP entries is a file")
    }
    zip = ZipEntry()
    zip.flags = UInt16(littleEndian(6, 2))
    zip.method = UInt16(littleEndian(8, 2))
    zip.expectedCRC = UInt32(littleEndian(14, 4))
    zip.compressedSize = UInt32(littleEndian(18, 4))
    zip.size = UInt32(littleEndian(22, 4))
    zip.nameLength = littleEndian(26, 2)
    zip.extraLength = littleEndian(28, 2)
    held.removeFirst(30)
    if zip.isEncrypted { throw refuse("zip_encrypted", "the ZIP entry is encrypted") }
    if zip.compressedSize == .max || zip.size == .max {
      throw refuse("zip64", "the ZIP entry has 64-bit sizes, which no price file needs")
    }
    guard zip.method == 0 || zip.method == 8 else {
      throw refuse("zip_method", "ZIP compression method \(zip.method) is not known; stored and deflate are")
    }
    if zip.method == 0, zip.hasDescriptor, zip.compressedSize == 0 {
      throw refuse("zip_unknown_length", "the stored ZIP entry does not say how long it is")
    }
  }

  private mutating func beginEntry() throws(FileDefect) {
    zip.isDirectory = zip.nameLength > 0 && held[zip.nameLength - 1] == UInt8(ascii: "/")
    held.removeFirst(zip.nameLength + zip.extraLength)
    if zip.isDirectory, zip.compressedSize == 0, !zip.hasDescriptor {
      state = .zip(.signature)
    } else if zip.method == 0 {
      zip.storedLeft = Int(zip.compressedSize)
      state = .zip(.stored)
    } else {
      try beginDeflated()
      state = .zip(.deflated)
    }
  }

  private mutating func account(_ target: UnsafeMutableRawBufferPointer, _ count: Int) {
    guard count > 0 else { return }
    zip.crc = crc32_z(zip.crc, target.baseAddress?.assumingMemoryBound(to: Bytef.self), count)
    zip.produced += count
  }

  private func checkEntry() throws(FileDefect) {
    guard UInt32(truncatingIfNeeded: zip.crc) == zip.expectedCRC else {
      throw FileDefect(
        .corrupt, code: "checksum_mismatch", "the CRC of the ZIP entry does not match its data", offset: position)
    }
    guard UInt32(truncatingIfNeeded: zip.produced) == zip.size else {
      throw FileDefect(
        .corrupt, code: "length_mismatch", "the ZIP entry has \(zip.produced) bytes, not \(zip.size)", offset: position)
    }
  }

  /// A little-endian number of `count` bytes from `held`.
  private func littleEndian(_ offset: Int, _ count: Int) -> Int {
    (0..<count).reduce(0) { $0 | Int(held[offset + $1]) << (8 * $1) }
  }
}
