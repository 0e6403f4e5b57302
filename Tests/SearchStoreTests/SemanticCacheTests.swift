import Core
import Redis
@testable import SearchStore
import Testing
import TestSupport

@Suite(.timeLimit(.minutes(15))) struct SemanticCacheTests {
  @Test func aQuestionFindsTheAnswerOfANearOne() async throws {
    let fixture = try await StoreFixture()
    let cache = SemanticCache(fixture.redis, NamedEmbedder(name: "cache-\(fixture.own)"))
    let question = "How did net sales of Apple develop in 2025?"
    #expect(try await cache.find(question) == nil)
    #expect(try await cache.remove(tag: "aapl") == 0)
    try await cache.put(question, answer: "They grew.", tags: ["aapl", "2025-10-31"], life: .seconds(600), now: 5)
    try await cache.put("What is the weather?", answer: "Hot.", tags: ["eg"], life: .seconds(600), now: 6)
    let found = try #require(try await cache.find("how did NET SALES of apple develop in 2025", tags: ["aapl"]))
    #expect(found.answer == "They grew." && found.prompt == question && found.tags == ["2025-10-31", "aapl"])
    #expect(found.distance < 0.01 && found.insertedAt == 5)
    // Not near enough; near enough for a wider threshold; of another tag.
    let other = "How did net income of Apple develop in 2024?"
    #expect(try await cache.find(other, threshold: 0.05) == nil)
    #expect(try await cache.find(other, threshold: 0.9)?.answer == "They grew.")
    #expect(try await cache.find(question, tags: ["aapl", "msft"]) == nil)
    // The last answer of a prompt and its tags, in whatever order.
    try await cache.put(question, answer: "By 4 %.", tags: ["2025-10-31", "aapl"], life: .seconds(600))
    #expect(try await cache.find(question)?.answer == "By 4 %.")
    #expect(try await cache.remove(tag: "aapl") == 1)
    #expect(try await cache.find(question) == nil)
    #expect(try await cache.find("What is the weather?")?.answer == "Hot.")
    try await fixture.ask("FT.DROPINDEX", "idx:cache:cache-\(fixture.own)", "DD")
  }

  @Test func anAnswerExpires() async throws {
    let fixture = try await StoreFixture()
    let cache = SemanticCache(fixture.redis, NamedEmbedder(name: "cache-\(fixture.own)"))
    try await cache.put("a question", answer: "kept", life: .seconds(600))
    try await cache.put("gone soon", answer: "gone", life: .milliseconds(1))
    try await eventually("the answer has expired") { try await cache.find("gone soon", threshold: 0.01) == nil }
    #expect(try await cache.find("a question")?.answer == "kept")
    try await fixture.ask("FT.DROPINDEX", "idx:cache:cache-\(fixture.own)", "DD")
  }

  @Test func limitsAreKept() async throws {
    let fixture = try await StoreFixture()
    var limits = SemanticCache.Limits()
    (limits.prompt, limits.answer, limits.tags) = (10, 10, 1)
    let cache = SemanticCache(fixture.redis, NamedEmbedder(name: "cache-\(fixture.own)"), limits: limits)
    func refusal(
      _ prompt: String, _ answer: String = "x", _ tags: [String] = [], life: Duration = .seconds(1)
    ) async -> String? {
      do {
        try await cache.put(prompt, answer: answer, tags: tags, life: life)
        return nil
      } catch {
        return publicCode(of: error)
      }
    }
    #expect(await refusal("12345678901") == "too_large")
    #expect(await refusal("") == "too_large")
    #expect(await refusal("q", "12345678901") == "too_large")
    #expect(await refusal("q", "a", ["a", "b"]) == "bad_value")
    #expect(await refusal("q", "a", ["a,b"]) == "bad_value")
    #expect(await refusal("q", "a", life: .zero) == "bad_value")
    #expect(await refusal("q", "a", life: .seconds(31 * 86_400)) == "bad_value")
    let wide = await #expect(throws: SemanticCacheError.self) { try await cache.find("q", threshold: 3) }
    #expect(wide?.code == "bad_value")
  }
}
