import Core
import Messages
import NewsSimulator
import Redis
import Sentiment
@testable import SentimentWorkerService
import Testing
import TestSupport
import Values

/// What is read of posts.
@Suite struct PostReaderTests {
  private let reader = ArticleReader(SentimentScorer(.finance), .large)

  private func read(_ post: SocialPost) throws -> ReadArticle {
    guard case .article(let read) = reader.read(post) else { throw Failure(.data, code: "refused", "\(post)") }
    return read
  }

  /// Handles, links, hashtags, glued emoji, negation: who is meant, and what is said of it.
  @Test(arguments: [
    ("$AAPL🚀🚀 @tesla_fan https://x.com/NVDA/status/1", ["AAPL"], 1),
    ("📉$TSLA", ["TSLA"], -1), ("👎 $MSFT is not good", ["MSFT"], -1),
    ("I don't think $INTC will crash", ["INTC"], 1), ("$NFLX 👍🏽 \u{2764}\u{fe0f}", ["NFLX"], 1),
    ("r/stocks and u/warren_b like $PFE, strong growth", ["PFE"], 1),
    ("> $BA will crash and burn\n\nNo. $WMT beats estimates", ["WMT"], 1),
    ("[Boeing](https://www.wire.example/fraud-probe) shares rise", ["BA"], 1),
    ("@AAPL #MSFT hello", [], 0), ("www.wire.example/NVDA/stock lunch", [], 0),
  ] as [(String, [String], Int)])
  func postsAreReadAsPeopleWriteThem(_ text: String, _ symbols: [String], _ sign: Int) throws {
    let read = try read(News.post("1", text))
    #expect(read.mentions.map(\.symbol) == symbols && read.kind == "social" && read.outlet == "x")
    #expect(read.polarity.compound.signum() == sign, "\(read.polarity.compound)")
  }

  @Test func languageIsWhatTheSourceSaysOrTheTextShows() throws {
    #expect(try read(News.post("1", "$MSFT", language: "de")).language == .other("de"))
    #expect(try read(News.post("1", "$MSFT 🚀", language: "en")).language == .english)
    #expect(try read(News.post("1", "Die Aktie von $MSFT steigt nach den Zahlen")).language == .other("de"))
    #expect(try read(News.post("1", "$MSFT は上がると思います")).language == .other("ja"))
    #expect(try read(News.post("1", "$MSFT 🚀🚀🚀")).mentions.map(\.symbol) == ["MSFT"])
  }

  @Test func aCopyIsOneWhateverPeopleAddToIt() throws {
    let headline = "Microsoft shares surge 7% after record quarter beats estimates"
    let first = Fingerprint(title: headline)
    for text in [
      "\(headline) $MSFT https://t.co/abc", "🚨 BREAKING: \(headline) 🚀 @wire",
      "\(headline)\n\nhttps://wire.example/a",
    ] {
      #expect(try read(News.post("1", text)).fingerprint.isCopy(of: first), "\(text)")
    }
    #expect(PlainText.of(headline) == headline && PlainText.forCopies(headline) == headline)
    #expect(PlainText.of("mail me: a@b.example, either/or") == "mail me: a@b.example, either/or")
  }
}

