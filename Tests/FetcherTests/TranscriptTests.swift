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
import ObjectStore
@testable import Pipeline
import ServiceKit
import Synchronization
import Testing
import TestSupport
import Values

@Suite struct TranscriptAnswerTests {
  private func read(_ body: String, status: Int = 200) throws -> (bytes: [UInt8], date: Timestamp?)? {
    let head = HTTPResponseHead(status: status, headers: [:], url: try HTTPURL("https://provider.example/query"))
    return try TranscriptAnswer.read(HTTPResponse(head: head, body: Array(body.utf8)))
  }

  @Test func aTranscriptIsTheWholeAnswer() throws {
    let whole = #"{"symbol":"IBM","quarter":"2024Q1","transcript":[{"speaker":"Ann","content":"Hello"}]}"#
    #expect(try #require(try read(whole)).bytes == Array(whole.utf8))
    let rows = #"[{"symbol":"IBM","quarter":1,"year":2024,"date":"2024-04-24 17:05:00","content":"Ann: Hello\n"}]"#
    let answer = try #require(try read(rows))
    #expect(answer.bytes == Array(rows.utf8))
    #expect(answer.date == Timestamp(year: 2024, month: 4, day: 24, hour: 17, minute: 5))
    #expect(TranscriptAnswer.date("2024-04-24") == Timestamp(year: 2024, month: 4, day: 24))
    #expect(TranscriptAnswer.date("soon") == nil)
    // Not yet.
    for empty in [#"{"symbol":"IBM","quarter":"2024Q1","transcript":[]}"#, "[]", #"[{"content":""}]"#] {
      #expect(try read(empty) == nil)
    }
  }

