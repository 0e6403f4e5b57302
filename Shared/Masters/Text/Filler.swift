/// Words of shops' names for products that say nothing of the product: it is new, it is on offer.
struct Filler: Sendable {
  static let shared = Filler()
  private let words: Set<UInt64>
  /// The lowest bits of the hashes, so that most words need no look into the set.
  nonisolated(unsafe) private let filter: UnsafeMutablePointer<Bool>

  private init() {
    let spellings = "חדש חדשה חדשים מבצע במבצע במחיר מיוחד new sale promo offer"
    words = Set(spellings.split(separator: " ").map { word in
      word.unicodeScalars.map { Folding.fold($0.value) }.withUnsafeBufferPointer(Token.hash)
    })
    filter = .allocate(capacity: 1 << 12)
    filter.initialize(repeating: false, count: 1 << 12)
    for word in words { filter[Int(word & 0xFFF)] = true }
  }

  @inline(__always)
  func contains(_ hash: UInt64) -> Bool { filter[Int(hash & 0xFFF)] && words.contains(hash) }
}
