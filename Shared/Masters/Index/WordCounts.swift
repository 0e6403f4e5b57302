/// In how many masters a word occurs: a count-min sketch of two rows (Cormode and Muthukrishnan, "An improved data
/// stream summary", 2005), 8 MiB whatever the vocabulary. It never counts too few.
struct WordCounts: ~Copyable {
  private let mask: Int
  private let counts: UnsafeMutablePointer<UInt32>

  /// - Parameter bits: logarithm of the counters in a row: 20 for vocabularies of some 100,000 words.
  init(bits: Int = 20) {
    mask = (1 << bits) - 1
    counts = .allocate(capacity: 2 << bits)
    counts.initialize(repeating: 0, count: 2 << bits)
  }

  deinit { counts.deallocate() }

  var byteCount: Int { (mask + 1) * 8 }

  @inline(__always)
  private func first(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & mask }
  @inline(__always)
  private func second(_ hash: UInt64) -> Int { mask + 1 + (Int(truncatingIfNeeded: hash >> 40) & mask) }

  @inline(__always)
  subscript(_ hash: UInt64) -> UInt32 { min(counts[first(hash)], counts[second(hash)]) }

  func add(_ hash: UInt64, _ amount: Int32) {
    counts[first(hash)] &+= UInt32(bitPattern: amount)
    counts[second(hash)] &+= UInt32(bitPattern: amount)
  }
}
