import Core
import Embedding
import Redis

/// Answers that are found again by questions of the same meaning: `cache:<model>:<hash>`, a hash with prompt, answer,
/// vector and tags, which expires.
package struct SemanticCache: Sendable {
  package struct Limits: Sendable {
    /// Bytes.
    package var prompt = 8 << 10
    package var answer = 256 << 10
    package var tags = 16
    package var life = Duration.seconds(30 * 86_400)

    package init() {}
  }

  package struct Entry: Hashable, Sendable {
    package var prompt: String
    package var answer: String
    package var tags: [String]
    /// Cosine distance of the two prompts: 0 for the same.
    package var distance: Double
    /// Milliseconds since 1970.
    package var insertedAt: Int64
  }

  private let redis: RedisMultiplexer
  private let embedding: EmbeddingThread
  private let limits: Limits
  private let index: VectorIndex
  private var model: String { embedding.embedder.name }
  private var name: String { index.name(of: model) }

  package init(_ redis: RedisMultiplexer, _ embedder: any Embedder, limits: Limits = Limits()) {
    self.redis = redis
    self.limits = limits
    embedding = EmbeddingThread(embedder)
    index = VectorIndex(
      alias: "idx:cache", prefix: "cache:\(embedder.name):", fields: ["tags", "TAG", "SEPARATOR", ","])
  }

  /// The answer to the nearest prompt.
  /// - Parameters:
  ///   - tags: all of which the entry must have; a tenant, a version of the data.
  ///   - threshold: the largest cosine distance that is still the same question.
  /// - Returns: nil when no prompt is near enough.
  /// - Throws: `SemanticCacheError` for what is not taken; `RedisError`.
  package func find(_ prompt: String, tags: [String] = [], threshold: Double = 0.1) async throws -> Entry? {
    try check(prompt, tags)
    guard threshold >= 0, threshold <= 2 else {
      throw SemanticCacheError(.refused, "a threshold is a cosine distance, from 0 to 2")
    }
    let filters = tags.map { "@tags:{\(SearchWords.tag($0))}" }.joined(separator: " ")
    let query = "(\(filters.isEmpty ? "*" : filters))=>[KNN 1 @vector $vector EF_RUNTIME 64 AS distance]"
    let vector = VectorBytes.encode(await embedding.embed([prompt])[0])
    let words = [name, query, "PARAMS", "2", "vector"].map { Array($0.utf8) } + [vector]
    let rest = "RETURN 5 prompt answer tags inserted_at distance LIMIT 0 1 DIALECT 2".split(separator: " ")
    let reply = try await redis.replies(to: [RedisCommand("FT.SEARCH", words + rest.map { Array($0.utf8) })])[0]
    if case .failure(let error) = reply {
      // Nothing was put in yet.
      guard error.code == "redis_no_index" else { throw error }
      return nil
    }
    guard let elements = reply.array, elements.count > 2, let fields = elements[2].array else { return nil }
    var values: [String: String] = [:]
    for place in stride(from: 0, to: fields.count - 1, by: 2) {
      if let name = fields[place].text { values[name] = fields[place + 1].text }
    }
    guard let distance = values["distance"].flatMap(Double.init), distance <= threshold,
      let found = values["prompt"], let answer = values["answer"] else { return nil }
    return Entry(
      prompt: found, answer: answer, tags: (values["tags"] ?? "").split(separator: ",").map(String.init),
      distance: max(0, distance), insertedAt: values["inserted_at"].flatMap(Int64.init) ?? 0)
  }

  /// Keeps an answer; of one prompt and its tags the last one.
  /// - Throws: the same.
  package func put(
    _ prompt: String, answer: String, tags: [String] = [], life: Duration, now: Int64 = WallClock.milliseconds()
  ) async throws {
    try check(prompt, tags)
    guard answer.utf8.count <= limits.answer else {
      throw SemanticCacheError(.tooLarge, "an answer has at most \(limits.answer) bytes")
    }
    guard life >= .milliseconds(1), life <= limits.life else {
      throw SemanticCacheError(.refused, "an answer is kept for at most \(limits.life / .seconds(1)) s")
    }
    let vector = await embedding.embed([prompt])[0]
    let tags = tags.sorted()
    let key = index.prefix + SHA256.hash((tags + [prompt]).joined(separator: "\u{0}")).hex
    let fields: [[UInt8]] = [
      key, "prompt", prompt, "answer", answer, "tags", tags.joined(separator: ","), "model", model,
      "inserted_at", "\(now)", "vector",
    ].map { Array($0.utf8) } + [VectorBytes.encode(vector)]
    let replies = try await redis.replies(to: [
      index.creation(of: model, dimensions: embedding.embedder.dimensions),
      RedisCommand("HSET", fields), RedisCommand("PEXPIRE", key, "\(Int64(life / .milliseconds(1)))"),
    ])
    for case .failure(let error) in replies where error.code != "redis_index_exists" { throw error }
  }

  /// Removes what has a tag: an answer about data that changed.
  /// - Returns: how many entries that were.
  package func remove(tag: String) async throws -> Int {
    try check("-", [tag])
    var removed = 0
    while true {
      let reply = try await redis.replies(to: [RedisCommand(
        "FT.SEARCH", name, "@tags:{\(SearchWords.tag(tag))}", "NOCONTENT", "LIMIT", "0", "500", "DIALECT", "2")])[0]
      if case .failure(let error) = reply {
        guard error.code == "redis_no_index" else { throw error }
        return removed
      }
      let keys = (reply.array ?? []).dropFirst().compactMap(\.text)
      guard !keys.isEmpty else { return removed }
      let gone = try await redis.send(RedisCommand("UNLINK", keys.map { Array($0.utf8) })).integer ?? 0
      removed += Int(gone)
      // What has expired is listed until the index notices.
      if gone == 0 { return removed }
    }
  }

  private func check(_ prompt: String, _ tags: [String]) throws(SemanticCacheError) {
    guard !prompt.isEmpty, prompt.utf8.count <= limits.prompt else {
      throw SemanticCacheError(.tooLarge, "a prompt has 1 to \(limits.prompt) bytes")
    }
    let isGood = tags.count <= limits.tags && tags.allSatisfy { tag in
      (1...64).contains(tag.utf8.count) && tag.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ",") }
    }
    guard isGood else {
      throw SemanticCacheError(
        .refused, "there are at most \(limits.tags) tags, of 1 to 64 characters without commas and blanks")
    }
  }
}

package typealias SemanticCacheError = CodedError<SemanticCacheErrorKind>

package enum SemanticCacheErrorKind: String, ErrorKind {
  case tooLarge = "too_large"
  case refused = "bad_value"

  package var errorClass: ErrorClass { .data }
}
