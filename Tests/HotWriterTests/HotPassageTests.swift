import Catalogue
import Core
import Embedding
@testable import HotWriterService
import Kafka
import LocalServers
import Messages
import Pipeline
import Redis
import SearchStore
import Testing
import TestSupport
import Values

/// Documents and their passages, against a real Redis with search.
@Suite(.timeLimit(.minutes(15))) struct HotPassageTests {
  private let documents = HotFixture.partition(0, Topics.documents)
  private let chunks = HotFixture.partition(0, Topics.documentChunks)
  private let embedder = HashingEmbedder()

  private static func at(_ ago: Int64) -> Timestamp { Timestamp(microseconds: (Feeding.now - ago) * 1_000)! }

  private func document(_ id: String, source: String = "edgar", known: Int64 = 5_000) -> Document {
    Document(
      source: source, id: id, kind: .filing, issuer: "0000320193", symbols: ["AAPL"], company: "Apple Inc.",
      form: "10-K", period: "2025-09-27", title: "10-K of Apple", url: "https://sec.example/\(id)",
      object: "s3://documents/\(id)", sha256: String(repeating: "0", count: 64), bytes: 1, mediaType: "text/html",
      publishedAt: Self.at(60_000), knownAt: Self.at(known))
  }

  private func chunk(
    _ id: String, _ text: String, of document: Document, item: String? = "7", vector: [Float]? = nil
  ) -> DocumentChunk {
    var chunk = DocumentChunk(
      id: id, of: document, part: item.map { _ in "II" }, item: item, heading: "Discussion", ordinal: 0, text: text,
      tokens: 5)
    chunk.model = embedder.name
    chunk.floats = vector ?? embedder.embed([text])[0]
    return chunk
  }

  private func write(_ sink: HotSink, _ values: [[UInt8]], _ partition: TopicPartition) async throws {
    for value in values { #expect(sink.append(value, 0, partition) == .keep) }
    let report = try await sink.flush(to: [partition: 1])
    #expect(report.durable == [partition: 1] && report.poison.isEmpty)
  }

  private func found(_ fixture: HotFixture, _ text: String) async throws -> [String] {
    let search = PassageSearch(RedisMultiplexer(fixture.client), embedder)
    return try await search.find(PassageQuery(text)).hits.map(\.id)
  }

  @Test func passagesAreFoundUntilTheirDocumentIsWithdrawn() async throws {
    let fixture = try await HotFixture()
    let filing = document("a"), other = document("b", source: "calls")
    try await write(
      fixture.sink(), [
        chunk("c1", "net sales of iPhone grew", of: filing).encoded(),
        chunk("c2", "supply chain risks", of: filing, item: "1A").encoded(),
        chunk("c3", "net sales were discussed", of: other, item: nil).encoded(),
      ], chunks)
    let hash = try await fixture.ask("HMGET", "doc:c1", "text", "symbols", "item", "part", "document", "model")
    #expect(hash.array?.map(\.text)
      == ["net sales of iPhone grew", "AAPL", "7", "II", "edgar/a", embedder.name])
    #expect(try await fixture.ask("HSTRLEN", "doc:c1", "vector").integer == 4 * 384)
    // By source: 90 days of filings, 30 of others.
    let lives = [
      try await fixture.ask("TTL", "doc:c1").integer ?? 0, try await fixture.ask("TTL", "doc:c3").integer ?? 0,
    ]
    #expect((89 * 86_400...90 * 86_400).contains(lives[0]) && (29 * 86_400...30 * 86_400).contains(lives[1]))
    try await eventually("the passages are indexed") { try await found(fixture, "net sales").count == 3 }
    #expect(try await Set(found(fixture, "net sales iPhone").prefix(2)) == ["c1", "c3"])
    // An amendment replaces an item: what was known earlier goes, and what it brings stays.
    let amendment = document("a", known: 4_000)
    let later = chunk("c4", "net sales as amended", of: amendment)
    let gone = DocumentChunk.withdrawal(of: "edgar/a", by: amendment, part: "II", item: "7")
    for _ in 0..<2 {
      // The second time everything is read again from the start.
      try await write(
        fixture.sink(), [
          chunk("c1", "net sales of iPhone grew", of: filing).encoded(),
          chunk("c2", "supply chain risks", of: filing, item: "1A").encoded(), later.encoded(), gone.encoded(),
        ], chunks)
      #expect(try await fixture.ask("EXISTS", "doc:c1").integer == 0)
      #expect(try await fixture.ask("EXISTS", "doc:c2", "doc:c4", "doc:c3").integer == 3)
    }
    // The whole document.
    let withdrawal = DocumentChunk.withdrawal(of: "edgar/a", by: filing.withdrawal(knownAt: Self.at(1_000)))
    for _ in 0..<2 {
      try await write(
        fixture.sink(), [chunk("c2", "supply chain risks", of: filing, item: "1A").encoded(), withdrawal.encoded()],
        chunks)
      #expect(try await fixture.ask("EXISTS", "doc:c2", "doc:c4").integer == 0)
    }
    try await eventually("nothing of the document is found") {
      try await Set(found(fixture, "net sales supply chain")) == ["c3"]
    }
    // A passage that is read again later does not come back.
    try await write(fixture.sink(), [chunk("c1", "net sales of iPhone grew", of: filing).encoded()], chunks)
    #expect(try await fixture.ask("EXISTS", "doc:c1").integer == 0)
    await fixture.server.stop()
  }

  @Test func aDocumentIsAHashAndAnEntryUntilItIsWithdrawn() async throws {
    let fixture = try await HotFixture()
    try await write(fixture.sink(), [document("a").encoded(), document("b").encoded()], documents)
    let hash = try await fixture.hash("document:edgar/a")
    #expect(hash["form"] == "10-K" && hash["symbols"] == "AAPL" && hash["object"] == "s3://documents/a")
    #expect(try await fixture.ask("XLEN", "stream:raw_documents").integer == 2)
    try await write(fixture.sink(), [document("a").withdrawal(knownAt: Self.at(1_000)).encoded()], documents)
    #expect(try await fixture.ask("EXISTS", "document:edgar/a").integer == 0)
    #expect(try await fixture.ask("XLEN", "stream:raw_documents").integer == 1)
    await fixture.server.stop()
  }

  @Test func anotherModelGetsAnIndexAndAWrongVectorIsNoticed() async throws {
    let fixture = try await HotFixture()
    let filing = document("a")
    try await write(
      fixture.sink(), ["c0", "c1"].map { chunk($0, "net sales", of: filing).encoded() }, chunks)
    var second = chunk("c1", "net sales", of: filing, vector: [1, 0, 0])
    second.model = "other-3"
    try await write(fixture.sink(), [second.encoded()], chunks)
    let indexes = try await fixture.ask("FT._LIST").array?.compactMap(\.text).sorted()
    #expect(indexes == ["idx:docs:hashing-384", "idx:docs:other-3"])
    #expect(try await fixture.ask("HGET", "doc:c1", "model").text == "other-3")
    // The same state again, and a vector that the index of its model does not take.
    try await write(fixture.sink(), [second.encoded()], chunks)
    var wrong = chunk("c2", "net sales", of: filing, vector: [1, 0])
    wrong.model = "other-3"
    try await write(fixture.sink(), [wrong.encoded()], chunks)
    try await eventually("the failure is counted") {
      IndexState(try await fixture.ask("FT.INFO", "idx:docs:other-3"))?.failures == 1
    }
    await fixture.server.stop()
  }

  @Test func articlesHaveVectorsWhereThatIsWanted() async throws {
    let fixture = try await HotFixture()
    let article = NewsArticle(
      source: "newsapi", id: "n", outlet: "Reuters", url: "https://reuters.example/n", title: "Apple rises",
      description: "It said so.", publishedAt: Self.at(60_000), knownAt: Self.at(5_000))
    let news = HotFixture.partition(0, Topics.newsArticles)
    try await write(fixture.sink(), [article.encoded()], news)
    #expect(try await fixture.ask("HEXISTS", "news:newsapi/n", "vector").integer == 0)
    try await fixture.ask("FLUSHALL")
    let sink = HotSink(
      fixture.client, policy: fixture.policy, limits: fixture.limits,
      budget: MemoryBudget(policy: fixture.policy, symbols: 10, ticksPerSecond: 1, tail: 10), embedder: embedder)
    try await write(sink, [article.encoded()], news)
    let vector = try await fixture.ask("HGET", "news:newsapi/n", "vector").bytes
    #expect(vector == VectorBytes.encode(embedder.embed(["Apple rises It said so."])[0]))
    try await eventually("the article is indexed") {
      IndexState(try await fixture.ask("FT.INFO", "idx:news"))?.documents == 1
    }
    #expect(IndexState(try await fixture.ask("FT.INFO", "idx:news"))?.model == embedder.name)
    await fixture.server.stop()
  }

  @Test func whatIsWrongIsRefused() async throws {
    let fixture = try await HotFixture(isOwn: false)
    let sink = fixture.sink()
    #expect(sink.code(Array("{}".utf8), documents) == "missing_field")
    #expect(sink.code(Array("{}".utf8), chunks) == "missing_field")
    var odd = chunk("c", "x", of: document("a"))
    odd.model = "a'b"
    #expect(sink.code(odd.encoded(), chunks) == "bad_value")
    odd.model = nil
    #expect(sink.code(odd.encoded(), chunks) == "bad_value")
    #expect(sink.code(chunk("c d", "x", of: document("a")).encoded(), chunks) == "bad_value")
    #expect(sink.code(chunk("c", "x", of: document("a"), vector: [.nan]).encoded(), chunks) == "bad_value")
  }
}
