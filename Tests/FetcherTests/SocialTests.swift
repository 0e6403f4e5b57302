import Budgets
import Catalogue
import Core
@testable import FetcherService
import Foundation
@testable import HTTP
@testable import Kafka
import LocalServers
import Markets
import Messages
import NewsSimulator
@testable import Pipeline
import ServiceKit
import Synchronization
import Testing
import TestSupport
import Values

/// A fetcher of posts without Kafka: the results and messages of its handler, in front of the simulator.
struct SocialStage: Sendable {
  let handler: TaskHandler
  let kind: DataSourceKind
  private let emitted = Emitted()

  private final class Emitted: Sendable {
    let posts = Mutex<[SocialPost]>([])
  }

  init(
    _ url: String, _ kind: DataSourceKind, store: any HistoryStore<SocialHistory> = MemoryHistoryStore<SocialHistory>(),
    key: String = "key", more: String = "", now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) throws {
    self.kind = kind
    let rest = kind == .reddit
      ? ", secret: env:S, user-agent: \"test:souk:1 (by /u/souk)\", communities: [stocks, investing]" : ""
    let row = "{name: s, kind: \(kind.rawValue), url: \"\(url)\", key: env:K\(rest)\(more)}"
    let source = try #require(try DataSource.read(yaml: "sources:\n  - \(row)", origin: "test").first)
    let http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", protocols: .http2))
    let gate = ProviderGate(
      "s", word: "s",
      settings: .init(
        breaker: .init(openFor: .milliseconds(5), openAtMost: .milliseconds(5)), longestPause: .milliseconds(1)),
      concurrency: 4,
      tokens: try LocalTokens(source.limits), logger: quiet, now: now)
    let client = SourceClient(
      source, key: key, secret: key, userAgent: try source.userAgent?.resolve(), gate: gate, http: http,
      maxBytes: 8 << 20)
    handler = TaskHandler(
      .social, adapter: SocialAdapter(store: store, logger: quiet), sources: [client],
      identity: ServiceIdentity(name: "fetcher"), readiness: FetchHandler.Readiness(Health()), logger: quiet, now: now)
  }

  /// Handles a task, again after what passes.
  @discardableResult
  func handle(lookback: Int64? = 86_400, symbols: [String]? = nil) async throws -> Disposition {
    let wanted = symbols ?? (kind == .x ? NewsCorpus.companies.map(\.symbol) : [])
    let task = FetchTask(kind: .social, source: "s", symbols: wanted, lookback: lookback, dueAt: Timestamp.now())
    while true {
      do {
        return try await handler.handle(Stage.job(task.encoded()), emit: Emitter { [emitted] batch in
          for item in batch.items {
            let bytes = batch.bytes[item.value.start..<item.value.start + item.value.count]
            let post = try SocialPost(decoding: Array(bytes))
            emitted.posts.withLock { $0.append(post) }
          }
        })
      } catch let error as any ClassifiedError where error.errorClass == .transient {
        try await Task.sleep(for: .milliseconds(5))
      }
    }
  }

  var posts: [SocialPost] { emitted.posts.withLock { $0 } }
}

