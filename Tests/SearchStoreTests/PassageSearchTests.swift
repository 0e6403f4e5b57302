import Core
import Embedding
import LocalServers
import Redis
@testable import SearchStore
import Testing
import TestSupport

/// Indexes and searches on a real Redis Search.
@Suite(.timeLimit(.minutes(15))) struct PassageSearchTests {
  private static let passages = [
    ("a1", "Net sales of iPhone increased during 2025 in all regions"), ("a2", "The supply chain could be disrupted"),
    ("a3", "Legal proceedings are described in note 12"), ("b1", "Services net sales reached a record"),
    ("b2", "We repurchased common stock for 94 billion dollars"),
  ]

  /// - Returns: a server of the test's own: the alias is one for all.
  private func fixture(_ embedder: any Embedder) async throws -> (StoreFixture, PrivateRedis, IndexKeeper) {
    let server = try await PrivateRedis.start(modules: true)
    let fixture = try await StoreFixture(url: server.url)
    var keeper = IndexKeeper(.passages)
    for _ in 0..<2 { try await keeper.require(embedder.name, dimensions: embedder.dimensions, fixture.client) }
    try await eventually("the new index has read the server") {
      try await keeper.look(fixture.client).first?.indexed == 1
    }
    return (fixture, server, keeper)
  }

  @Test func wordsAndVectorsFindPassages() async throws {
    let embedder = HashingEmbedder()
    let (fixture, server, _) = try await fixture(embedder)
    try await fixture.write(Self.passages, embedder, extra: ["symbols", "AAPL,BRK.B", "form", "10-K", "item", "7"])
    try await fixture.write(
      [("c1", "net sales of another company")], embedder, extra: ["symbols", "MSFT", "form", "10-Q"])
    let search = PassageSearch(fixture.redis, embedder)
    let text = try await search.find(PassageQuery("How did the NET SALES of iPhone grow?", mode: .text))
    #expect(text.hits.first?.id == "a1" && text.model == embedder.name && text.notes.isEmpty)
    #expect(text.hits.first?.textRank == 1 && text.hits.first?.vectorRank == nil)
    #expect(text.hits.first?.fields["document"] == "edgar/a" && text.hits.first?.fields["vector"] == nil)
    let vector = try await search.find(PassageQuery("repurchased common stock", mode: .vector, count: 3))
    #expect(vector.hits.count == 3 && vector.hits[0].id == "b2" && vector.hits[0].score > 0.5)
    #expect(zip(vector.hits, vector.hits.dropFirst()).allSatisfy { $0.score >= $1.score })
    let both = try await search.find(PassageQuery("net sales", count: 2))
    #expect(both.hits.count == 2 && both.hits.allSatisfy { $0.textRank != nil && $0.vectorRank != nil })
    #expect(both.hits[0].score == 1 / Double(60 + both.hits[0].textRank!) + 1 / Double(60 + both.hits[0].vectorRank!))
    // Filters, of which a value may have any characters.
    func ids(_ query: PassageQuery) async throws -> [String] { try await search.find(query).hits.map(\.id).sorted() }
    #expect(try await ids(PassageQuery("net sales", mode: .text, symbols: ["BRK.B"], forms: ["10-K"])) == ["a1", "b1"])
    #expect(try await ids(PassageQuery("net sales", mode: .vector, symbols: ["MSFT", "XX"])) == ["c1"])
    #expect(try await ids(PassageQuery("sales", mode: .text, document: "edgar/b")) == ["b1"])
    #expect(try await ids(PassageQuery("sales", mode: .text, item: "7|1A})")).isEmpty)
    #expect(try await ids(PassageQuery("sales", mode: .both, from: 6)).isEmpty)
    #expect(try await ids(PassageQuery("sales", mode: .text, from: 5, before: 6)).count == 3)
    // No word of a question is an operator.
    let odd = "@text:(x) | -sales* \"net\" [0 1] => {} ~%% 'q' the of"
    #expect(try await ids(PassageQuery(odd)).count == 6)
    let empty = try await search.find(PassageQuery("the of ???", mode: .text))
    #expect(empty.hits.isEmpty && empty.notes == [.noWords])
    await server.stop()
  }

  @Test func aModelThatChangesGetsAnIndexOfItsOwn() async throws {
    let first = NamedEmbedder(name: "first-1"), second = NamedEmbedder(name: "second-2", dimensions: 64)
    var (fixture, server, keeper) = try await fixture(first)
    try await fixture.write(Self.passages, first)
    try await eventually("the index has all passages") {
      try await keeper.look(fixture.client).first?.documents == Int64(Self.passages.count)
    }
    let search = PassageSearch(fixture.redis, second)
    // The question's vector is of another model: words alone are searched, and the answer says so.
    let mixed = try await search.find(PassageQuery("net sales"))
    #expect(mixed.notes == [.otherModel] && mixed.model == "first-1" && mixed.hits.count == 2)
    try await keeper.require(second.name, dimensions: 64, fixture.client)
    #expect(try await keeper.look(fixture.client).map(\.name) == ["idx:docs:first-1", "idx:docs:second-2"])
    // Embedded again one by one: the alias moves with the majority.
    try await fixture.write(Array(Self.passages.prefix(2)), second)
    try await eventually("two passages have moved") {
      try await keeper.look(fixture.client).map(\.documents) == [3, 2]
    }
    #expect(try await search.find(PassageQuery("net sales")).model == "first-1")
    try await fixture.write(Array(Self.passages.dropFirst(2)), second)
    try await eventually("the alias has moved to an index that is whole") {
      let state = try await keeper.look(fixture.client).first
      return state?.name == "idx:docs:second-2" && state?.indexed == 1
    }
    let answer = try await search.find(PassageQuery("net sales"))
    #expect(answer.model == "second-2" && answer.notes.isEmpty && Set(answer.hits.prefix(2).map(\.id)) == ["a1", "b1"])
    // A process that knows nothing of the former model drops its empty index.
    let other = IndexKeeper(.passages)
    try await eventually("the empty index is gone") {
      try await other.look(fixture.client).map(\.name) == ["idx:docs:second-2"]
    }
    // Dropped by someone else, it is made again, over the hashes that are there.
    try await fixture.ask("FT.DROPINDEX", "idx:docs:second-2")
    try await eventually("the index is there again") {
      let states = try await keeper.look(fixture.client)
      return states.first.map { $0.name == "idx:docs:second-2" && $0.documents == 5 && $0.indexed == 1 } ?? false
    }
    await server.stop()
  }

  @Test func aVectorOfAnotherLengthIsCountedAsNotIndexed() async throws {
    let embedder = HashingEmbedder()
    let (fixture, server, keeper) = try await fixture(embedder)
    try await fixture.write(Self.passages, embedder)
    try await fixture.ask("HSET", "doc:bad", "text", "net sales", "model", embedder.name, "vector", "abc")
    try await eventually("the failure is counted") {
      let state = try await keeper.look(fixture.client).first
      return state?.documents == 5 && state?.failures == 1
    }
    await server.stop()
  }

  @Test func withoutAnIndexThereIsNoAnswer() async throws {
    let server = try await PrivateRedis.start(modules: true)
    let fixture = try await StoreFixture(url: server.url)
    let answer = try await PassageSearch(fixture.redis, HashingEmbedder()).find(PassageQuery("net sales"))
    #expect(answer.hits.isEmpty && answer.notes == [.noIndex] && answer.model == nil)
    await server.stop()
  }

  @Test func ranksAreFused() {
    func hit(_ id: String, text: Int? = nil, vector: Int? = nil) -> PassageHit {
      PassageHit(id: id, score: 9, textRank: text, vectorRank: vector, fields: [:])
    }
    let fused = PassageSearch.fused([
      [hit("a", text: 1), hit("b", text: 2)], [hit("b", vector: 1), hit("c", vector: 2)],
    ])
    #expect(fused.map(\.id) == ["b", "a", "c"])
    #expect(fused.map(\.score) == [1.0 / 62 + 1.0 / 61, 1.0 / 61, 1.0 / 62])
  }
}
