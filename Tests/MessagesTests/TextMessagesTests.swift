import Messages
import Testing
import Values

/// Articles and what they say: their exact bytes, and that they are read back.
@Suite struct TextMessagesTests {
  private func expect<Value: Message>(_ message: Value, _ text: String) throws {
    #expect(String(decoding: message.encoded(), as: UTF8.self) == text)
    #expect(try Value(decoding: Array(text.utf8)) == message)
  }

  private static let published = Timestamp(microseconds: 1_764_599_940_000_000)!
  private static let known = Timestamp(microseconds: 1_764_600_000_123_456)!

  @Test func articleAndWithdrawal() throws {
    let article = NewsArticle(
      source: "newsapi", id: "ab12", outlet: "Reuters", url: "https://reuters.example/a", title: "Apple \"rises\"",
      language: "en", publishedAt: Self.published, knownAt: Self.known, jobID: "j")
    #expect(article.key == Array("newsapi/ab12".utf8) && article.name == "newsapi/ab12")
    try expect(article, """
      {"source":"newsapi","id":"ab12","outlet":"Reuters","url":"https://reuters.example/a","title":"Apple \\"rises\\"",\
      "description":null,"author":null,"language":"en","published_at":"2025-12-01T14:39:00Z",\
      "known_at":"2025-12-01T14:40:00.123456Z","withdrawn":false,"job_id":"j"}
      """)
    let gone = article.withdrawal(knownAt: Self.known)
    #expect(gone.withdrawn && gone.title.isEmpty && gone.url.isEmpty && gone.key == article.key)
  }

  @Test func event() throws {
    let event = SentimentEvent(
      eventID: "e1", symbol: "AAPL", cluster: "c1", revision: 3, score: ExactDecimal(unchecked: -6_115, scale: 4),
      confidence: ExactDecimal(unchecked: 70, scale: 2), source: "newsapi", outlet: "Reuters", title: "T", url: "u",
      evidence: "Apple", rule: "name_with_cue", sources: 40, publishedAt: Self.published, knownAt: Self.known,
      scorer: "finance-1")
    #expect(event.key == Array("AAPL".utf8))
    try expect(event, """
      {"event_id":"e1","symbol":"AAPL","cluster":"c1","revision":3,"score":-0.6115,"confidence":0.70,"kind":"news",\
      "source":"newsapi","outlet":"Reuters","title":"T","url":"u","evidence":"Apple","rule":"name_with_cue",\
      "sources":40,"published_at":"2025-12-01T14:39:00Z","known_at":"2025-12-01T14:40:00.123456Z",\
      "scorer":"finance-1","withdrawn":false}
      """)
  }

  @Test func aRecordWithoutAnIdIsRefused() {
    #expect(throws: DecodingFailure.self) { try NewsArticle(decoding: Array(#"{"source":"x","title":"x"}"#.utf8)) }
    #expect(throws: DecodingFailure.self) { try SentimentEvent(decoding: Array(#"{"symbol":"AAPL"}"#.utf8)) }
  }
}
