import Core
import Embedding
import Foundation
import LocalServers
import Logging
import Messages
import ModelRegistry
import NewsSimulator
import ObjectStore
import Pipeline
import Redis
import Sentiment
@testable import SentimentWorkerService
import Testing
import TestSupport
import Values

/// The model head: fitted, tried, published, taken up.
@Suite(.timeLimit(.minutes(15))) struct HeadTests {
  private let embedder = HashingEmbedder()

  /// Headlines of an invented corpus with what they say.
  private func labelled(_ seed: UInt64, flipped: Bool = false) -> String {
    let corpus = NewsCorpus(seed: seed, stories: 150, copies: 1, late: 0, withdrawn: 0)
    let rows = corpus.articles.compactMap { article -> String? in
      guard let story = article.story else { return "\"\(article.title) \(article.number)\",neutral" }
      let sign = corpus.stories[story].sign * (flipped ? -1 : 1)
      return "\"\(article.title)\",\(sign > 0 ? "positive" : "-1")"
    }
    return "text,label\n" + rows.joined(separator: "\n") + "\n"
  }

  private func training(_ seed: UInt64, flipped: Bool = false) throws -> HeadTraining {
    let csv = Array(labelled(seed, flipped: flipped).utf8)
    return try HeadTraining(LabelledTexts(csv: csv, origin: "labels.csv"), embedder, penalty: 0.01)
  }

  /// Against Newton's method in numpy.
  @Test func theWeightsAreTheSolution() async throws {
    var random = TestRandom("head")
    let vectors = (0..<120).map { _ -> [Float] in
      let numbers = (0..<12).map { _ in Float.random(in: -1...1, using: &random) }
      let length = numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return numbers.map { $0 / length }
    }
    let labels = vectors.map { $0[0] + $0[1] * 0.5 > 0.2 ? 2 : $0[2] > 0 ? 1 : 0 }
    for penalty in [Float(0.001), 0.1] {
      let found = HeadFit.fit(vectors, labels, classes: 3, penalty: penalty)
      let expected = try await withTemporaryDirectory { folder in
        struct Given: Codable {
          var vectors: [[Float]]
          var labels: [Int]
          var classes = 3
          var penalty: Float
        }
        let file = URL(filePath: folder + "/given.json")
        try JSONEncoder().encode(Given(vectors: vectors, labels: labels, penalty: penalty)).write(to: file)
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "fit_head.py").path
        let outcome = try await ChildProcess.run(Launch(".souk/venv/bin/python", [script, file.path]))
        #expect(outcome.status.isSuccess, "\(outcome.errorOutput)")
        return try JSONDecoder().decode([[Double]].self, from: Data(outcome.output.utf8))
      }
      #expect(expected.count == 3 && expected.allSatisfy { $0.count == 13 })
      for (ours, theirs) in zip(found.joined(), expected.joined()) {
        #expect(abs(Double(ours) - theirs) < 2e-3 * max(1, abs(theirs)), "penalty \(penalty): \(ours), \(theirs)")
      }
    }
  }

  @Test func aHeadSaysWhatItWasTaught() throws {
    let training = try training(1)
    let head = training.head
    #expect(head.file.heldOut.texts > 10 && head.file.heldOut.accuracy > 0.85, "\(head.file.heldOut)")
    #expect(head.file.embedder == "hashing-384" && head.version.hasPrefix("hashing-384-"))
    let vectors = embedder.embed(
      ["Tesla shares surge after record quarter", "Tesla shares plunge as a fraud probe widens"])
    #expect(head.score(vectors[0]) > 0 && head.score(vectors[1]) < 0)
    #expect(abs(head.probabilities(vectors[0]).reduce(0, +) - 1) < 1e-9)
    // The same texts give the same head; a file read back is the same.
    #expect(try self.training(1).head.file == head.file)
    #expect(try SentimentHead(json: try head.json()).file == head.file)
  }

  @Test(arguments: [
    ("text\nx\n", "no columns"), ("text,label\nx,good\n", "line 2: the label is none of"),
    ("text,label\n,positive\n", "line 2: the text is missing"), ("text,label\na,1\nb,-1\n", "at least 20"),
  ])
  func wrongLabelsAreNamed(_ csv: String, _ said: String) throws {
    #expect {
      _ = try HeadTraining(LabelledTexts(csv: Array(csv.utf8), origin: "labels.csv"), embedder)
    } throws: { "\($0)".contains(said) && ($0 as? Failure)?.errorClass == .configuration }
  }

  @Test func aWrongFileIsRefused() throws {
    var file = try training(1).head.file
    #expect {
      _ = try HeadScorer.read(Array("{}".utf8), embedder)
    } throws: { ($0 as? Failure)?.code == "bad_model_head" }
    file.embedder = "minilm-l6-v2"
    let other = try SentimentHead(file).json()
    #expect { _ = try HeadScorer.read(other, embedder) } throws: { ($0 as? Failure)?.code == "head_differs" }
    file.weights[1].removeLast()
    #expect { _ = try SentimentHead(file) } throws: { "\($0)".contains("a row of finite numbers") }
  }

  /// Published if it is not worse; taken up between two flushes; the version is in the events.
  @Test func aBetterHeadIsTakenUpAndAWorseOneIsNotPublished() async throws {
    let fixture = try await SentimentFixture()
    try await withTemporaryDirectory { folder in
      let registry = ModelRegistry(try FileStore(path: folder))
      // A head of texts whose labels are the wrong way round, published without any to compare it with.
      let wrong = try training(1, flipped: true)
      #expect(try await wrong.publish(to: registry, name: "s", replacing: false).hasPrefix("published s hashing-384-"))
      let models = WatchedModel<SentimentHead>(
        registry, name: "s", logger: Logger(label: "test"), version: { $0.version }
      ) { [embedder] in try HeadScorer.read($0, embedder) }
      #expect(try await models.load() == wrong.head.version)
      let sink = fixture.sink(head: HeadScorer("s", models, embedder))
      try await sink.write([News.article("a", "Tesla shares surge after record quarter beats estimates")])
      var event = try #require(fixture.holding.first)
      #expect(event.scorer == "s/\(wrong.head.version)" && event.score < .zero)
      // The right one is better on the held-out texts.
      let right = try training(1)
      #expect(try await right.publish(to: registry, name: "s", replacing: false).contains("; before, "))
      await models.look()
      try await sink.write([News.article("b", "Boeing shares plunge as a fraud probe widens")])
      event = try #require(fixture.holding.first { $0.symbol == "BA" })
      #expect(event.scorer == "s/\(right.head.version)" && event.score < .zero)
      try await sink.write([News.article("c", "Netflix shares surge after record quarter beats estimates")])
      event = try #require(fixture.holding.first { $0.symbol == "NFLX" })
      #expect(event.scorer == "s/\(right.head.version)" && event.score > .zero)
      // A penalty that lets nothing be learned makes a worse one.
      let dull = try HeadTraining(
        LabelledTexts(csv: Array(labelled(1).utf8), origin: "labels.csv"), embedder, penalty: 1)
      await #expect {
        _ = try await dull.publish(to: registry, name: "s", replacing: false)
      } throws: { ($0 as? Failure)?.code == "head_worse" }
      #expect(try await registry.currentVersion(of: "s") == right.head.version)
      #expect(try await dull.publish(to: registry, name: "s", replacing: true).hasPrefix("published"))
    }
  }
}
