import ArgumentParser
import Core
import EmbeddingFlags
import ModelRegistry
import ObjectStore
import ObjectStoreFlags

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
