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

  /// Valid while the counts live and do not change.
  struct View: BitwiseCopyable {
    fileprivate let mask: Int
    fileprivate let counts: UnsafeMutablePointer<UInt32>

    @inline(__always)
    fileprivate func first(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & mask }
    @inline(__always)
    fileprivate func second(_ hash: UInt64) -> Int { mask + 1 + (Int(truncatingIfNeeded: hash >> 40) & mask) }

    @inline(__always)
    subscript(_ hash: UInt64) -> UInt32 { min(counts[first(hash)], counts[second(hash)]) }
  }

  var view: View { View(mask: mask, counts: counts) }

  func add(_ hash: UInt64, _ amount: Int32) {
    counts[view.first(hash)] &+= UInt32(bitPattern: amount)
    counts[view.second(hash)] &+= UInt32(bitPattern: amount)
  }
}
