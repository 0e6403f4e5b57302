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

  @Test func postAndWithdrawal() throws {
    let post = SocialPost(
      source: "reddit", id: "t3_a", author: "ann", community: "stocks", url: "https://reddit.com/a", title: "Apple",
      text: "up \u{1f680}", likes: 3, publishedAt: Self.published, knownAt: Self.known, jobID: "j")
    #expect(post.key == Array("reddit/t3_a".utf8) && post.name == "reddit/t3_a")
    try expect(post, """
      {"source":"reddit","id":"t3_a","author":"ann","community":"stocks","url":"https://reddit.com/a","title":"Apple",\
      "text":"up \u{1f680}","link":null,"language":null,"likes":3,"replies":null,\
      "published_at":"2025-12-01T14:39:00Z","known_at":"2025-12-01T14:40:00.123456Z","withdrawn":false,"job_id":"j"}
      """)
    let gone = SocialPost.withdrawal(of: "t3_a", source: "reddit", publishedAt: Self.published, knownAt: Self.known)
    #expect(gone.withdrawn && gone.text.isEmpty && gone.title == nil && gone.key == post.key)
    #expect(throws: DecodingFailure.self) { try SocialPost(decoding: Array(#"{"source":"x","text":"x"}"#.utf8)) }
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

  private static let filing = Document(
    source: "edgar", id: "0000320193-25-000079", kind: .filing, issuer: "0000320193", symbols: ["AAPL"],
    company: "Apple Inc.", form: "10-K", period: "2025-09-27", title: "10-K", url: "https://edgar.example/a.htm",
    object: "s3://raw/documents/a", sha256: String(repeating: "a", count: 64), bytes: 7, mediaType: "text/html",
    filedOn: "2025-10-31", publishedAt: published, knownAt: known, jobID: "j")

  @Test func documentAndWithdrawal() throws {
    #expect(Self.filing.key == Array("edgar/0000320193-25-000079".utf8))
    #expect(Self.filing.partitionKey == Array("edgar/0000320193".utf8))
    try expect(Self.filing, """
      {"source":"edgar","id":"0000320193-25-000079","kind":"filing","issuer":"0000320193","symbols":["AAPL"],\
      "company":"Apple Inc.","form":"10-K","period":"2025-09-27","title":"10-K","url":"https://edgar.example/a.htm",\
      "object":"s3://raw/documents/a","sha256":"\(String(repeating: "a", count: 64))","bytes":7,\
      "media_type":"text/html","amends":null,"filed_on":"2025-10-31","published_at":"2025-12-01T14:39:00Z",\
      "known_at":"2025-12-01T14:40:00.123456Z","withdrawn":false,"job_id":"j"}
      """)
    let gone = Self.filing.withdrawal(knownAt: Self.known)
    #expect(gone.withdrawn && gone.object == nil && gone.key == Self.filing.key)
    #expect(try Document(decoding: gone.encoded()) == gone)
  }

  @Test func chunkAndWhatItReplaces() throws {
    var chunk = DocumentChunk(
      id: "c1", of: Self.filing, part: "I", item: "1A", heading: "Risk Factors", ordinal: 3, text: "We may fail.",
      tokens: 5)
    chunk.model = "hashing-384"
    chunk.floats = [1, -0.5]
    #expect(chunk.key == Self.filing.key && chunk.partitionKey == Self.filing.partitionKey)
    // As struct.pack("<2f", 1, -0.5) in Base64.
    try expect(chunk, """
      {"id":"c1","document":"edgar/0000320193-25-000079","source":"edgar","issuer":"0000320193","symbols":["AAPL"],\
      "company":"Apple Inc.","form":"10-K","period":"2025-09-27","url":"https://edgar.example/a.htm","part":"I",\
      "item":"1A","heading":"Risk Factors","speaker":null,"ordinal":3,"text":"We may fail.","tokens":5,"table":false,\
      "model":"hashing-384","vector":"AACAPwAAAL8=","published_at":"2025-12-01T14:39:00Z",\
      "known_at":"2025-12-01T14:40:00.123456Z","withdrawn":false}
      """)
    #expect(chunk.floats == [1, -0.5])
    let gone = DocumentChunk.withdrawal(of: Self.filing.name, by: Self.filing, part: "I", item: "1A")
    #expect(gone.withdrawn && gone.id.isEmpty && gone.key == chunk.key)
    #expect(try DocumentChunk(decoding: gone.encoded()) == gone)
    let odd = """
      {"id":"c","document":"d","source":"s","issuer":"i","vector":"AAA=","published_at":"2025-12-01T14:39:00Z",\
      "known_at":"2025-12-01T14:39:00Z"}
      """
    #expect(throws: DecodingFailure.self) { try DocumentChunk(decoding: Array(odd.utf8)) }
  }

  @Test func aDocumentWithoutItsObjectIsRefused() {
    var document = Self.filing
    document.object = nil
    #expect(throws: DecodingFailure.self) { try Document(decoding: document.encoded()) }
  }

  @Test func aRecordWithoutAnIdIsRefused() {
    #expect(throws: DecodingFailure.self) { try NewsArticle(decoding: Array(#"{"source":"x","title":"x"}"#.utf8)) }
    #expect(throws: DecodingFailure.self) { try SentimentEvent(decoding: Array(#"{"symbol":"AAPL"}"#.utf8)) }
  }
}