/// Articles and posts in, events out, on a real Redis.
@Suite(.timeLimit(.minutes(15))) struct PostSinkTests {
  private static let title = "Microsoft shares surge 7% after record quarter beats estimates"

  /// One story in two outlets and on two sites, however many people repeat it; withdrawals take one after the other.
  @Test func aStoryGoesOverArticlesAndPosts() async throws {
    let fixture = try await SentimentFixture()
    let article = News.article("a", Self.title, "The company told investors in Dublin.", ago: 900)
    let copy = News.article("b", Self.title, outlet: "CNBC", ago: 800)
    let tweets = (0..<30).map { News.post("\($0)", "\(Self.title) $MSFT https://t.co/\($0)", ago: 700 - $0) }
    let link = News.post("t3_l", "", title: Self.title, source: "reddit", ago: 600)
    try await fixture.sink().write([article])
    try await fixture.sink().write(tweets)
    try await fixture.sink().write([copy])
    try await fixture.sink().write([link])
    var event = try #require(fixture.holding.first)
    #expect(fixture.holding.count == 1 && event.sources == 4 && event.kind == "news" && event.outlet == "Reuters")
    func withdraw(_ post: SocialPost) -> SocialPost {
      .withdrawal(of: post.id, source: post.source, publishedAt: post.publishedAt, knownAt: News.at(20))
    }
    try await fixture.sink().write(tweets.dropLast().map(withdraw))
    try #expect(#require(fixture.holding.first).sources == 4)
    try await fixture.sink().write([withdraw(tweets[29])])
    try #expect(#require(fixture.holding.first).sources == 3)
    // The articles go, and what stands is a post.
    try await fixture.sink().write([article.withdrawal(knownAt: News.at(20)), copy.withdrawal(knownAt: News.at(20))])
    event = try #require(fixture.holding.first)
    #expect(event.sources == 1 && event.kind == "social" && event.source == "reddit" && event.title == Self.title)
    try await fixture.sink().write([withdraw(link)])
    event = try #require(fixture.holding.first)
    #expect(fixture.holding.count == 1 && event.withdrawn && event.title.isEmpty)
    let key = "\(fixture.settings.prefix)story:\(event.cluster)"
    let stored = try await fixture.client.send(.init("GET", key)).text ?? ""
    #expect(!stored.isEmpty && !stored.contains("Microsoft") && !stored.contains("example"))
  }

  /// News and posts of one corpus in random order over three replicas, with repeats: the truth of both.
  @Test(arguments: 0..<2) func theCorporaComeOutAsTheirTruth(_ seed: Int) async throws {
    let fixture = try await SentimentFixture()
    let news = NewsCorpus(seed: UInt64(seed) + 90, stories: 40)
    let social = SocialCorpus(seed: UInt64(seed), texts: 60, news: news, removed: 2)
    var random = TestRandom("posts \(seed)")
    let sinks = (0..<3).map { _ in fixture.sink() }
    let (articles, posts) = (News.articles(news), News.posts(social))
    for isWithdrawn in [false, true] {
      var rest = articles.filter { $0.withdrawn == isWithdrawn }.shuffled(using: &random)
      var others = posts.filter { $0.withdrawn == isWithdrawn }.shuffled(using: &random)
      while !rest.isEmpty || !others.isEmpty {
        let sink = sinks.randomElement(using: &random)!
        let part = Array(rest.prefix(Int.random(in: 0...20, using: &random)))
        let other = Array(others.prefix(Int.random(in: 0...20, using: &random)))
        (rest, others) = (Array(rest.dropFirst(part.count)), Array(others.dropFirst(other.count)))
        try await sink.write(part)
        try await sink.write(other)
        if Bool.random(using: &random) { try await sinks.randomElement(using: &random)!.write(other) }
      }
    }
    let live = fixture.holding.filter { !$0.withdrawn }
    func sign(_ score: ExactDecimal) -> Int { score.isZero ? 0 : score.isNegative ? -1 : 1 }
    let found = live.map { "\($0.symbol) \($0.sources) \(sign($0.score))" }
    let ofNews = news.stories.map { story in
      let sites = social.posts.filter { $0.repeats == story.number && $0.removed == nil }.map(\.site.rawValue)
      return (story.symbol, story.outlets.union(sites).count, story.sign)
    }
    let ofPosts = social.texts.map { ($0.symbol, $0.sites.count, $0.sign) }
    let expected = (ofNews + ofPosts).filter { $0.1 > 0 }.map { "\($0.0) \($0.1) \($0.2)" }
    #expect(found.sorted() == expected.sorted())
    #expect(fixture.holding.filter(\.withdrawn).allSatisfy { $0.title.isEmpty && $0.url.isEmpty })
  }
}
