import Core
import Embedding
import Foundation
import ModelRegistry
import Sentiment

/// What a text says of a company, by the vector of its sentence: logistic regression over three classes. A file of the
/// registry: `models/<name>/<version>/model.json`.
package struct SentimentHead: Sendable {
  package static let classes = ["negative", "neutral", "positive"]

  /// On texts that were not trained on.
  package struct Evaluation: Codable, Hashable, Sendable {
    package var texts: Int
    /// Share of the texts whose likeliest class is the labelled one.
    package var accuracy: Double
    /// Mean of minus the logarithm of the labelled class' probability.
    package var loss: Double
  }

  package struct File: Codable, Hashable, Sendable {
    package var format = 1
    package var version: String
    /// The name of the model that makes the vectors.
    package var embedder: String
    /// A row for each class, with the bias behind the weights.
    package var weights: [[Float]]
    package var trained: Int
    package var heldOut: Evaluation
  }

  package let file: File

  package var version: String { file.version }

  /// - Throws: a configuration `Failure` that says what is wrong.
  package init(_ file: File) throws(Failure) {
    guard file.format == 1 else { throw Self.bad("its format is \(file.format), this release reads 1") }
    guard file.weights.count == Self.classes.count, let count = file.weights.first?.count, count > 1,
      file.weights.allSatisfy({ $0.count == count && $0.allSatisfy(\.isFinite) })
    else { throw Self.bad("weights: a row of finite numbers for each of \(Self.classes.joined(separator: ", "))") }
    self.file = file
  }

  package init(json: [UInt8]) throws(Failure) {
    let file: File
    do { file = try JSONDecoder().decode(File.self, from: Data(json)) } catch {
      throw Self.bad("it is no model head: \(error)")
    }
    try self.init(file)
  }

  package func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return Array(try encoder.encode(file))
  }

  package var dimensions: Int { file.weights[0].count - 1 }

  /// Of the classes, which add up to 1.
  package func probabilities(_ vector: [Float]) -> [Double] {
    let scores = file.weights.map { row in
      zip(row, vector).reduce(Double(row[row.count - 1])) { $0 + Double($1.0) * Double($1.1) }
    }
    let highest = scores.max() ?? 0
    let powers = scores.map { exp($0 - highest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// The probability of the positive class less that of the negative one, in ten-thousandths.
  package func score(_ vector: [Float]) -> Int {
    let probabilities = probabilities(vector)
    return Int(((probabilities[2] - probabilities[0]) * 10_000).rounded())
  }

  package func evaluation(_ vectors: [[Float]], _ labels: [Int]) -> Evaluation {
    var (right, loss) = (0, 0.0)
    for (vector, label) in zip(vectors, labels) {
      let probabilities = probabilities(vector)
      if probabilities[label] == probabilities.max() { right += 1 }
      loss -= log(max(probabilities[label], 1e-12))
    }
    let count = Double(max(1, labels.count))
    return Evaluation(texts: labels.count, accuracy: Double(right) / count, loss: loss / count)
  }

  private static func bad(_ text: String) -> Failure {
    Failure(.configuration, code: "bad_model_head", "the model head: \(text)")
  }
}

/// Scores texts by the head that the registry has now.
package struct HeadScorer: Sendable {
  let name: String
  let models: WatchedModel<SentimentHead>
  private let embedding: EmbeddingThread

  package init(_ name: String, _ models: WatchedModel<SentimentHead>, _ embedder: any Embedder) {
    (self.name, self.models) = (name, models)
    embedding = EmbeddingThread(embedder)
  }

  /// Reads a head, and refuses one of other vectors.
  static func read(_ json: [UInt8], _ embedder: any Embedder) throws(Failure) -> SentimentHead {
    let head = try SentimentHead(json: json)
    guard head.file.embedder == embedder.name, head.dimensions == embedder.dimensions else {
      throw Failure(
        .configuration, code: "head_differs",
        "the model head \(head.version) is of vectors by \(head.file.embedder), and --embedding-model makes those of "
          + "\(embedder.name)")
    }
    return head
  }

  /// Gives articles that have a text the score of the head.
  /// - Returns: what events name as their scorer: `sentiment/hashing-384-0123456789ab`; nil without a head.
  func score(_ articles: inout [ReadArticle]) async -> String? {
    guard let head = models.current else { return nil }
    let places = articles.indices.filter { !articles[$0].text.isEmpty }
    let vectors = places.isEmpty ? [] : await embedding.embed(places.map { articles[$0].text })
    for (place, vector) in zip(places, vectors) {
      articles[place].polarity = Polarity(compound: head.score(vector))
    }
    return "\(name)/\(head.version)"
  }
}
