/// The hash that Kafka's Java clients place keys with: 32-bit MurmurHash2, seed 0x9747b28c.
///
/// Source: A. Appleby's MurmurHash2 and Kafka's `DefaultPartitioner`: partition = (hash & 0x7fffffff) mod count.
package enum Murmur2 {
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let mix: UInt32 = 0x5bd1_e995
    var hash = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
    let words = bytes.count / 4
    for index in 0..<words {
      var word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
      word = word &* mix
      word ^= word >> 24
      hash = (hash &* mix) ^ (word &* mix)
    }
    let tail = bytes[(words * 4)...]
    for (index, byte) in tail.enumerated() { hash ^= UInt32(byte) << (UInt32(index) * 8) }
    if !tail.isEmpty { hash = hash &* mix }
    hash ^= hash >> 13
    hash = hash &* mix
    return hash ^ (hash >> 15)
  }

  package static func hash(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { hash($0) } }

  /// - Parameter count: the topic's partitions, at least 1.
  package static func partition(of bytes: UnsafeRawBufferPointer, count: Int32) -> Int32 {
    Int32(hash(bytes) & 0x7fff_ffff) % count
  }

  package static func partition(of bytes: [UInt8], count: Int32) -> Int32 {
    bytes.withUnsafeBytes { partition(of: $0, count: count) }
  }
}
