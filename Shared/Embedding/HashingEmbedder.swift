/// Vectors by feature hashing (Weinberger et al. 2009): every word and every pair of neighbours adds or subtracts 1 at
/// a place that its hash says. It needs no files; it finds the same words, not the same meaning.
package struct HashingEmbedder: Embedder {
  package let dimensions: Int
  package let mostTokens = 256

  package init(dimensions: Int = 384) {
    precondition(dimensions > 0)
    self.dimensions = dimensions
  }

  package var name: String { "hashing-\(dimensions)" }

  /// A punctuation mark is a token; a word is one for each six bytes that it has or begins. Word pieces of English come
  /// to about as many.
  package func tokenCount(_ text: RawSpan) -> Int {
    var count = 0
    BasicWords.forEach(of: text) { word, _ in count += Self.tokens(word) }
    return count
  }

  private static func tokens(_ word: BasicWords.Word) -> Int { (word.count + 5) / 6 }

  package func embed(_ texts: [String]) -> [[Float]] { texts.map(vector) }

  private func vector(_ text: String) -> [Float] {
    var vector = [Float](repeating: 0, count: dimensions)
    var (tokens, before) = (0, UInt64(0))
    BasicWords.forEach(of: text.utf8Span.span.bytes) { word, isMark in
      tokens += Self.tokens(word)
      guard tokens <= mostTokens, !isMark else { return }
      let hash = Self.hash(word)
      add(hash, to: &vector)
      if before != 0 { add(Self.mixed(before &* 31 &+ hash), to: &vector) }
      before = hash
    }
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    // Of a text without words, and of one whose words cancel each other.
    guard length > 0 else {
      vector[0] = 1
      return vector
    }
    for index in vector.indices { vector[index] /= length }
    return vector
  }

  private func add(_ hash: UInt64, to vector: inout [Float]) {
    vector[Int((hash >> 1) % UInt64(dimensions))] += hash & 1 == 0 ? 1 : -1
  }

  /// FNV-1a with 64 bits, mixed: its lowest bits alone follow the last bytes.
  private static func hash(_ word: BasicWords.Word) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in word { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return mixed(hash)
  }

  /// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
  private static func mixed(_ value: UInt64) -> UInt64 {
    var value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }
}
