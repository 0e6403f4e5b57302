import Core
import Embedding
import ModelRegistry
import Sentiment

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
