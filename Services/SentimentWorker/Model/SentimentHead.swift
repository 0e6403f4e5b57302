import Core
import Foundation

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
