import Core
import Embedding
import LocalServers
import Redis
@testable import SearchStore
import TestSupport

/// A real Redis with Search and JSON, which other tests use too, and passages in it under a model of this test's own.
struct StoreFixture: Sendable {
  let client: RedisClient
  let redis: RedisMultiplexer
  /// In the names of users and models.
  let own = TestServers.uniqueName()

  init(url: String? = nil) async throws {
    let text = if let url { url } else { try await TestServers.redisWithModules().url }
    client = RedisClient(RedisConfiguration(url: try RedisURL(text)))
    redis = RedisMultiplexer(client)
  }

  @discardableResult
  func ask(_ words: String...) async throws -> RedisReply {
    try await client.send(RedisCommand(words[0], words.dropFirst().map { Array($0.utf8) }))
  }

  /// Texts by id.
  func write(
    _ passages: [(id: String, text: String)], _ embedder: any Embedder, extra: [String] = []
  ) async throws {
    for (id, text) in passages {
      let words = [
        "doc:\(id)", "text", text, "model", embedder.name, "document", "edgar/\(id.prefix(1))", "published_ms", "5",
      ] + extra + ["vector"]
      let vector = VectorBytes.encode(embedder.embed([text])[0])
      _ = try await client.send(RedisCommand("HSET", words.map { Array($0.utf8) } + [vector]))
    }
  }
}

/// The hashing embedder under another name.
struct NamedEmbedder: Embedder {
  let name: String
  var dimensions = 384
  let mostTokens = 256

  func tokenCount(_ text: RawSpan) -> Int { HashingEmbedder().tokenCount(text) }
  func embed(_ texts: [String]) -> [[Float]] { HashingEmbedder(dimensions: dimensions).embed(texts) }
}
