import Foundation
import LocalServers
import Redis
import Sentiment
import Testing
import TestSupport

@Suite struct CanonicalURLTests {
  @Test(arguments: [
    ("HTTP://www.Example.com:80/News/Story/?utm_source=x&b=2&a=1#top", "https://example.com/News/Story?a=1&b=2"),
    ("https://m.example.com/story/amp/", "https://example.com/story"),
    ("https://amp.example.com/amp/story", "https://example.com/story"),
    ("https://example.com/story.amp?fbclid=1&gclid=2&ref=home", "https://example.com/story"),
    ("https://example.com/a%2fb%7Ec%c3%a9", "https://example.com/a%2Fb~c%C3%A9"),
    ("https://news.google.com/articles/CBMi?hl=en", "https://news.google.com/articles/CBMi?hl=en"),
    ("https://finance.yahoo.com/news/x.html?.tsrc=rss", "https://finance.yahoo.com/news/x.html?.tsrc=rss"),
    ("https://m.com/x", "https://m.com/x"), ("https://example.com", "https://example.com"),
    ("https://example.com?id=7", "https://example.com?id=7"), ("  https://example.com/x \n", "https://example.com/x"),
  ])
  func oneAddressHasOneSpelling(_ given: String, _ expected: String) {
    #expect(CanonicalURL.of(given) == expected)
    // Canonical once and for all.
    #expect(CanonicalURL.of(expected) == expected)
  }

  @Test(arguments: ["", "example.com/x", "ftp://example.com/x", "javascript:alert(1)", "https://", "https://a@b.c/"])
  func whatIsNoAddressHasNone(_ given: String) { #expect(CanonicalURL.of(given) == nil) }
}

@Suite struct FingerprintTests {
  private let description = """
    The company said on Tuesday that revenue rose to a record in the last quarter of the year, and that it expects \
    demand in China to recover in the spring.
    """

  private func print(_ title: String, _ description: String = "", _ outlet: String = "") -> Fingerprint {
    Fingerprint(title: title, description: description, outlet: outlet)
  }

  @Test(arguments: [
    ("Apple shares surge after record iPhone quarter - CNBC", "CNBC"),
    ("UPDATE 2-Apple shares surge after record iPhone quarter", "Reuters"),
    ("Apple shares surge after record iPhone quarter | Market Watch", "Market Watch"),
    ("Apple shares surge after record \u{201c}iPhone\u{201d} quarter", ""),
  ])
  func aWireStoryIsACopyInEveryOutlet(_ title: String, _ outlet: String) {
    let first = print("Apple shares surge after record iPhone quarter", description)
    let copies = [
      print(title, description, outlet), print(title, "", outlet), print(title, String(description.prefix(90)), outlet),
    ]
    for copy in copies {
      #expect(copy.isCopy(of: first) && first.isCopy(of: copy))
      #expect(!Set(copy.blocks).isDisjoint(with: first.blocks))
    }
  }

  @Test(arguments: [
    // A headline of a kind that differs in its number, in what happened, in the company.
    ("Apple shares surge 3% after record quarter", "Apple shares surge 4% after record quarter"),
    ("Apple shares surge after record iPhone quarter", "Apple shares fall on weak demand in China this spring"),
    ("Apple to open its largest store in Mumbai", "Tesla to open its largest plant in Berlin next year"),
  ])
  func otherStoriesAreNone(_ first: String, _ second: String) {
    #expect(!print(first).isCopy(of: print(second)))
    #expect(!print(first, "One text about it, as the agency has it.").isCopy(of: print(second, description)))
  }

  @Test func similarityIsTheCommonPart() {
    #expect(Fingerprint.similarity([1, 2, 3], [2, 3, 4]) == 0.5)
    #expect(Fingerprint.similarity([], []) == 0 && Fingerprint.similarity([1], []) == 0)
  }

  /// Redis keeps what a version before this one computed.
  @Test func theHashesDoNotChange() {
    let fingerprint = print("Apple shares surge 3%", "Demand is strong")
    #expect(fingerprint.title.count == 4 && fingerprint.text.count == 7 && fingerprint.numbers != 0)
    #expect(fingerprint == print("apple SHARES surge 3%", "Demand is: strong!"))
    #expect(fingerprint.blocks.count == 8 && Set(fingerprint.blocks.map { $0 >> 16 }) == Set(0..<8))
  }
}

@Suite struct TickerMentionsTests {
  private let mentions = TickerMentions(.large)

  private func found(_ text: String) -> [String: Mention.Rule] {
    Dictionary(uniqueKeysWithValues: mentions.find(in: text).map { ($0.symbol, $0.rule) })
  }

