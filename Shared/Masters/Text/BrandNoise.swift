/// What manufacturer columns say without naming one.
struct BrandNoise: Sendable {
  static let shared = BrandNoise()

  /// Legal forms and filler, folded; they tell no two makers apart.
  let words: Set<UInt64>
  private let unknown: Set<UInt64>

  private init() {
    func hashes(_ text: String) -> Set<UInt64> {
      Set(text.split(separator: " ").map { word in
        word.unicodeScalars.map { Folding.fold($0.value) }.filter { Folding.isLetter($0) }
          .withUnsafeBufferPointer(Token.hash)
      })
    }
    words = hashes("בעמ בע\"מ ltd inc llc gmbh co corp company חברה חברת תעשיות שיווק קבוצת גרופ group")
    unknown = hashes("ידוע unknown כללי שונות general none null")
  }

  /// `לא ידוע` and its like.
  static func saysNothing(_ tokens: UnsafeMutablePointer<Token>, _ count: Int) -> Bool {
    (0..<count).contains { shared.unknown.contains(tokens[$0].hash) }
  }
}
