/// Turns texts into vectors of length 1: the larger the inner product of two, the nearer are the texts.
///
/// Calls compute on the caller's thread, and may come from several threads at once.
package protocol Embedder: Sendable {
  /// The model, in names of indexes, so that vectors of two models never meet: `minilm-l6-v2`. Lower-case letters,
  /// digits and hyphens.
  var name: String { get }
  /// Components of a vector.
  var dimensions: Int { get }
  /// Tokens of a text that count, besides those that the model adds. What is behind them has no effect on the vector.
  var mostTokens: Int { get }

  /// How many tokens a text in UTF-8 has. Texts that are joined by a space have as many as the parts together.
  func tokenCount(_ text: RawSpan) -> Int
  /// - Returns: the vectors, in the texts' order.
  func embed(_ texts: [String]) -> [[Float]]
}

extension Embedder {
  package func tokenCount(_ text: String) -> Int { tokenCount(text.utf8Span.span.bytes) }
}

/// Vectors as stores keep them: 32-bit floating-point numbers, little-endian, one behind the other.
package enum VectorBytes {
  package static func encode(_ vector: [Float]) -> [UInt8] {
    vector.withUnsafeBytes { Array($0) }
  }

  /// - Returns: nil when the bytes are no such vector, or one with a number that is not finite.
  package static func decode(_ bytes: [UInt8], dimensions: Int) -> [Float]? {
    guard bytes.count == 4 * dimensions else { return nil }
    let vector = (0..<dimensions).map { index in
      bytes.withUnsafeBytes { Float(bitPattern: UInt32(littleEndian: $0.loadUnaligned(
        fromByteOffset: 4 * index, as: UInt32.self))) }
    }
    return vector.allSatisfy(\.isFinite) ? vector : nil
  }
}
