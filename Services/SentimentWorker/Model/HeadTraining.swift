import CSV
import Core
import Embedding

/// Texts with what a person says that they say.
package struct LabelledTexts: Sendable {
  package private(set) var texts: [String] = []
  /// Indexes of ``SentimentHead/classes``.
  package private(set) var labels: [Int] = []

  private static let names = ["negative": 0, "neutral": 1, "positive": 2, "-1": 0, "0": 1, "1": 2]

  /// CSV with the columns `text` and `label`: negative, neutral, positive, or -1, 0, 1.
  /// - Throws: a configuration `Failure` that names the line.
  package init(csv bytes: [UInt8], origin: String) throws(Failure) {
    func wrong(_ line: Int, _ text: String) -> Failure {
      Failure(.configuration, code: "bad_labels", "\(origin), line \(line): \(text)")
    }
    var reader = CSVReader(bytes)
    guard let header = reader.next() else { throw wrong(1, "a line with 'text' and 'label' is expected") }
    let names = header.cells.indices.map { header.text($0)?.lowercased() ?? "" }
    guard let text = names.firstIndex(of: "text"), let label = names.firstIndex(of: "label") else {
      throw wrong(header.number, "there are no columns 'text' and 'label'")
    }
    while let line = reader.next(columns: names.count) {
      if let defect = line.defect { throw wrong(line.number, defect) }
      guard let words = line.text(text) else { throw wrong(line.number, "the text is missing") }
      guard let value = line.text(label), let place = Self.names[value.lowercased()] else {
        throw wrong(line.number, "the label is none of \(SentimentHead.classes.joined(separator: ", ")), -1, 0, 1")
      }
      texts.append(words)
      labels.append(place)
    }
  }
}

/// Trains a head on four fifths of the texts and tries it on the rest; which texts those are depends on the texts
/// alone, so that two heads are compared on the same ones.
package struct HeadTraining: Sendable {
  package let head: SentimentHead
  private let heldOut: (vectors: [[Float]], labels: [Int])

  /// - Parameter penalty: of the squares of the weights.
  /// - Throws: a configuration `Failure`: too few texts.
  package init(_ data: LabelledTexts, _ embedder: any Embedder, penalty: Float = 1e-3) throws(Failure) {
    var (train, held): ([Int], [Int]) = ([], [])
    var seen: Set<String> = []
    for (place, text) in data.texts.enumerated() where seen.insert(text).inserted {
      if SHA256.hash(text).bytes[0] % 5 == 0 { held.append(place) } else { train.append(place) }
    }
    let kinds = Set(train.map { data.labels[$0] })
    guard train.count >= 20, held.count >= 5, kinds.count >= 2 else {
      throw Failure(
        .configuration, code: "bad_labels",
        "\(train.count) different texts to train on, \(held.count) to try it on, of \(kinds.count) classes: at least "
          + "20, 5 and 2 are needed")
    }
    let vectors = embedder.embed(train.map { data.texts[$0] })
    let weights = HeadFit.fit(
      vectors, train.map { data.labels[$0] }, classes: SentimentHead.classes.count, penalty: penalty)
    heldOut = (embedder.embed(held.map { data.texts[$0] }), held.map { data.labels[$0] })
    var file = SentimentHead.File(
      version: "", embedder: embedder.name, weights: weights, trained: train.count,
      heldOut: .init(texts: 0, accuracy: 0, loss: 0))
    file.heldOut = try SentimentHead(file).evaluation(heldOut.vectors, heldOut.labels)
    let digits = weights.flatMap { row in row.flatMap { VectorBytes.encode([$0]) } }
    file.version = "\(embedder.name)-\(SHA256.hash(digits).hex.prefix(12))"
    head = try SentimentHead(file)
  }

  /// What another head says of the same held-out texts.
  package func evaluation(of other: SentimentHead) -> SentimentHead.Evaluation {
    other.evaluation(heldOut.vectors, heldOut.labels)
  }
}
