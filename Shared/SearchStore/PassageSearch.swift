import Core
import Embedding
import Redis

/// What is looked for among the passages of documents.
package struct PassageQuery: Sendable {
  package enum Mode: String, CaseIterable, Sendable {
    /// By words, by the vector of the question, or by both.
    case text, vector, both
  }

  package var text: String
  package var mode: Mode
  /// Passages of one of these; of any when empty.
  package var symbols: [String]
  package var forms: [String]
  package var sources: [String]
  /// `1A`.
  package var item: String?
  /// `source/id`.
  package var document: String?
  /// Milliseconds since 1970; published from, and before.
  package var from: Int64?, before: Int64?
  /// The most passages; 1 to 100.
  package var count: Int

  package init(
    _ text: String, mode: Mode = .both, symbols: [String] = [], forms: [String] = [], sources: [String] = [],
    item: String? = nil, document: String? = nil, from: Int64? = nil, before: Int64? = nil, count: Int = 10
  ) {
    self.text = text
    self.mode = mode
    self.symbols = symbols
    self.forms = forms
    self.sources = sources
    self.item = item
    self.document = document
    self.from = from
    self.before = before
    self.count = min(max(count, 1), 100)
  }
}

package struct PassageHit: Hashable, Sendable {
  /// Of the passage.
  package var id: String
  /// Better ones have more. By words BM25, by vector the cosine, by both the sum of reciprocal ranks.
  package var score: Double
  /// From 1 in the list by words and in that by vector; nil when it is not in the list.
  package var textRank: Int?, vectorRank: Int?
  /// The fields of the hash but the vector.
  package var fields: [String: String]
}

package struct PassageAnswer: Sendable {
  /// What makes an answer less than was asked.
  package enum Note: String, Hashable, Sendable {
    /// There is no index: no passage was written.
    case noIndex = "no_index"
    /// The index is of another model than the question's vector, which was left out.
    case otherModel = "other_model"
    /// The server is still reading its hashes.
    case building = "index_building"
    /// The question has no word that is searched.
    case noWords = "no_words"
  }

  package var hits: [PassageHit] = []
  /// Of the index; nil without one.
  package var model: String?
  package var notes: Set<Note> = []
}

