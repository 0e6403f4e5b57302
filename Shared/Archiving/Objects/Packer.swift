import Compression
import Core
import CZstd

/// Compresses an object's lines. The same bytes and level give the same result: no time, no name, one thread.
package enum Packer {
  package static func pack(_ bytes: [UInt8], as format: ObjectFormat) throws(Failure) -> [UInt8] {
    guard format.layout == .batch else { return bytes }
    switch format.codec {
    case .none: return bytes
    case .gzip:
      guard let packed = Deflate.gzip(bytes, level: format.level == 0 ? 1 : format.level) else { throw failure("gzip") }
      return packed
    case .zstd: return try zstd(bytes, level: format.level == 0 ? 3 : format.level)
    }
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

  /// The lines of a stored object, by its name.
  /// - Returns: nil when it is damaged.
  package static func unpacked(_ stored: [UInt8], named key: String) -> [UInt8]? {
    if key.hasSuffix(ObjectCodec.gzip.suffix) { return Deflate.unpackGzip(stored) }
    guard key.hasSuffix(ObjectCodec.zstd.suffix) else { return stored }
    let size = ZSTD_getFrameContentSize(stored, stored.count)
    guard size < 4 << 30 else { return nil }
    var isWhole = false
    let plain = [UInt8](unsafeUninitializedCapacity: Int(size)) { target, count in
      let code = ZSTD_decompress(target.baseAddress, target.count, stored, stored.count)
      isWhole = ZSTD_isError(code) == 0 && code == target.count
      count = isWhole ? code : 0
    }
    return isWhole ? plain : nil
  }
}
