import Core
import Messages
import Redis
import ServiceKit
import Values

/// What texts say, and unusual activity in options: records that hot-writer keeps by symbol and time.
extension Gateway {
  var textEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/flow/{symbol}", "flow", "Unusual activity in the options on a symbol, by the time of its first print.",
        [Self.symbol] + Self.range, answer: .flow) { try await flow($0) },
      Endpoint(
        .get, "/sentiment/{symbol}", "sentiment", "Stories about a symbol, by when their first text was published.",
        [Self.symbol] + Self.range, answer: .sentiment) { try await sentiment($0) },
      Endpoint(
        .get, "/news", "news", "Articles, the newest first: the tail that hot-writer keeps.",
        [Self.limit(50, 1_000), Parameter("cursor", .cursor, "next_cursor of the page before.")], answer: .news
      ) { try await news($0) },
      Endpoint(
        .get, "/news/{source}/{id}", "article", "One article.",
        [
          Parameter("source", .word(most: 64), in: .path, "Where it was collected: newsapi."),
          Parameter("id", .word(most: 200), in: .path, "Within the source."),
        ], answer: .article, mayBeUnknown: true) { try await article($0) },
    ]
  }

  // MARK: - records by symbol and time

  private func records(_ kind: String, _ call: Call) async throws -> HotStore.Records {
    try await store.records(
      kind, of: call.text("symbol"), range(call), skip: call.cursor("cursor")?.skipped ?? 0,
      most: call.count("limit"))
  }

  /// Writes records as they are, their time in front.
  private func write(_ page: HotStore.Records, _ name: String, to writer: inout JSONWriter) {
    writer.key(named: name)
    writer.beginArray()
    for (time, json) in page.records where json.count > 2 {
      writer.beginObject()
      writer.time("time", ms: time)
      writer.raw(json.span.bytes.extracting(1..<json.count - 1))
      writer.endObject()
    }
    writer.endArray()
    writer.cursor(page.next)
    writer.time("available_from", ms: page.oldest)
  }

  private func flow(_ call: Call) async throws -> Reply {
    let page = try await records("flow", call)
    let (gaps, away) = await gapsAtHand(of: call.text("symbol"), in: range(call))
    note(away)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", call.text("symbol"))
    write(page, "events", to: &writer)
    writer.truth(Truth(watermark: page.newest.map { $0 * 1_000_000 }, feedGaps: gaps, away: away))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func sentiment(_ call: Call) async throws -> Reply {
    let page = try await records("sentiment", call)
    var (sum, weight) = (0.0, 0.0)
    for record in page.records {
      guard let story = try? SentimentEvent(decoding: record.json), let score = Double("\(story.score)"),
        let confidence = Double("\(story.confidence)")
      else { continue }
      sum += score * confidence
      weight += confidence
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", call.text("symbol"))
    write(page, "stories", to: &writer)
    // Of this page, weighted by the confidence that a story is about the symbol. Without stories it is null, not 0.
    writer.key("mean")
    if weight > 0 { (sum / weight).write(to: &writer) } else { writer.null() }
    writer.key("count")
    writer.integer(Int64(page.records.count))
    writer.truth(Truth(watermark: page.newest.map { $0 * 1_000_000 }))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  // MARK: - articles

  private func news(_ call: Call) async throws -> Reply {
    let page = try await store.articles(before: call.cursor("cursor"), most: call.count("limit"))
    var newest: Int64?
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("articles")
    writer.beginArray()
    for json in page.records {
      guard let article = try? NewsArticle(decoding: json), !article.withdrawn else { continue }
      newest = max(newest ?? .min, article.publishedAt.microseconds * 1_000)
      writer.raw(json.span.bytes)
    }
    writer.endArray()
    writer.cursor(page.next)
    writer.truth(Truth(watermark: newest))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func article(_ call: Call) async throws -> Reply {
    let (source, id) = (call.text("source"), call.text("id"))
    let fields = try await store.hash("news:\(source)/\(id)")
    guard !fields.isEmpty else {
      throw Problem(404, "unknown_article", "there is no article \(source)/\(id), or it was withdrawn")
    }
    let known = Dictionary(fields.map { name, value in
      (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
    }, uniquingKeysWith: { $1 })
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("article")
    writer.beginObject()
    writer.field("source", source)
    writer.field("id", id)
    for name in ["title", "published_at", "known_at"] { writer.text(name, known[name] ?? "") }
    for name in ["url", "outlet", "description", "author", "language"] { writer.text(name, known[name]) }
    writer.endObject()
    writer.truth(Truth())
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }
}
