import Core
import Messages
import Redis
import SearchStore
import ServiceKit

/// What lies in Redis besides prices: features, passages of documents, documents of users, answers that were given.
struct Knowledge: Sendable {
  let passages: PassageSearch
  let users: UserDocuments
  let cache: SemanticCache
}

extension Gateway {
  private static let user = Parameter("user", .word(most: 64, others: "._@-"), in: .path, "The user's name.")
  private static let kind = Parameter("kind", .choice(kinds, standard: "profile"), in: .path, "Which document.")
  private static let kinds = UserDocuments.Kind.allCases.map(\.rawValue)

  var knowledgeEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/features/{symbol}", "features", "The features of a symbol as they are now.",
        [
          Self.symbol,
          Parameter("names", .words(most: 500), "Of these only: 1m:rsi14, or a declared one by name and version."),
        ], answer: .features, mayBeUnknown: true) { try await features(now: $0) },
      Endpoint(
        .get, "/filings/search", "searchFilings", "Passages of filings and transcripts: by words, by meaning, or both.",
        [
          Parameter("q", .text(most: 500), isRequired: true, "What is looked for."),
          Parameter("mode", .choice(PassageQuery.Mode.allCases.map(\.rawValue), standard: "both"), """
            text: by words (BM25); vector: by meaning; both: the two lists fused by reciprocal ranks.
            """),
          Parameter("symbols", .symbols(most: 50), "About one of these."),
          Parameter("forms", .words(most: 20), "Of one of these forms: 10-K."),
          Parameter("item", .word(most: 16), "Of this item: 1A."),
          Parameter("start", .time, "Published from here on."), Parameter("end", .time, "Published before."),
          Self.limit(10, 100),
        ], answer: .filings) { try await filings($0) },
    ] + userEndpoints + cacheEndpoints
  }

  private var userEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/users/{user}/{kind}", "userDocument", "A document of a user.", scope: .users, [Self.user, Self.kind],
        answer: .userDocument, mayBeUnknown: true) { try await document($0) },
      Endpoint(
        .put, "/users/{user}/{kind}", "putUserDocument", "Replaces a document of a user: any JSON object.",
        scope: .users, [Self.user, Self.kind], body: Endpoint.Body(schema: "UserDocumentBody", limit: 64 << 10),
        answer: .nothing) { call in
          try await knowledge.users.set(Self.kind(call), of: call.text("user"), to: call.body)
          return .nothing
        },
      Endpoint(
        .delete, "/users/{user}/{kind}", "deleteUserDocument", "Removes a document of a user.", scope: .users,
        [Self.user, Self.kind], answer: .nothing) { call in
          _ = try await knowledge.users.remove(Self.kind(call), of: call.text("user"))
          return .nothing
        },
    ]
  }

  private var cacheEndpoints: [Endpoint] {
    [
      Endpoint(
        .post, "/cache/lookup", "lookUp", "The answer that was given to a question of the same meaning.",
        body: Endpoint.Body(schema: "CacheQuestion", limit: 64 << 10), answer: .cached) { try await lookUp($0) },
      Endpoint(
        .put, "/cache", "remember", "Keeps an answer for questions of the same meaning.", scope: .write,
        body: Endpoint.Body(schema: "CacheEntry", limit: 512 << 10), answer: .nothing) { try await remember($0) },
      Endpoint(
        .delete, "/cache", "forget", "Removes the answers that have a tag.", scope: .write,
        [Parameter("tag", .word(most: 64), isRequired: true, "Such as a version of the data.")], answer: .removed
      ) { call in
        let removed = try await knowledge.cache.remove(tag: call.text("tag"))
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("removed")
        writer.integer(Int64(removed))
        writer.truth(Truth())
        writer.endObject()
        return .json(writer.array())
      },
    ]
  }

  // MARK: - features

  private func features(now call: Call) async throws -> Reply {
    let (symbol, names) = (call.text("symbol"), Set(call.texts("names")))
    let known = try await store.hash("feat:{\(symbol)}")
    guard !known.isEmpty else { throw unknown(symbol) }
    var (newest, found): (Int64?, Set<String>) = (nil, [])
    var writer = JSONWriter(capacity: 16 << 10)
    writer.beginObject()
    writer.field("symbol", symbol)
    writer.key("features")
    writer.beginObject()
    for (name, value) in known {
      // The begin of the last bar, and the event time of a group of features.
      if name.suffix(9).elementsEqual(":start_ns".utf8) || name.starts(with: "ts:".utf8),
        let stamp = Int64(String(decoding: value, as: UTF8.self)) {
        newest = max(newest ?? stamp, stamp)
      }
      if !names.isEmpty {
        let text = String(decoding: name, as: UTF8.self)
        guard names.contains(text) else { continue }
        found.insert(text)
      }
      writer.key(name.span.bytes)
      if HotStore.isNumber(value.span.bytes) { writer.raw(value.span.bytes) } else { writer.string(value.span.bytes) }
    }
    writer.endObject()
    writer.key("unknown")
    writer.strings(names.subtracting(found).sorted())
    writer.truth(Truth(watermark: newest))
    writer.endObject()
    return .json(writer.array())
  }

  // MARK: - passages

  private func filings(_ call: Call) async throws -> Reply {
    let mode = PassageQuery.Mode(rawValue: call.text("mode")) ?? .both
    let answer = try await knowledge.passages.find(PassageQuery(
      call.text("q"), mode: mode, symbols: call.texts("symbols"), forms: call.texts("forms"),
      item: call.text("item").isEmpty ? nil : call.text("item"), from: call.time("start"), before: call.time("end"),
      count: call.count("limit")))
    var writer = JSONWriter(capacity: 32 << 10)
    writer.beginObject()
    writer.field("mode", mode.rawValue)
    writer.text("model", answer.model)
    writer.key("notes")
    writer.strings(answer.notes.map(\.rawValue).sorted())
    writer.key("passages")
    writer.beginArray()
    for hit in answer.hits {
      writer.beginObject()
      writer.field("id", hit.id)
      writer.field("score", hit.score)
      for (name, rank) in [("text_rank", hit.textRank), ("vector_rank", hit.vectorRank)] {
        writer.key(named: name)
        if let rank { writer.integer(Int64(rank)) } else { writer.null() }
      }
      for name in PassageSearch.fields { if let value = hit.fields[name] { writer.text(name, value) } }
      writer.endObject()
    }
    writer.endArray()
    writer.truth(Truth())
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  // MARK: - documents of users

  private static func kind(_ call: Call) -> UserDocuments.Kind { .init(rawValue: call.text("kind")) ?? .profile }

  private func document(_ call: Call) async throws -> Reply {
    let (user, kind) = (call.text("user"), Self.kind(call))
    guard let json = try await knowledge.users.get(kind, of: user) else {
      throw Problem(404, "unknown_document", "there is no \(kind.rawValue) of '\(user)'")
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("user", user)
    writer.field("kind", kind.rawValue)
    writer.key("document")
    writer.raw(json.span.bytes)
    writer.truth(Truth())
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  // MARK: - answers that were given

  private func lookUp(_ call: Call) async throws -> Reply {
    var (prompt, tags, threshold) = ("", [String](), 0.1)
    try Body.read(call.body, requiring: ["prompt"]) { name, reader throws(DecodingFailure) in
      switch name {
      case "prompt": prompt = try reader.text(name, most: 2_000)
      case "tags": tags = try reader.words(name, most: 16)
      case "threshold":
        threshold = try reader.double(field: name)
        guard (0...2).contains(threshold) else { throw reader.wrong(name, "is no cosine distance from 0 to 2") }
      default: return false
      }
      return true
    }
    let entry = try await knowledge.cache.find(prompt, tags: tags, threshold: threshold)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("found", entry != nil)
    writer.text("prompt", entry?.prompt)
    writer.text("answer", entry?.answer)
    writer.key("distance")
    if let entry { writer.raw("\(entry.distance)") } else { writer.null() }
    writer.key("tags")
    writer.strings(entry?.tags ?? [])
    writer.time("stored_at", ms: entry?.insertedAt)
    writer.truth(Truth(watermark: entry.map { $0.insertedAt * 1_000_000 }))
    writer.endObject()
    return .json(writer.array())
  }

  private func remember(_ call: Call) async throws -> Reply {
    var (prompt, answer, tags, life) = ("", "", [String](), Int64(86_400))
    try Body.read(call.body, requiring: ["prompt", "answer"]) { name, reader throws(DecodingFailure) in
      switch name {
      case "prompt": prompt = try reader.text(name, most: 2_000)
      case "answer": answer = try reader.text(name, most: 60_000)
      case "tags": tags = try reader.words(name, most: 16)
      case "life_seconds":
        // A whole number may be written with a fraction of zeros.
        let number = try reader.double(field: name)
        guard (1...2_592_000).contains(number), number == number.rounded() else {
          throw reader.wrong(name, "is no whole number from 1 to 2,592,000")
        }
        life = Int64(number)
      default: return false
      }
      return true
    }
    try await knowledge.cache.put(prompt, answer: answer, tags: tags, life: .seconds(life), now: now())
    return .nothing
  }
}
