@testable import Embedding
import Testing

@Suite struct HashingEmbedderTests {
  private let embedder = HashingEmbedder()

  private func nearness(_ left: String, _ right: String) -> Float {
    let vectors = embedder.embed([left, right])
    return zip(vectors[0], vectors[1]).reduce(0) { $0 + $1.0 * $1.1 }
  }

  @Test func vectorsHaveLengthOneAndAreTheSameEachTime() {
    for text in ["", "  \n", "!!", "Apple", "Net sales grew 4 percent, to $94.9 billion.", "苹果 公司"] {
      let vectors = embedder.embed([text, text])
      #expect(vectors[0] == vectors[1] && vectors[0].count == 384)
      #expect(abs(vectors[0].reduce(0) { $0 + $1 * $1 } - 1) < 1e-5, "\(text)")
    }
  }

  @Test func sameWordsAreNearAndOthersAreFar() {
    let question = "How did iPhone sales develop?"
    #expect(nearness(question, "HOW did iPhone sales develop") > 0.99)
    #expect(nearness(question, "iPhone sales grew in all regions") > 0.25)
    #expect(abs(nearness(question, "Legal proceedings are described below")) < 0.2)
    #expect(nearness("not good but bad", "not bad but good") < 0.9)
  }

  @Test func tokensAddUp() {
    for (text, count) in [("", 0), ("word", 1), ("incorporated", 2), ("it's", 3), ("a, b", 3), ("Zürich", 1)] {
      #expect(embedder.tokenCount(text) == count, "\(text)")
    }
    #expect(embedder.tokenCount("one two") == embedder.tokenCount("one") + embedder.tokenCount("two"))
  }

  @Test func vectorsAreKeptAsBytes() {
    let vector = embedder.embed(["Apple"])[0]
    let bytes = VectorBytes.encode(vector)
    #expect(bytes.count == 4 * 384 && VectorBytes.decode(bytes, dimensions: 384) == vector)
    #expect(VectorBytes.decode(bytes, dimensions: 383) == nil)
    #expect(VectorBytes.decode(VectorBytes.encode([.nan]), dimensions: 1) == nil)
    #expect(VectorBytes.decode(VectorBytes.encode([.infinity]), dimensions: 1) == nil)
  }
}