  @Test(arguments: [
    ("$AAPL to the moon", ["AAPL": .cashtag]),
    ("buying $aapl and $BRK.B, $brk-b", ["AAPL": .cashtag, "BRK.B": .cashtag]),
    ("$V and $T are up", ["V": .cashtag, "T": .cashtag]), ("a $5 bill, $w+$Z and US$V", [:]),
    ("Visa (NYSE: V) beats", ["V": .exchange]), ("Apple Inc. (NASDAQ:AAPL)", ["AAPL": .exchange]),
    ("Johnson & Johnson recalls a drug", ["JNJ": .name]),
    ("Microsoft and Nvidia sign a deal", ["MSFT": .name, "NVDA": .name]),
    ("Apple shares rise", ["AAPL": .nameWithCue]), ("Apple's CEO resigns", ["AAPL": .nameWithCue]),
    ("Apple\u{2019}s earnings", ["AAPL": .nameWithCue]), ("McDonald's names a new chief", ["MCD": .name]),
    ("An apple a day, stock up on fruit", [:]), ("Apple pie is best in autumn", [:]),
    ("Visa rules for students change", [:]), ("Target raises its price target", ["TGT": .nameWithCue]),
    ("IBM stock falls", ["IBM": .tickerWithCue]), ("AMD earnings beat", ["AMD": .tickerWithCue]),
    ("I lost IT ALL, YOLO", [:]), ("THE COST OF LIVING IS RISING IN THE USA", [:]),
    ("The COST of shares", ["COST": .tickerWithCue]),
    ("Bank of America and Morgan Stanley", ["BAC": .name, "MS": .name]),
    ("#AAPL @AAPL stock", [:]),
  ] as [(String, [String: Mention.Rule])])
  func theCompaniesThatAreMeantAreFound(_ text: String, _ expected: [String: Mention.Rule]) {
    #expect(found(text) == expected)
  }

  @Test func evidenceIsThePartOfTheText() throws {
    let mention = try #require(mentions.find(in: "Shares of $AAPL: Apple is up").first)
    #expect(mention.symbol == "AAPL" && mention.evidence == "$AAPL" && mention.confidence == 99)
  }

  @Test func namesComeFromAFileOfTheSEC() async throws {
    try await withTemporaryDirectory { folder in
      let file = URL(filePath: folder + "/names.json")
      try Data(#"""
        {"0":{"cik_str":1,"ticker":"ZYX","title":"Zyxo Systems, Inc. /DE/"},
         "1":{"cik_str":2,"ticker":"QQB-B","title":"QUALIBAR HOLDINGS CORP"}}
        """#.utf8).write(to: file)
      let mentions = TickerMentions(try CompanyNames(file: file.path))
      #expect(mentions.find(in: "Qualibar and Zyxo Systems merge").map(\.symbol) == ["QQB.B", "ZYX"])
      try Data("{\"0\":[]}".utf8).write(to: file)
      #expect { try CompanyNames(file: file.path) } throws: { "\($0)".contains("company_tickers.json") }
    }
  }
}

/// Companies that every service takes up from Redis.
@Suite struct CompanyBookTests {
  private static let table = Array(#"""
    {"0":{"cik_str":1,"ticker":"ZYX","title":"Zyxo Systems, Inc. /DE/"},
     "1":{"cik_str":2,"ticker":"PLNT","title":"PLANET HOLDINGS CORP"},
     "2":{"cik_str":3,"ticker":"MSFT","title":"MICROSOFT CORP"}}
    """#.utf8)

  @Test func aTableThatAFetcherKeepsIsTakenUp() async throws {
    let server = try await PrivateRedis.start()
    let queue = RedisMultiplexer(RedisClient(RedisConfiguration(url: try RedisURL(server.url))))
    let (book, given) = (CompanyBook(.large, updatedBy: queue, every: .zero), CompanyBook(.large))
    let lazy = CompanyBook(.large, updatedBy: queue, every: .seconds(3_600))
    func found(_ book: CompanyBook, _ text: String) async throws -> [String: Mention.Rule] {
      let mentions = TickerMentions(try await book.current())
      return Dictionary(uniqueKeysWithValues: mentions.find(in: text).map { ($0.symbol, $0.rule) })
    }
    #expect(try await found(book, "Zyxo Systems and Microsoft") == ["MSFT": .name])
    #expect(try await found(lazy, "Zyxo Systems") == [:])
    for _ in 0..<2 { try await CompanyBook.keep(Self.table, in: queue) }
    #expect(try await found(book, "Zyxo Systems, Microsoft and Morgan Stanley")
      == ["ZYX": .name, "MSFT": .name, "MS": .name])
    // One word of the language, as many of ten thousand companies are called.
    #expect(try await found(book, "Planet Earth is warm") == [:])
    #expect(try await found(book, "Planet shares rise") == ["PLNT": .nameWithCue])
    for other in [given, lazy] { #expect(try await found(other, "Zyxo Systems") == [:]) }
    // What is no table changes nothing.
    try await CompanyBook.keep(Array("{".utf8), in: queue)
    #expect(try await found(book, "Zyxo Systems") == ["ZYX": .name])
    await server.stop()
    await #expect(throws: RedisError.self) { try await book.current() }
  }
}
