import CZlib
import CZstd
import Runtime

/// Compresses an object's lines. The same bytes and level give the same result: no time, no name, one thread.
enum Packer {
  static func pack(_ bytes: [UInt8], as format: ObjectFormat) throws(Failure) -> [UInt8] {
    guard format.layout == .batch else { return bytes }
    switch format.codec {
    case .none: return bytes
    case .gzip: return try gzip(bytes, level: format.level == 0 ? 1 : format.level)
    case .zstd: return try zstd(bytes, level: format.level == 0 ? 3 : format.level)
    }
  }

  private static func gzip(_ bytes: [UInt8], level: Int) throws(Failure) -> [UInt8] {
    var stream = z_stream()
    // 15 is the largest window, + 16 writes the gzip wrapper, whose time is 0; 8 is zlib's own memory level.
    let begun = deflateInit2_(
      &stream, Int32(level), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard begun == Z_OK else { throw failure("gzip") }
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
    guard code == Z_STREAM_END else { throw failure("gzip") }
    return packed
  }

  private static func zstd(_ bytes: [UInt8], level: Int) throws(Failure) -> [UInt8] {
    var code = 0
    let packed = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { target, count in
      code = ZSTD_compress(target.baseAddress, target.count, bytes, bytes.count, Int32(level))
      count = ZSTD_isError(code) == 0 ? code : 0
    }
    guard ZSTD_isError(code) == 0 else { throw failure("zstd") }
    return packed
  }

  private static func failure(_ name: String) -> Failure {
    Failure(.fatal, code: "packing_failed", "\(name) cannot pack an object: out of memory?")
  }
}
