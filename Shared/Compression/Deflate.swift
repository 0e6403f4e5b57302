import CZlib

/// Compresses and unpacks bytes that are in memory as a whole. Equal bytes and levels give equal packed bytes: nothing
/// of the time or of a name goes in.
package enum Deflate {
  /// The bytes as one gzip member (RFC 1952).
  /// - Parameter level: 1...9.
  /// - Returns: nil when zlib cannot get its memory.
  package static func gzip(_ bytes: [UInt8], level: Int = 6) -> [UInt8]? {
    // 15 is the largest window, and 16 writes the gzip wrapper, whose time is 0.
    pack(bytes, level: level, windowBits: 15 + 16)
  }

  /// The bytes as deflate data (RFC 1951) without a wrapper, as inside a ZIP file.
  /// - Returns: nil when zlib cannot get its memory.
  package static func raw(_ bytes: [UInt8], level: Int = 6) -> [UInt8]? {
    pack(bytes, level: level, windowBits: -15)
  }

  /// The bytes of a gzip file, all its members.
  /// - Returns: nil when it is not whole, or a checksum does not match.
  package static func unpackGzip(_ packed: [UInt8]) -> [UInt8]? {
    let stream = GzipStream()
    var plain: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var position = 0
    while true {
      let (step, consumed, produced) = packed.withUnsafeBytes { input in
        chunk.withUnsafeMutableBytes { stream.step(UnsafeRawBufferPointer(rebasing: input[position...]), into: $0) }
      }
      position += consumed
      plain += chunk[..<produced]
      switch step {
      case .ended:
        if position == packed.count { return plain }
        stream.reset()
      case .progress: if consumed == 0, produced == 0 { return nil }
      case .invalid: return nil
      }
    }
  }

  private static func pack(_ bytes: [UInt8], level: Int, windowBits: Int32) -> [UInt8]? {
    var stream = z_stream()
    let begun = deflateInit2_(
      &stream, Int32(level), Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard begun == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    let bound = Int(deflateBound(&stream, UInt(bytes.count)))
    var code = Z_STREAM_ERROR
    let packed = [UInt8](unsafeUninitializedCapacity: bound) { target, count in
      bytes.withUnsafeBufferPointer { source in
        // zlib does not write through next_in; its C declaration predates const.
        stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        code = deflate(&stream, Z_FINISH)
        count = target.count - Int(stream.avail_out)
      }
    }
    return code == Z_STREAM_END ? packed : nil
  }
}
