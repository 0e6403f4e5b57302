import CZlib
import Compression

/// gzip (RFC 1952) and ZIP (APPNOTE 6.3, one deflated entry), without time stamps so that equal input gives equal
/// bytes.
package enum Packer {
  package static func gzip(_ bytes: [UInt8]) -> [UInt8] { Deflate.gzip(bytes) ?? [] }

  /// - Parameter name: the entry's name; what portals put there is the file's name with `.xml`.
  package static func zip(_ bytes: [UInt8], name: String) -> [UInt8] {
    let packed = Deflate.raw(bytes) ?? []
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
}
