import Core
import Redis

/// Indexes of Redis Search over hashes with vectors: of each model its own, behind one alias that is asked.
///
/// Vectors of two models are never compared: an index takes only the hashes whose field `model` names its model.
package struct VectorIndex: Hashable, Sendable {
  /// `idx:docs`; an index is called `idx:docs:minilm-l6-v2`.
  package var alias: String
  /// Of the hashes' keys.
  package var prefix: String
  /// The other fields, as `FT.CREATE` has them.
  package var fields: [String]

  /// Passages of documents: `doc:<id>`.
  package static let passages = VectorIndex(alias: "idx:docs", prefix: "doc:", fields: [
    "text", "TEXT", "heading", "TEXT", "WEIGHT", "2", "company", "TEXT", "speaker", "TEXT",
    "symbols", "TAG", "SEPARATOR", ",", "form", "TAG", "item", "TAG", "source", "TAG", "document", "TAG",
    "published_ms", "NUMERIC", "SORTABLE",
  ])
  /// Articles: `news:<source>/<id>`; posts: `post:<source>/<id>`.
  package static let news = texts("idx:news", "news:"), posts = texts("idx:posts", "post:")

  private static func texts(_ alias: String, _ prefix: String) -> VectorIndex {
    VectorIndex(alias: alias, prefix: prefix, fields: [
      "title", "TEXT", "description", "TEXT", "text", "TEXT", "source", "TAG", "published_ms", "NUMERIC", "SORTABLE",
    ])
  }

  package func name(of model: String) -> String { "\(alias):\(model)" }

  /// HNSW (Malkov and Yashunin 2016), 32-bit floats, cosine distance. `M` and `EF_CONSTRUCTION` are what 200,000
  /// passages were measured with (`souk-bench knn`).
  package func creation(of model: String, dimensions: Int) -> RedisCommand {
    let words = [
      name(of: model), "ON", "HASH", "PREFIX", "1", prefix, "FILTER", "@model=='\(model)'", "SCHEMA",
    ] + fields + [
      "model", "TAG", "vector", "VECTOR", "HNSW", "10", "TYPE", "FLOAT32", "DIM", "\(dimensions)",
      "DISTANCE_METRIC", "COSINE", "M", "16", "EF_CONSTRUCTION", "200",
    ]
    return RedisCommand("FT.CREATE", words.map { Array($0.utf8) })
  }

  /// Whether a model can be a part of an index's name and of its filter.
  package static func isName(_ model: String) -> Bool {
    (1...64).contains(model.utf8.count) && model.utf8.allSatisfy {
      (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
    }
  }
}

/// What a server says of an index.
package struct IndexState: Hashable, Sendable {
  package var name: String
  package var model: String
  package var documents: Int64
  /// Hashes that could not be indexed, by a vector of another length among others: they are not found.
  package var failures: Int64
  /// From 0 to 1. Below 1 the server still reads what it had before the index, after a restart too.
  package var indexed: Double

  /// - Parameter reply: to `FT.INFO`; nil for another one.
  package init?(_ reply: RedisReply) {
    guard let words = reply.array, let name = Self.value("index_name", in: words)?.text else { return nil }
    func number(_ field: String) -> Double? {
      let value = Self.value(field, in: words)
      return value?.integer.map(Double.init) ?? value?.text.flatMap(Double.init)
    }
    self.name = name
    model = name.split(separator: ":").last.map(String.init) ?? ""
    documents = Int64(number("num_docs") ?? 0)
    failures = Int64(number("hash_indexing_failures") ?? 0)
    indexed = number("percent_indexed") ?? 1
  }

  private static func value(_ name: String, in words: [RedisReply]) -> RedisReply? {
    for place in stride(from: 0, to: words.count - 1, by: 2) where words[place].text == name { return words[place + 1] }
    return nil
  }
}

/// Makes the indexes of a kind, and keeps the alias at the one with the most hashes.
///
/// A model that is new gets an index of its own at once. While its vectors replace those of the former model, each hash
/// is in one of the two indexes; the alias moves when the new one has more, and an index that has none left is dropped.
/// Every process that does this comes to the same end.
package struct IndexKeeper: Sendable {
  package let index: VectorIndex
  /// Models that were asked for, and the dimensions of their vectors.
  private var known: [String: Int] = [:]

  package init(_ index: VectorIndex) { self.index = index }

  /// Makes the index of a model unless this process knows that it is there.
  /// - Throws: `RedisError`.
  package mutating func require(_ model: String, dimensions: Int, _ client: RedisClient) async throws(RedisError) {
    guard known[model] == nil else { return }
    try await make(model, dimensions, client)
    known[model] = dimensions
  }

  private func make(_ model: String, _ dimensions: Int, _ client: RedisClient) async throws(RedisError) {
    let replies = try await client.replies(to: [
      index.creation(of: model, dimensions: dimensions),
      // Refused when there is an alias, which then stays where it is.
      RedisCommand("FT.ALIASADD", index.alias, index.name(of: model)),
    ])
    if case .failure(let error) = replies[0], error.code != "redis_index_exists" { throw error }
  }

  /// Looks at all indexes, moves the alias, and drops those that are empty and not asked.
  /// - Returns: of each index, what the server says; the one of the alias first.
  package func look(_ client: RedisClient) async throws(RedisError) -> [IndexState] {
    let names = try await client.send(RedisCommand("FT._LIST")).array?.compactMap(\.text) ?? []
    var own = names.filter { $0.hasPrefix("\(index.alias):") }
    // The server has lost them, or another process has dropped them while they were empty.
    for (model, dimensions) in known where !own.contains(index.name(of: model)) {
      try await make(model, dimensions, client)
      own.append(index.name(of: model))
    }
    own.sort()
    guard !own.isEmpty else { return [] }
    let replies = try await client.replies(to: ([index.alias] + own).map { RedisCommand("FT.INFO", $0) })
    let aliased = IndexState(replies[0])
    var states = replies.dropFirst().compactMap { IndexState($0) }
    guard let largest = states.max(by: { $0.documents < $1.documents }) else { return [] }
    var asked = aliased?.name ?? ""
    if aliased == nil || largest.documents > aliased?.documents ?? 0 && largest.name != asked {
      _ = try await client.send(RedisCommand("FT.ALIASUPDATE", index.alias, largest.name))
      asked = largest.name
    }
    // An index that is being read has fewer hashes than it will have.
    for state in states where state.name != asked && state.documents == 0 && state.indexed == 1
      && known[state.model] == nil {
      // The hashes stay.
      _ = try await client.replies(to: [RedisCommand("FT.DROPINDEX", state.name)])
      states.removeAll { $0.name == state.name }
    }
    return states.sorted { ($0.name == asked ? 0 : 1, $0.name) < ($1.name == asked ? 0 : 1, $1.name) }
  }
}
