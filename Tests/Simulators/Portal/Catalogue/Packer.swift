import CZlib

/// gzip (RFC 1952) and ZIP (APPNOTE 6.3, one deflated entry), without time stamps so that equal input gives equal
/// bytes.
package enum Packer {
  package static func gzip(_ bytes: [UInt8]) -> [UInt8] { deflate(bytes, windowBits: 15 + 16) }

  /// - Parameter name: the entry's name; what portals put there is the file's name with `.xml`.
  package static func zip(_ bytes: [UInt8], name: String) -> [UInt8] {
    let packed = deflate(bytes, windowBits: -15)
    let checksum = UInt32(crc32(0, bytes, UInt32(bytes.count)))
    let nameBytes = Array(name.utf8)
    // 1980-01-01, the earliest time the format can say.
    let common: [UInt8] = [20, 0] + little(0x0800, 2) + little(8, 2) + little(0, 2) + little(0x21, 2)
      + little(Int(checksum), 4) + little(packed.count, 4) + little(bytes.count, 4) + little(nameBytes.count, 2)
      + little(0, 2)
    let local = little(0x0403_4b50, 4) + common + nameBytes + packed
    let directory = little(0x0201_4b50, 4) + [20, 0] + common + little(0, 2) + little(0, 2) + little(0, 2)
      + little(0, 4) + little(0, 4) + nameBytes
    let end = little(0x0605_4b50, 4) + little(0, 2) + little(0, 2) + little(1, 2) + little(1, 2)
      + little(directory.count, 4) + little(local.count, 4) + little(0, 2)
    return local + directory + end
  }

  private static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  private static func deflate(_ bytes: [UInt8], windowBits: Int32) -> [UInt8] {
    var stream = z_stream()
    let code = deflateInit2_(
      &stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib refused to start: \(code)")
    defer { deflateEnd(&stream) }
    let bound = Int(deflateBound(&stream, UInt(bytes.count)))
    return bytes.withUnsafeBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: bound) { output, count in
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(bound)
        let code = CZlib.deflate(&stream, Z_FINISH)
        precondition(code == Z_STREAM_END, "zlib stopped with \(code) in a buffer of the size it asked for")
        count = bound - Int(stream.avail_out)
      }
    }
  }
}
