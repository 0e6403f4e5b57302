import Core
import Embedding
import Messages
import Metrics
import Pipeline
import Redis
import SearchStore
import ServiceKit
import Values

extension TextReader {
  /// A record of `documents`: its hash and its entry of the tail. Its passages come by `document-chunks`.
  func read(document bytes: RawSpan, to buffer: inout PartitionBuffer) throws(DecodingFailure) -> Disposition {
    let document = try Document(decoding: bytes)
    let fields: [(String, String?)] = [
      ("source", document.source), ("kind", document.kind.rawValue), ("issuer", document.issuer),
      ("symbols", document.symbols.joined(separator: ",")), ("company", document.company), ("form", document.form),
      ("period", document.period), ("title", document.title), ("url", document.url), ("object", document.object),
      ("filed_on", document.filedOn), ("amends", document.amends), ("published_at", Self.text(document.publishedAt)),
      ("known_at", Self.text(document.knownAt)),
    ]
    return note(
      document, fields, bytes, kind: "document", stream: PassageScripts.stream,
      retention: policy.documents.of(document.source), tail: policy.documentTail, &buffer)
  }

  /// A record of `document-chunks`: a passage, or that earlier passages are gone.
  func read(chunk bytes: RawSpan, to buffer: inout PartitionBuffer) throws(DecodingFailure) -> Disposition {
    let chunk = try DocumentChunk(decoding: bytes)
    guard Self.isName(chunk.document), Self.isName(chunk.source), chunk.withdrawn || Self.isName(chunk.id) else {
      return Self.bad("'id', 'document' or 'source' is not 1 to 256 bytes without blanks")
    }
    if let refusal = refusal(publishedAt: chunk.publishedAt) { return .reject(refusal) }
    // Empty for a withdrawal of everything.
    let place = chunk.withdrawn && chunk.item == nil ? "" : "\(chunk.part ?? "-")|\(chunk.item ?? "-")"
    let set = "docset:\(chunk.document)"
    var arguments = [
      "\(chunk.knownAt.microseconds)", place, policy.documents.of(chunk.source).redisMilliseconds,
    ].map { Array($0.utf8) }
    if chunk.withdrawn {
      add(TextNote(script: .withdrawal, keys: [set, "\(set):gone"], arguments: arguments), 0, &buffer)
      return .keep
    }
    let vector = chunk.floats
    if let vector {
      guard let model = chunk.model, VectorIndex.isName(model), !vector.isEmpty, vector.allSatisfy(\.isFinite) else {
        return Self.bad("a vector needs a 'model' of 1 to 64 small letters, digits, '-' and '.', and finite numbers")
      }
      buffer.models[model] = vector.count
      arguments.append(Array(model.utf8))
    } else {
      arguments.append([])
    }
    let fields: [(String, String?)] = [
      ("document", chunk.document), ("source", chunk.source), ("issuer", chunk.issuer),
      ("symbols", chunk.symbols.joined(separator: ",")), ("company", chunk.company), ("form", chunk.form),
      ("period", chunk.period), ("url", chunk.url), ("part", chunk.part), ("item", chunk.item),
      ("heading", chunk.heading), ("speaker", chunk.speaker), ("ordinal", "\(chunk.ordinal)"), ("text", chunk.text),
      ("tokens", "\(chunk.tokens)"), ("table", chunk.isTable ? "1" : "0"),
      ("published_at", Self.text(chunk.publishedAt)), ("known_at", Self.text(chunk.knownAt)),
      ("published_ms", "\(chunk.publishedAt.microseconds / 1_000)"),
    ]
    for case (let name, let value?) in fields { arguments += [Array(name.utf8), Array(value.utf8)] }
    if let vector { arguments += [Array("vector".utf8), VectorBytes.encode(vector)] }
    add(
      TextNote(script: .passage, keys: ["doc:\(chunk.id)", set, "\(set):gone"], arguments: arguments),
      chunk.text.utf8.count + 4 * (vector?.count ?? 0), &buffer)
    return .keep
  }
}

/// The scripts of passages.
///
/// `docset:<document>` names the passages of a document and the place of each; `docset:<document>:gone` when all of
/// them, or those of a place, were last withdrawn. A place is a part and an item.
enum PassageScripts {
  /// The tail of documents.
  static let stream = "stream:raw_documents"

  /// KEYS: the hash of the passage, the set, the withdrawals. ARGV: when it was known in microseconds, its place, how
  /// long to keep it in milliseconds, the model of its vector or nothing, then names and values. What was withdrawn
  /// later, or known later, stays; so does the same state with a vector of the same model: replacing a vector costs an
  /// index more than finding out. Times are compared as texts: they have more digits than Lua's numbers.
  static let passage = RedisScript("""
    local function precedes(a, b) return #a < #b or (#a == #b and a < b) end
    for _, gone in ipairs(redis.call('HMGET', KEYS[3], 'all', ARGV[2])) do
      if gone and precedes(ARGV[1], gone) then return 0 end
    end
    local held = redis.call('HMGET', KEYS[1], 'known_us', 'model')
    if held[1] and precedes(ARGV[1], held[1]) then return 0 end
    if held[1] ~= ARGV[1] or (held[2] or '') ~= ARGV[4] then
      if ARGV[4] == '' then
        redis.call('HDEL', KEYS[1], 'model', 'vector')
        redis.call('HSET', KEYS[1], 'known_us', ARGV[1], unpack(ARGV, 5))
      else
        redis.call('HSET', KEYS[1], 'known_us', ARGV[1], 'model', ARGV[4], unpack(ARGV, 5))
      end
    end
    redis.call('HSET', KEYS[2], KEYS[1], ARGV[2])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
    return 1
    """)

  /// KEYS: the set, the withdrawals. ARGV: when it was known, the place or nothing for all, how long to keep the mark.
  /// Deletes the passages that were known earlier. Returns how many those were.
  static let withdrawal = RedisScript("""
    local function precedes(a, b) return #a < #b or (#a == #b and a < b) end
    local field = ARGV[2] == '' and 'all' or ARGV[2]
    local gone = redis.call('HGET', KEYS[2], field)
    if not gone or precedes(gone, ARGV[1]) then redis.call('HSET', KEYS[2], field, ARGV[1]) end
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
    local members = redis.call('HGETALL', KEYS[1])
    local count = 0
    for i = 1, #members, 2 do
      if ARGV[2] == '' or members[i + 1] == ARGV[2] then
        local known = redis.call('HGET', members[i], 'known_us')
        if not known or precedes(known, ARGV[1]) then
          redis.call('UNLINK', members[i])
          redis.call('HDEL', KEYS[1], members[i])
          count = count + 1
        end
      end
    end
    return count
    """)
}

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
