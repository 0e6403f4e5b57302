import Core
import Tensors

/// The sentence encoder all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019): a BERT of six layers, the mean
/// over its tokens, scaled to length 1. Weights are the tensors that the transformers library writes for `BertModel`.
///
/// The matrix products are OpenBLAS'. Tokens of several texts stand one behind the other without padding, and only
/// attention looks at each text alone. The last digits of a vector may depend on the texts beside it (1e-7).
package final class SentenceEncoder: Embedder {
  /// The size of a network.
  struct Shape: Sendable {
    var width = 384
    var inner = 1_536
    var heads = 12
    var layers = 6
    var positions = 512

    static let miniLM = Shape()
  }

  package let name: String
  /// Of `model.safetensors`.
  package let hash: SHA256Digest
  package var dimensions: Int { shape.width }
  package let mostTokens: Int

  let pieces: WordPieces
  let shape: Shape
  let words, positions, embeddingScale, embeddingShift: FloatBuffer
  let layers: [EncoderLayer]

  /// SHA-256 of `model.safetensors` and `vocab.txt` as their authors publish them.
  package static let miniLM = (
    weights: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    vocabulary: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3")

  /// Reads `model.safetensors` and `vocab.txt` of a folder.
  ///
  /// - Parameter expected: SHA-256 of `model.safetensors`; nil accepts any file, whose digest is then a part of the
  ///   name unless it is the published one.
  /// - Throws: `Failure` of class configuration that names the file and what is wrong.
  package static func load(folder: String, expected: SHA256Digest? = nil) throws(Failure) -> SentenceEncoder {
    let weights = try readFile("\(folder)/model.safetensors", limit: 1 << 30)
    let vocabulary = try readFile("\(folder)/vocab.txt")
    let hash = SHA256.hash(weights)
    if let expected, expected != hash {
      throw Failure(
        .configuration, code: "embedding_weights",
        "\(folder)/model.safetensors has SHA-256 \(hash), and \(expected) is expected: --embedding-sha256")
    }
    let isPublished = hash.hex == miniLM.weights && SHA256.hash(vocabulary).hex == miniLM.vocabulary
    let name = isPublished ? "minilm-l6-v2" : "minilm-l6-\(hash.hex.prefix(8))"
    do {
      return try SentenceEncoder(name: name, weights: weights, hash: hash, vocabulary: vocabulary)
    } catch {
      throw Failure(.configuration, code: "embedding_weights", "\(folder): \(error.message)")
    }
  }

  /// - Parameter mostTokens: with the two marks around a text.
  init(
    name: String, weights: [UInt8], hash: SHA256Digest, vocabulary: [UInt8], shape: Shape = .miniLM,
    mostTokens: Int = 256
  ) throws(Failure) {
    self.name = name
    self.hash = hash
    self.shape = shape
    self.mostTokens = min(mostTokens, shape.positions) - 2
    pieces = try WordPieces(vocabulary)
    do {
      let file = try SafeTensors(weights)
      let width = shape.width
      words = try Self.buffer(file, "embeddings.word_embeddings.weight", [pieces.count, width])
      positions = try Self.buffer(file, "embeddings.position_embeddings.weight", [shape.positions, width])
      // A text is one segment: its vector is the same at every position.
      let types = try file.tensor("embeddings.token_type_embeddings.weight", [2, width])
      for position in 0..<shape.positions {
        for index in 0..<width { positions.start[position * width + index] += types[index] }
      }
      embeddingScale = try Self.buffer(file, "embeddings.LayerNorm.weight", [width])
      embeddingShift = try Self.buffer(file, "embeddings.LayerNorm.bias", [width])
      layers = try (0..<shape.layers).map { number throws(TensorError) in try EncoderLayer(file, number, shape) }
    } catch {
      throw Failure(.configuration, code: error.code, error.message)
    }
  }

  static func buffer(_ file: SafeTensors, _ name: String, _ shape: [Int]) throws(TensorError) -> FloatBuffer {
    let tensor = try file.tensor(name, shape)
    let buffer = FloatBuffer(tensor.count)
    tensor.copy(to: buffer.start)
    return buffer
  }

  package func tokenCount(_ text: RawSpan) -> Int {
    var count = 0
    pieces.forEach(of: text) { _ in count += 1 }
    return count
  }

  /// The tokens of a text between the two marks.
  func tokens(_ text: String) -> [Int32] {
    var tokens = [pieces.begin]
    pieces.forEach(of: text.utf8Span.span.bytes) { if tokens.count <= mostTokens { tokens.append($0) } }
    tokens.append(pieces.end)
    return tokens
  }

  /// Tokens that are computed at once: enough for the products, and few enough for the caches.
  private static let tokensAtOnce = 512

  package func embed(_ texts: [String]) -> [[Float]] {
    let all = texts.map(tokens)
    var vectors: [[Float]] = []
    vectors.reserveCapacity(texts.count)
    var start = 0
    var work: EncoderWork?
    while start < all.count {
      var (end, count) = (start, 0)
      while end < all.count, end == start || count + all[end].count <= Self.tokensAtOnce {
        count += all[end].count
        end += 1
      }
      if work.map({ $0.rows < count }) ?? true { work = EncoderWork(shape, rows: count) }
      if let work { vectors += encode(all[start..<end], work) }
      start = end
    }
    return vectors
  }

  private func encode(_ texts: ArraySlice<[Int32]>, _ work: EncoderWork) -> [[Float]] {
    let width = shape.width
    var row = 0
    var ranges: [Range<Int>] = []
    for tokens in texts {
      for (position, token) in tokens.enumerated() {
        let (place, word) = (work.state.start + row * width, words.start + Int(token) * width)
        let own = positions.start + position * width
        for index in 0..<width { place[index] = word[index] + own[index] }
        row += 1
      }
      ranges.append(row - tokens.count..<row)
    }
    Elementwise.normalize(
      work.rows(of: work.state), count: row, width: width, epsilon: EncoderLayer.epsilon, scale: embeddingScale.start,
      shift: embeddingShift.start)
    for layer in layers { layer.run(work, ranges, count: row) }
    return ranges.map { mean(work.state.start, $0) }
  }

  private func mean(_ state: UnsafePointer<Float>, _ range: Range<Int>) -> [Float] {
    let width = shape.width
    var vector = [Float](repeating: 0, count: width)
    for row in range {
      for index in 0..<width { vector[index] += state[row * width + index] }
    }
    let length = MatrixProduct.dot(vector, vector, width).squareRoot()
    for index in vector.indices { vector[index] /= max(length, 1e-12) }
    return vector
  }
}
