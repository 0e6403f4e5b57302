import ArgumentParser
import Core
import CSV
import Embedding
import EmbeddingFlags
import ModelRegistry
import ObjectStore
import ObjectStoreFlags
import Tensors

/// `sentiment-worker train`: a head of labelled texts, published if it is not worse than the one in use.
struct TrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model head on labelled texts, and publish it if it is not worse.",
    discussion: """
      The CSV has the columns text and label (negative, neutral, positive, or -1, 0, 1). A fifth of the texts is held \
      out. A head whose loss on them is above that of the registry's current one is not published, and the exit code \
      is 78. Workers with --head take a published one up by themselves.
      """)

  @Option(help: ArgumentHelp("CSV of texts and labels.", valueName: "path"))
  var labels: String

  @Option(help: ArgumentHelp("Name of the head in the registry.", valueName: "name"))
  var head = "sentiment"

  @Option(help: ArgumentHelp("Penalty of the squares of the weights.", valueName: "number"))
  var penalty: Float = 0.001

  @Flag(help: "Publish it though it is worse, or its vectors are of another model than those of the current head.")
  var replace = false

  @Flag(help: "Only print how good it is.")
  var dryRun = false

  @OptionGroup(title: "Vectors") var embedding: EmbeddingOptions
  @OptionGroup(title: "Object store") var objectStore: ObjectStoreOptions

  func validate() throws {
    guard penalty > 0, penalty <= 1 else { throw ValidationError("--penalty must be above 0 and at most 1") }
  }

  func run() async throws {
    let data = try LabelledTexts(csv: try readFile(labels, limit: 256 << 20), origin: labels)
    let training = try HeadTraining(data, try embedding.embedder(), penalty: penalty)
    let file = training.head.file
    print("\(file.version): \(Self.text(file.heldOut)), trained on \(file.trained)")
    if dryRun { return }
    let registry = ModelRegistry(try objectStore.makeStore())
    defer { registry.store.close() }
    print(try await training.publish(to: registry, name: head, replacing: replace))
  }

  static func text(_ evaluation: SentimentHead.Evaluation) -> String {
    let percent = (evaluation.accuracy * 1_000).rounded() / 10
    let loss = (evaluation.loss * 10_000).rounded() / 10_000
    return "\(percent) % of \(evaluation.texts) held-out texts right, loss \(loss)"
  }
}

extension HeadTraining {
  /// Publishes the head if it is not worse on the held-out texts than the registry's current one.
  /// - Parameter isForced: publishes it in any case.
  /// - Returns: what was done, for people.
  /// - Throws: a configuration `Failure` when it is worse, or cannot be compared; what the store throws.
  package func publish(to registry: ModelRegistry, name: String, replacing isForced: Bool) async throws -> String {
    var before = ""
    if let version = try await registry.currentVersion(of: name) {
      if version == head.version { return "\(name) \(version) is the current one already" }
      let file = WatchedModel<SentimentHead>.file
      let current = try SentimentHead(json: try await registry.file(file, of: name, version: version))
      guard isForced || current.file.embedder == head.file.embedder else {
        throw Failure(
          .configuration, code: "head_differs",
          "the current head \(version) is of vectors by \(current.file.embedder), this one by \(head.file.embedder): "
            + "they are not compared; --replace publishes it")
      }
      if current.file.embedder == head.file.embedder {
        let known = evaluation(of: current)
        before = "; before, \(version): \(TrainCommand.text(known))"
        guard isForced || head.file.heldOut.loss <= known.loss else {
          throw Failure(
            .configuration, code: "head_worse",
            "not published: \(TrainCommand.text(head.file.heldOut))\(before); --replace publishes it all the same")
        }
      }
    }
    try await registry.publish(
      file: try head.json(), of: name, version: head.version, file: WatchedModel<SentimentHead>.file)
    return "published \(name) \(head.version)\(before)"
  }
}

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

/// Fits a head: the least mean cross entropy plus `penalty / 2` times the squares of all weights, the bias among them.
/// The sum is strictly convex, so that there is one solution, wherever it is begun.
///
/// Nesterov's accelerated gradient with constant steps (Y. Nesterov, "Introductory Lectures on Convex Optimization",
/// 2004, section 2.2): for vectors of length 1 with a bias the gradient's Lipschitz constant is at most 1 plus the
/// penalty.
enum HeadFit {
  /// - Parameters:
  ///   - vectors: of one length, of Euclidean length 1 each.
  ///   - labels: indexes of classes.
  /// - Returns: a row for each class, with the bias behind the weights.
  static func fit(
    _ vectors: [[Float]], _ labels: [Int], classes: Int, penalty: Float, steps: Int = 3_000
  ) -> [[Float]] {
    let (rows, columns) = (vectors.count, vectors[0].count + 1)
    let (inputs, scores) = (FloatBuffer(rows * columns), FloatBuffer(rows * classes))
    let (rest, gradient) = (FloatBuffer(classes * rows), FloatBuffer(classes * columns))
    let (weights, ahead) = (FloatBuffer(classes * columns), FloatBuffer(classes * columns))
    for (row, vector) in vectors.enumerated() {
      for (column, value) in vector.enumerated() { inputs.start[row * columns + column] = value }
      inputs.start[row * columns + columns - 1] = 1
    }
    let (step, root) = (1 / (1 + penalty), (penalty / (1 + penalty)).squareRoot())
    let momentum = (1 - root) / (1 + root)
    for _ in 0..<steps {
      MatrixProduct.multiply(
        .init(inputs.start, stride: columns), .init(ahead.start, stride: columns), transposed: true,
        into: .init(scores.start, stride: classes), adding: false, rows: rows, inner: columns, columns: classes)
      for row in 0..<rows {
        let start = scores.start + row * classes
        Elementwise.softmax(start, classes)
        for place in 0..<classes {
          rest.start[place * rows + row] = (start[place] - (labels[row] == place ? 1 : 0)) / Float(rows)
        }
      }
      MatrixProduct.multiply(
        .init(rest.start, stride: rows), .init(inputs.start, stride: columns), transposed: false,
        into: .init(gradient.start, stride: columns), adding: false, rows: classes, inner: rows, columns: columns)
      var steepest: Float = 0
      for place in 0..<classes * columns {
        let slope = gradient.start[place] + penalty * ahead.start[place]
        steepest = max(steepest, abs(slope))
        let next = ahead.start[place] - step * slope
        ahead.start[place] = next + momentum * (next - weights.start[place])
        weights.start[place] = next
      }
      if steepest < 1e-6 { break }
    }
    return (0..<classes).map { place in (0..<columns).map { weights.start[place * columns + $0] } }
  }
}