/// Searches the passages that hot-writer keeps. Each question is one round trip.
package struct PassageSearch: Sendable {
  private let redis: RedisMultiplexer
  private let embedding: EmbeddingThread
  private let index = VectorIndex.passages

  package static let fields = [
    "document", "source", "issuer", "symbols", "company", "form", "period", "url", "part", "item", "heading", "speaker",
    "ordinal", "text", "tokens", "table", "model", "published_at", "known_at",
  ]
  /// Candidates that the index keeps while it looks for the nearest; more find them more surely and take longer.
  package static let candidates = 64
  /// Of the sum of reciprocal ranks (Cormack, Clarke and Büttcher 2009).
  private static let rankOffset = 60.0

  package init(_ redis: RedisMultiplexer, _ embedder: any Embedder) {
    self.redis = redis
    embedding = EmbeddingThread(embedder)
  }

  package func find(_ query: PassageQuery) async throws(RedisError) -> PassageAnswer {
    var answer = PassageAnswer()
    let filters = Self.filters(query)
    // Of each list more than are asked for: what is first in both may be first in none.
    let depth = query.mode == .both ? max(query.count * 2, 50) : query.count
    var commands = [RedisCommand("FT.INFO", index.alias)]
    let words = SearchWords.words(of: query.text)
    let byText = query.mode != .vector && !words.isEmpty
    if query.mode != .vector, words.isEmpty { answer.notes.insert(.noWords) }
    if byText { commands.append(textSearch(filters, words, depth)) }
    if query.mode != .text {
      commands.append(Self.nearest(to: await embedding.embed([query.text])[0], depth, filters))
    }
    let replies = try await redis.replies(to: commands)
    if case .failure(let error) = replies[0] {
      guard error.code == "redis_no_index" else { throw error }
      return PassageAnswer(notes: answer.notes.union([.noIndex]))
    }
    guard let state = IndexState(replies[0]) else { return PassageAnswer(notes: [.noIndex]) }
    answer.model = state.model
    if state.indexed < 1 { answer.notes.insert(.building) }
    var lists: [[PassageHit]] = []
    if byText { lists.append(try Self.hits(replies[1], scores: true)) }
    if query.mode != .text {
      if state.model == embedding.embedder.name {
        lists.append(try Self.hits(replies[replies.count - 1], scores: false))
      } else {
        answer.notes.insert(.otherModel)
      }
    }
    answer.hits = Array((query.mode == .both ? Self.fused(lists) : lists.first ?? []).prefix(query.count))
    return answer
  }

  // MARK: - commands

  private func textSearch(_ filters: String, _ words: [String], _ count: Int) -> RedisCommand {
    let text = "@text|heading|company|speaker:(\(words.joined(separator: "|")))"
    return RedisCommand("FT.SEARCH", (
      [index.alias, filters.isEmpty ? text : "\(filters) \(text)", "SCORER", "BM25", "WITHSCORES"]
        + Self.returning(Self.fields) + ["LIMIT", "0", "\(count)", "DIALECT", "2"]).map { Array($0.utf8) })
  }

  /// The nearest passages to a vector of the index's model.
  package static func nearest(to vector: [Float], _ count: Int, _ filters: String = "") -> RedisCommand {
    let query = "(\(filters.isEmpty ? "*" : filters))=>[KNN \(count) @vector $vector EF_RUNTIME "
      + "\(max(candidates, count)) AS distance]"
    let words = [VectorIndex.passages.alias, query, "PARAMS", "2", "vector"].map { Array($0.utf8) }
      + [VectorBytes.encode(vector)]
    let rest = ["SORTBY", "distance"] + returning(fields + ["distance"]) + ["LIMIT", "0", "\(count)", "DIALECT", "2"]
    return RedisCommand("FT.SEARCH", words + rest.map { Array($0.utf8) })
  }

  private static func returning(_ fields: [String]) -> [String] { ["RETURN", "\(fields.count)"] + fields }

  static func filters(_ query: PassageQuery) -> String {
    var parts: [String] = []
    for (field, values) in [
      ("symbols", query.symbols), ("form", query.forms), ("source", query.sources),
      ("item", query.item.map { [$0] } ?? []), ("document", query.document.map { [$0] } ?? []),
    ] where !values.isEmpty {
      parts.append("@\(field):{\(values.map(SearchWords.tag).joined(separator: "|"))}")
    }
    if query.from != nil || query.before != nil {
      parts.append("@published_ms:[\(query.from.map { "\($0)" } ?? "-inf") \(query.before.map { "(\($0)" } ?? "+inf")]")
    }
    return parts.joined(separator: " ")
  }

  // MARK: - answers

  /// - Parameter scores: each id is followed by its score; otherwise the field `distance` has the cosine distance.
  private static func hits(_ reply: RedisReply, scores: Bool) throws(RedisError) -> [PassageHit] {
    if case .failure(let error) = reply { throw error }
    let elements = reply.array ?? []
    var hits: [PassageHit] = []
    for place in stride(from: 1, to: elements.count - (scores ? 2 : 1), by: scores ? 3 : 2) {
      // A hash that has expired since the search has no fields.
      guard let key = elements[place].text, let words = elements[place + (scores ? 2 : 1)].array else { continue }
      var fields: [String: String] = [:]
      for pair in stride(from: 0, to: words.count - 1, by: 2) {
        if let name = words[pair].text, let value = words[pair + 1].text { fields[name] = value }
      }
      guard fields["text"] != nil else { continue }
      let distance = fields.removeValue(forKey: "distance").flatMap(Double.init)
      let score = scores ? elements[place + 1].text.flatMap(Double.init) : distance.map { 1 - $0 }
      var hit = PassageHit(
        id: String(key.dropFirst(VectorIndex.passages.prefix.count)), score: score ?? 0, fields: fields)
      if scores { hit.textRank = hits.count + 1 } else { hit.vectorRank = hits.count + 1 }
      hits.append(hit)
    }
    return hits
  }

  /// Reciprocal rank fusion: a passage scores the sum of 1 / (60 + rank) over the lists.
  static func fused(_ lists: [[PassageHit]]) -> [PassageHit] {
    var all: [String: PassageHit] = [:]
    for hit in lists.joined() {
      let share = 1 / (rankOffset + Double(hit.textRank ?? hit.vectorRank ?? 0))
      if var known = all[hit.id] {
        known.score += share
        known.textRank = known.textRank ?? hit.textRank
        known.vectorRank = known.vectorRank ?? hit.vectorRank
        all[hit.id] = known
      } else {
        all[hit.id] = hit
        all[hit.id]?.score = share
      }
    }
    return all.values.sorted { ($1.score, $0.id) < ($0.score, $1.id) }
  }
}