  @Test(arguments: [
    (200, #"{"Information":"Our standard API rate limit is 25 requests per day."}"#, FetchErrorKind.dayQuotaSpent),
    (200, #"{"Error Message":"the parameter apikey is invalid or missing."}"#, .refused),
    (429, #"{"Error Message":"Limit Reach . Please upgrade your plan"}"#, .rateLimited),
    (402, #"{"Error Message":"Exclusive Endpoint : This endpoint is not available under your current subscription"}"#,
     .notEntitled),
    (200, "{}", .unrecognised), (200, "<html>", .unreadable),
  ])
  func aMessageHasItsMeaning(_ status: Int, _ body: String, _ kind: FetchErrorKind) {
    #expect { try read(body, status: status) } throws: { ($0 as? FetchError)?.kind == kind }
  }

  @Test func quartersAreCounted() {
    let quarter = FiscalQuarter("2025q4")
    #expect(quarter?.description == "2025Q4" && quarter?.advanced(by: 1).description == "2026Q1")
    #expect(quarter?.advanced(by: -4).description == "2024Q4")
    #expect(FiscalQuarter("2025Q5") == nil && FiscalQuarter("25Q1") == nil && FiscalQuarter("2025-4") == nil)
    func ended(_ month: Int) -> String {
      FiscalQuarter(endedBefore: Timestamp(year: 2026, month: month, day: 1)!).description
    }
    #expect(ended(1) == "2025Q4" && ended(3) == "2025Q4" && ended(4) == "2026Q1" && ended(12) == "2026Q3")
    var history = TranscriptHistory()
    history.calls["BRK.B-2025Q4"] = .init(sha256: "a", publishedAt: 1, knownAt: 2)
    history.calls["BRK.B-2024Q4"] = .init(sha256: "b", publishedAt: 1, knownAt: 2)
    #expect(history.latest(of: "BRK.B")?.description == "2025Q4" && history.latest(of: "BRK") == nil)
    #expect(TranscriptHistory(history.text) == history && TranscriptHistory("a b") == nil)
  }
}

/// A fetcher of transcripts without Kafka, in front of the simulator or of files, over a folder as object store.
struct TranscriptStage: Sendable {
  let handler: TaskHandler
  let store: FileStore
  private let emitted = Emitted()

  private final class Emitted: Sendable {
    let documents = Mutex<[Document]>([])
  }

  init(_ row: String, folder: String, now: @escaping @Sendable () -> Timestamp = Timestamp.now) throws {
    let source = try #require(try DataSource.read(yaml: "sources:\n  - {name: s, \(row)}", origin: "test").first)
    let http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", protocols: .http2))
    let gate = ProviderGate(
      "s", word: "s", settings: .init(longestPause: .milliseconds(1)), concurrency: 4,
      tokens: try LocalTokens(source.limits), logger: quiet, now: now)
    let client = SourceClient(source, key: "key", secret: nil, gate: gate, http: http, maxBytes: 8 << 20)
    try FileManager.default.createDirectory(atPath: folder + "/store", withIntermediateDirectories: true)
    store = try FileStore(path: folder + "/store")
    let adapter = TranscriptsAdapter(
      store: MemoryHistoryStore<TranscriptHistory>(), shelf: DocumentShelf(store), largest: 1 << 20, logger: quiet)
    handler = TaskHandler(
      .transcripts, adapter: adapter, sources: [client], identity: ServiceIdentity(name: "fetcher"),
      readiness: FetchHandler.Readiness(Health()), logger: quiet, now: now)
  }

  @discardableResult
  func handle(_ symbols: [String], lookback: Int64? = nil) async throws -> Disposition {
    let task = FetchTask(kind: .transcripts, source: "s", symbols: symbols, lookback: lookback)
    return try await handler.handle(Stage.job(task.encoded()), emit: Emitter { [emitted] batch in
      for item in batch.items {
        let document = try Document(
          decoding: Array(batch.bytes[item.value.start..<item.value.start + item.value.count]))
        emitted.documents.withLock { $0.append(document) }
      }
    })
  }

  var documents: [Document] { emitted.documents.withLock { $0 } }

  /// The bytes that a document points at.
  func bytes(of document: Document) async throws -> String {
    let key = try store.location.key(of: document.object ?? "")
    return String(decoding: try await store.bytes(of: key, limit: 1 << 20), as: UTF8.self)
  }
}

@Suite(.timeLimit(.minutes(15))) struct TranscriptsAdapterTests {
  /// Stored before it is told of, once; the next quarter when it is there; a correction; what the plan does not have.
  @Test(arguments: ["alpha-vantage", "fmp"]) func callsAreStoredAndPublishedOnce(_ kind: String) async throws {
    let clock = Mutex(Timestamp(year: 2026, month: 11, day: 2)!)
    try await NewsSimulator.serving(NewsCorpus(seed: 1, stories: 0)) { simulator in
      try await withTemporaryDirectory { folder in
        let calls = simulator.transcripts
        calls.set("AAPL", "2026Q2", "Ann: Hello\nBob: Hi")
        calls.set("AAPL", "2026Q1", "Ann: Old")
        let stage = try TranscriptStage(
          "kind: \(kind), key: env:K, url: \"\(simulator.url)\"", folder: folder) { clock.withLock { $0 } }
        #expect(try await stage.handle(["AAPL"]) == .keep)
        let first = try #require(stage.documents.first)
        #expect(stage.documents.count == 1 && first.id == "AAPL-2026Q2" && first.kind == .transcript)
        #expect(first.issuer == "AAPL" && first.symbols == ["AAPL"] && first.period == "2026Q2")
        #expect(first.title == "Apple 2026Q2 earnings call" && first.mediaType == "application/json")
        #expect(!first.url.contains("apikey") && first.publishedAt <= first.knownAt)
        #expect(try await stage.bytes(of: first) == calls.body("AAPL", "2026Q2", kind))
        #expect(try await stage.handle(["AAPL"]) == .skip(reason: "unchanged"))
        // A correction within the week, and the next two quarters; a symbol that has none is no failure.
        calls.set("AAPL", "2026Q2", "Ann: Hello again")
        calls.set("AAPL", "2026Q3", "Ann: Three")
        calls.set("AAPL", "2026Q4", "Ann: Four")
        #expect(try await stage.handle(["AAPL"]) == .keep)
        #expect(stage.documents.map(\.id) == ["AAPL-2026Q2", "AAPL-2026Q2", "AAPL-2026Q3", "AAPL-2026Q4"])
        #expect(stage.documents[1].publishedAt == first.publishedAt && stage.documents[1].object != first.object)
        #expect(try await stage.bytes(of: first).contains("Hi"), "what was stored does not change")
        #expect(try await stage.handle(["MSFT"]) == .skip(reason: "unchanged"))
        // All of two years, by hand.
        try await stage.handle(["AAPL"], lookback: 2 * 365 * 86_400)
        #expect(stage.documents.last?.id == "AAPL-2026Q1" && stage.documents.count == 5)
        // A limit with status 200 ends the task, to be tried again.
        calls.limit(1)
        await #expect { try await stage.handle(["AAPL"]) } throws: { ($0 as? FetchError)?.kind.isRateLimit == true }
      }
    }
  }

  @Test func filesAreComparedWithWhatWasPublished() async throws {
    try await withTemporaryDirectory { folder in
      let calls = folder + "/calls"
      try FileManager.default.createDirectory(atPath: calls, withIntermediateDirectories: true)
      func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(calls)/\(name)"))
      }
      try write("AAPL-2025Q4.html", "<p><b>Ann</b></p><p>Hello</p>")
      try write("BRK-B_2025Q3.json", "[]")
      try write("notes.html", "no call")
      try write(".hidden-2025Q1.txt", "an editor's")
      try write("MSFT-2025Q1.txt", "")
      let stage = try TranscriptStage("kind: files, folder: \(calls)", folder: folder)
      try await stage.handle([])
      #expect(stage.documents.map(\.id) == ["AAPL-2025Q4", "BRK.B-2025Q3"])
      #expect(stage.documents.map(\.mediaType) == ["text/html", "application/json"])
      #expect(try await stage.bytes(of: stage.documents[0]).hasPrefix("<p>"))
      #expect(try await stage.handle([]) == .skip(reason: "unchanged"))
      // One is changed, and one is removed: it goes everywhere.
      try write("AAPL-2025Q4.html", "<p><b>Ann</b></p><p>Hello there</p>")
      try FileManager.default.removeItem(atPath: "\(calls)/BRK-B_2025Q3.json")
      try await stage.handle([])
      #expect(stage.documents.dropFirst(2).map(\.id) == ["AAPL-2025Q4", "BRK.B-2025Q3"])
      let gone = try #require(stage.documents.last)
      #expect(gone.withdrawn && gone.object == nil && gone.key == stage.documents[1].key)
      #expect(gone.partitionKey == stage.documents[1].partitionKey)
      // A folder without any file may be one that is not mounted.
      for name in try FileManager.default.contentsOfDirectory(atPath: calls) {
        try FileManager.default.removeItem(atPath: "\(calls)/\(name)")
      }
      #expect(try await stage.handle([]) == .skip(reason: "unchanged"))
      try FileManager.default.removeItem(atPath: calls)
      await #expect { try await stage.handle([]) } throws: { ($0 as? FetchError)?.kind == .unreadable }
    }
  }

  @Test func addressesOfAListAreFetched() async throws {
    try await NewsSimulator.serving(NewsCorpus(seed: 1, stories: 0)) { simulator in
      try await withTemporaryDirectory { folder in
        simulator.transcripts.set("AAPL", "2025Q4", "Ann: Hello")
        let list = folder + "/list"
        try Data("""
          # calls
          AAPL 2025Q4 \(simulator.url)/_transcripts/AAPL/2025Q4.html   # may be fetched
          MSFT 2025Q4 \(simulator.url)/_transcripts/MSFT/2025Q4.html
          wrong line
          """.utf8).write(to: URL(filePath: list))
        let stage = try TranscriptStage("kind: files, list: \(list)", folder: folder)
        try await stage.handle([])
        #expect(stage.documents.map(\.id) == ["AAPL-2025Q4"] && stage.documents[0].mediaType == "text/html")
        #expect(stage.documents[0].url.hasSuffix("/_transcripts/AAPL/2025Q4.html"))
        // Gone from its address.
        simulator.transcripts.set("AAPL", "2025Q4", nil)
        try await stage.handle([])
        #expect(stage.documents.map(\.withdrawn) == [false, true])
        #expect(try await stage.handle([]) == .skip(reason: "unchanged"))
      }
    }
  }

  /// The executable prints what it would publish, of each kind of source, stores nothing, and stops.
  @Test func aTestPrintsWhatWouldBePublished() async throws {
    try await NewsSimulator.serving(NewsCorpus(seed: 1, stories: 0)) { simulator in
      let quarter = FiscalQuarter(endedBefore: Timestamp.now()).description
      simulator.transcripts.set("AAPL", quarter, "Ann: Hello\nBob: Hi")
      try await withTemporaryDirectory { folder in
        try FileManager.default.createDirectory(atPath: folder + "/calls", withIntermediateDirectories: true)
        for (name, text) in [
          ("key", "key"), ("calls/AAPL-2025Q4.txt", "Ann: Hello"), ("calls/MSFT-2025Q4.txt", "Bob: Hello"),
          ("sources.yaml", """
            sources:
              - {name: vantage, kind: alpha-vantage, key: "file:\(folder)/key", url: "\(simulator.url)"}
              - {name: fmp, kind: fmp, key: "file:\(folder)/key", url: "\(simulator.url)"}
              - {name: own, kind: files, folder: "\(folder)/calls"}
            """),
        ] { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
        let outcome = try await ServiceProcess.run(
          "fetcher",
          ["--kind", "transcripts", "--data-sources", folder + "/sources.yaml", "--allow-private-addresses", "--test",
           "--ticker", "AAPL", "--object-store", "file://\(folder)/store"], environment: ["HTTP_PORT": "0"])
        #expect(outcome.status == .exited(0), "\(outcome.errorOutput)")
        let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("documents {") }
        #expect(lines.count == 3 && lines.allSatisfy { $0.contains(#""symbols":["AAPL"]"#) })
        for source in ["vantage", "fmp", "own"] {
          #expect(lines.contains { $0.contains("\"source\":\"\(source)\"") })
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/store"))
      }
    }
  }
}