@Suite(.timeLimit(.minutes(15))) struct SocialAdapterTests {
  private static let news = NewsCorpus(seed: 2, stories: 0)

  private func expect(_ posts: [SocialPost], _ simulator: SocialSimulator, _ site: SocialCorpus.Site) {
    let mine = simulator.corpus.posts.filter { $0.site == site && (site == .reddit || $0.text.contains("$")) }
    let live = posts.filter { !$0.withdrawn }.map(\.id)
    #expect(Set(live).count == live.count, "a post was published twice")
    #expect(Set(live) == Set(mine.map { simulator.id(of: $0) }))
    let gone = posts.filter(\.withdrawn).map(\.id)
    #expect(Set(gone).count == gone.count, "a post was withdrawn twice")
    #expect(Set(gone) == Set(mine.filter { $0.removed != nil }.map { simulator.id(of: $0) }))
    #expect(posts.filter(\.withdrawn).allSatisfy { $0.text.isEmpty && $0.url.isEmpty && $0.author.isEmpty })
  }

  /// Several pages, limits with status 429 and 200, a token that ends, an outage, half an answer; late posts and
  /// removed ones: each is published once, and withdrawn once.
  @Test func postsOfRedditArePublishedOnceAndWithdrawnOnce() async throws {
    let corpus = SocialCorpus(seed: 8, texts: 220, removed: 2)
    let clock = Mutex(Int64(0))
    try await NewsSimulator.serving(Self.news, social: corpus, ticks: false) { simulator in
      let social = simulator.social
      let stage = try SocialStage(simulator.url, .reddit) {
        Timestamp(microseconds: WallClock.microseconds() + clock.withLock { $0 })!
      }
      for mode in [SocialSimulator.Mode.rateLimited, .tokenEnded, .outage, .cut, .error200, .lastRequest] {
        social.misbehave(.reddit, mode)
      }
      // The last request of a period may end it after a page; the next task reads what is below what is known.
      #expect(try await stage.handle() == .keep)
      try await stage.handle()
      #expect(social.requests["reddit token"] == 2 && social.requests["reddit limited"] == 2)
      #expect(stage.posts.count { !$0.withdrawn } > 110, "all pages are read")
      simulator.setClock(3_600)
      clock.withLock { $0 = 660 * 1_000_000 }
      // What was removed is not in the pages any more: it is asked for by name, a hundred at a time.
      for _ in 0..<3 { try await stage.handle() }
      expect(stage.posts, social, .reddit)
      #expect(try await stage.handle() == .skip(reason: "unchanged"))
    }
  }

  @Test func aCursorWhosePostIsGoneEndsNothing() async throws {
    let corpus = SocialCorpus(seed: 9, texts: 220, removed: 0)
    try await NewsSimulator.serving(Self.news, social: corpus, ticks: false) { simulator in
      simulator.setClock(3_600)
      let stage = try SocialStage(simulator.url, .reddit)
      simulator.social.misbehave(.reddit, .staleCursor, times: 2)
      try await stage.handle()
      expect(stage.posts, simulator.social, .reddit)
    }
  }

  @Test func postsOfXArePublishedOnceAndWithdrawnOnce() async throws {
    let corpus = SocialCorpus(seed: 10, texts: 220, removed: 2)
    let clock = Mutex(Int64(0))
    try await NewsSimulator.serving(Self.news, social: corpus, ticks: false) { simulator in
      let social = simulator.social
      let stage = try SocialStage(simulator.url, .x) {
        Timestamp(microseconds: WallClock.microseconds() + clock.withLock { $0 })!
      }
      for mode in [SocialSimulator.Mode.rateLimited, .outage, .cut, .staleCursor, .error200, .lastRequest] {
        social.misbehave(.x, mode)
      }
      #expect(try await stage.handle() == .keep)
      try await stage.handle()
      #expect(stage.posts.count { !$0.withdrawn } > 110, "all pages are read")
      simulator.setClock(3_600)
      // What was removed is noticed when it was not seen for six hours.
      clock.withLock { $0 = 7 * 3_600 * 1_000_000 }
      for _ in 0..<3 { try await stage.handle() }
      expect(stage.posts, social, .x)
      #expect(social.requests["x limited"] == 2 && social.requests["x invalid"] == 1)
    }
  }

  /// A plan of so many posts a month: not one more is read, and the task is left out.
  @Test func theMonthOfXEnds() async throws {
    let corpus = SocialCorpus(seed: 11, texts: 300, removed: 0)
    try await NewsSimulator.serving(Self.news, social: corpus) { simulator in
      let stage = try SocialStage(simulator.url, .x, more: ", monthly-reads: 150")
      #expect(try await stage.handle() == .keep)
      #expect(simulator.social.reads <= 150 && stage.posts.count == simulator.social.reads)
      #expect(try await stage.handle() == .skip(reason: "budget_spent"))
      #expect(simulator.social.reads <= 150)
    }
  }

  /// The next question begins a little before the newest post: with a look-back of its own, not of a day.
  @Test func aSecondQuestionReadsLittle() async throws {
    let corpus = SocialCorpus(seed: 12, texts: 120, removed: 0)
    try await NewsSimulator.serving(Self.news, social: corpus) { simulator in
      let stage = try SocialStage(simulator.url, .x)
      try await stage.handle()
      let first = simulator.social.reads
      try await stage.handle(lookback: nil)
      #expect(simulator.social.reads - first < 20)
    }
  }

  @Test func aTaskOfRedditWithSymbolsWantsTheirPosts() async throws {
    let corpus = SocialCorpus(seed: 13, texts: 60, removed: 0)
    try await NewsSimulator.serving(Self.news, social: corpus) { simulator in
      simulator.setClock(3_600)
      let stage = try SocialStage(simulator.url, .reddit)
      try await stage.handle(symbols: ["MSFT"])
      let expected = corpus.posts.filter { post in
        post.site == .reddit && post.story.map { corpus.texts[$0].symbol == "MSFT" } ?? post.title.contains("$MSFT")
      }
      #expect(Set(stage.posts.map(\.id)) == Set(expected.map { simulator.social.id(of: $0) }) && !expected.isEmpty)
    }
  }

  @Test func aWrongKeySuspendsTheSource() async throws {
    try await NewsSimulator.serving(Self.news) { simulator in
      for kind in [DataSourceKind.reddit, .x] {
        let stage = try SocialStage(simulator.url, kind, key: "wrong")
        let task = FetchTask(kind: .social, source: "s", symbols: ["AAPL"], dueAt: Timestamp.now())
        await #expect {
          try await stage.handler.handle(Stage.job(task.encoded()), emit: Emitter { _ in })
        } throws: { ($0 as? FetchError)?.kind == .refused }
      }
    }
  }

  /// The executable prints what it would publish, of both sites, and stops.
  @Test func aTestPrintsWhatWouldBePublished() async throws {
    let corpus = SocialCorpus(seed: 14, texts: 80, removed: 0)
    try await NewsSimulator.serving(Self.news, social: corpus) { simulator in
      simulator.setClock(3_600)
      try await withTemporaryDirectory { folder in
        try Data("key".utf8).write(to: URL(filePath: folder + "/key"))
        try Data("""
          sources:
            - {name: x, kind: x, key: "file:\(folder)/key", url: "\(simulator.url)"}
            - {name: reddit, kind: reddit, key: "file:\(folder)/key", secret: "file:\(folder)/key",
               url: "\(simulator.url)", user-agent: "linux:souk:1 (by /u/souk)", communities: [stocks, investing]}
          """.utf8).write(to: URL(filePath: folder + "/sources.yaml"))
        let outcome = try await ServiceProcess.run(
          "fetcher",
          ["--kind", "social", "--data-sources", folder + "/sources.yaml", "--allow-private-addresses", "--test",
           "--ticker", "MSFT"], environment: ["HTTP_PORT": "0"])
        #expect(outcome.status == .exited(0), "\(outcome.errorOutput)")
        let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("social-posts {") }
        for site in SocialCorpus.Site.allCases {
          let expected = corpus.posts.filter { $0.site == site && ($0.title + $0.text).contains("$MSFT") }
          #expect(lines.count { $0.contains("\"source\":\"\(site.rawValue)\"") } == expected.count && !expected.isEmpty)
        }
      }
    }
  }
}
