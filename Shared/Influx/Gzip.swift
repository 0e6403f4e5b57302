import CZlib
import Runtime

/// Whole bodies into gzip members (RFC 1952).
enum Gzip {
  /// - Parameter level: 1...9.
  static func compress(_ bytes: [UInt8], level: Int32) throws(Failure) -> [UInt8] {
    var stream = z_stream()
    // 15 bits of window, and 16 for a gzip header instead of zlib's.
    let status = deflateInit2_(
      &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { throw failure(status) }
    defer { deflateEnd(&stream) }
    let bound = Int(deflateBound(&stream, UInt(bytes.count)))
    var end = Z_OK
    let result = [UInt8](unsafeUninitializedCapacity: bound) { target, count in
      bytes.withUnsafeBufferPointer { source in
        stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(bound)
        end = deflate(&stream, Z_FINISH)
        count = bound - Int(stream.avail_out)
      }
    }
    guard end == Z_STREAM_END else { throw failure(end) }
    return result
  }

  private static func failure(_ status: Int32) -> Failure {
    Failure(.fatal, code: "zlib_failed", "zlib could not compress a body (\(status))")
  }
}
