import Core
import Embedding
import Metrics
import Redis
import SearchStore
import ServiceKit

/// The indexes of passages, articles and posts: made before their first vector is written, looked at now and then.
struct HotIndexes {
  private let client: RedisClient
  /// Of articles and posts; nil when they have no vectors.
  private let embedding: EmbeddingThread?
  private var passages = IndexKeeper(.passages), news = IndexKeeper(.news), posts = IndexKeeper(.posts)
  private let metrics = IndexMetrics()
  private var next = ContinuousClock.now

  init(_ client: RedisClient, _ embedder: (any Embedder)?) {
    self.client = client
    embedding = embedder.map { EmbeddingThread($0) }
  }

  /// Adds the vectors that texts of a flush wait for. A flush that is repeated has them.
  func embed(_ buffer: inout PartitionBuffer) async {
    guard let embedding else { return }
    let waiting = buffer.texts.indices.filter { buffer.texts[$0].meaning != nil }
    guard !waiting.isEmpty else { return }
    let vectors = await embedding.embed(waiting.compactMap { buffer.texts[$0].meaning })
    for (place, vector) in zip(waiting, vectors) {
      buffer.texts[place].meaning = nil
      buffer.texts[place].arguments += [
        Array("model".utf8), Array(embedding.embedder.name.utf8), Array("vector".utf8), VectorBytes.encode(vector),
      ]
    }
  }

  /// Makes the indexes that are not there.
  mutating func require(_ buffers: [HotWriter.Waiting]) async throws(RedisError) {
    for (_, buffer) in buffers {
      for (model, dimensions) in buffer.models { try await passages.require(model, dimensions: dimensions, client) }
      guard let embedder = embedding?.embedder else { continue }
      if buffer.texts.contains(where: { $0.keys[0].hasPrefix(VectorIndex.news.prefix) }) {
        try await news.require(embedder.name, dimensions: embedder.dimensions, client)
      }
      if buffer.texts.contains(where: { $0.keys[0].hasPrefix(VectorIndex.posts.prefix) }) {
        try await posts.require(embedder.name, dimensions: embedder.dimensions, client)
      }
    }
  }

  mutating func look() async throws(RedisError) {
    guard ContinuousClock.now >= next else { return }
    next = .now + .seconds(15)
    for keeper in [passages, news, posts] {
      for state in try await keeper.look(client) { metrics.note(state) }
    }
  }
}

struct IndexMetrics: Sendable {
  static let descriptions = [
    MetricDescription(
      "souk_hot_index_documents", .gauge, "Hashes that an index of vectors finds.", labels: ["index"]),
    MetricDescription(
      "souk_hot_index_failures", .gauge,
      "Hashes that an index could not take, such as one whose vector has another length; they are not found.",
      labels: ["index"]),
    MetricDescription(
      "souk_hot_index_read_ratio", .gauge, "How much of its hashes an index has read; below 1 answers are not whole.",
      labels: ["index"]),
  ]

  func note(_ state: IndexState) {
    let index = [("index", state.name)]
    Gauge(label: "souk_hot_index_documents", dimensions: index).record(state.documents)
    Gauge(label: "souk_hot_index_failures", dimensions: index).record(state.failures)
    Gauge(label: "souk_hot_index_read_ratio", dimensions: index).record(state.indexed)
  }
}
