import Catalogue
import Core
import EdgarSimulator
@testable import FetcherService
import Foundation
@testable import HTTP
import LocalServers
import Markets
import Messages
import ObjectStore
import Testing
import TestSupport
import Values

/// What EDGAR's answers say.
@Suite struct EdgarAnswerTests {
  @Test func columnsBecomeRows() throws {
    let answer = try EdgarSubmissions(Array("""
      {"cik":"320193","name":"Apple Inc.","tickers":["AAPL"],"filings":{"recent":{
       "accessionNumber":["0000320193-25-000079","0000320193-25-000073"],"filingDate":["2025-10-31","2025-08-01"],
       "reportDate":["2025-09-27",""],"acceptanceDateTime":["2025-10-31T10:01:26.000Z","no time"],
       "form":["10-K","8-K"],"primaryDocument":["aapl-20250927.htm","x.htm"],"size":[9392337,1],"items":["","2.02"]},
       "files":[{"name":"CIK0000320193-submissions-001.json","filingCount":1,"filingFrom":"1994-01-26",
        "filingTo":"2015-05-20"},{"name":"../x","filingTo":"2015-05-20"}]}}
      """.utf8))
    #expect(answer.name == "Apple Inc." && answer.tickers == ["AAPL"] && answer.filings.count == 2)
    let first = answer.filings[0]
    #expect(first.accession == "0000320193-25-000079" && first.form == "10-K" && first.period == "2025-09-27")
    #expect(first.file == "aapl-20250927.htm" && first.size == 9_392_337 && first.acceptedAt != nil)
    #expect(answer.filings[1].acceptedAt == nil)
    #expect(answer.older.map(\.name) == ["CIK0000320193-submissions-001.json"], "a name must not leave the folder")
    // A file of older ones has no wrapper; columns of different lengths cannot be told apart.
    let older = #"{"accessionNumber":["a"],"filingDate":["d"],"reportDate":[""],"acceptanceDateTime":[""],"#
      + #""form":["10-Q"],"primaryDocument":["f"],"size":[1]}"#
    #expect(try EdgarSubmissions(Array(older.utf8)).filings.map(\.form) == ["10-Q"])
    let uneven = older.replacing(#""form":["10-Q"]"#, with: #""form":["10-Q","10-K"]"#)
    #expect(throws: FetchError.self) { try EdgarSubmissions(Array(uneven.utf8)) }
  }

  @Test func tablesAndIndexes() throws {
    let table = try EdgarAnswers.companies(Array("""
      {"0":{"cik_str":1067983,"ticker":"BRK-B","title":"B"},"1":{"cik_str":1652044,"ticker":"GOOG","title":"A"},
       "2":{"cik_str":1652044,"ticker":"GOOGL","title":"A"}}
      """.utf8))
    #expect(table == ["BRK.B": "0001067983", "GOOG": "0001652044", "GOOGL": "0001652044"])
    #expect(throws: FetchError.self) { try EdgarAnswers.companies(Array("{}".utf8)) }
    let rows = EdgarAnswers.index(Array("""
      Description:           Daily Index
      CIK|Company Name|Form Type|Date Filed|File Name
      --------------------------------------------------------------------------------
      320193|Apple Inc.|10-K|20251031|edgar/data/320193/0000320193-25-000079.txt
      """.utf8))
    #expect(rows == [.init(cik: "0000320193", form: "10-K", accession: "0000320193-25-000079")])
    let listing = #"{"directory":{"item":[{"name":"master.20251031.idx"},{"name":"form.20251031.idx"}]}}"#
    #expect(try EdgarAnswers.days(Array(listing.utf8)) == ["20251031"])
  }

  @Test(arguments: [
    (403, "<h1>Your Request Originates from an Undeclared Automated Tool</h1>", FetchErrorKind.refused),
    (403, "<title>SEC.gov | Request Rate Threshold Exceeded</title>", .rateLimited),
    (429, "", .rateLimited), (403, "<html>no</html>", .refused),
  ])
  func refusals(_ status: Int, _ body: String, _ kind: FetchErrorKind) throws {
    let head = HTTPResponseHead(status: status, headers: [:], url: try HTTPURL("https://edgar.example/"))
    #expect {
      _ = try EdgarAnswers.body(of: HTTPResponse(head: head, body: Array(body.utf8)))
    } throws: { ($0 as? FetchError)?.kind == kind }
  }

  @Test func whatIsNotThere() throws {
    func body(_ status: Int, _ text: String) throws -> [UInt8]? {
      let head = HTTPResponseHead(status: status, headers: [:], url: try HTTPURL("https://edgar.example/"))
      return try EdgarAnswers.body(of: HTTPResponse(head: head, body: Array(text.utf8)))
    }
    #expect(try body(404, "") == nil && body(403, "<Code>AccessDenied</Code>") == nil && body(200, "x") == [0x78])
    #expect { _ = try body(503, "") } throws: { ($0 as? HTTPError)?.kind == .status(503) }
  }

  @Test func anAmendmentIsOfTheLatestReportOfItsPeriod() {
    func filing(_ number: String, _ form: String, _ period: String) -> EdgarFiling {
      EdgarFiling(accession: number, form: form, filedOn: "", period: period, file: "", size: 0)
    }
    let reports = [
      filing("5", "10-K/A", "2025"), filing("4", "10-Q", "2025"), filing("3", "10-K", "2025"),
      filing("2", "10-K/A", "2024"), filing("1", "10-K", "2024"),
    ]
    #expect(reports.map { FilingsAdapter.amended(by: $0, among: reports) } == ["3", nil, nil, "1", nil])
  }

  @Test func historiesAreTheirTexts() {
    var history = FilingHistory()
    history.filings["a"] = .init(
      form: "10-K", filedOn: "2025-10-31", period: nil, publishedAt: 5, size: 7, sha256: "x", file: "a b.htm")
    #expect(FilingHistory(history.text) == history && FilingHistory("") == FilingHistory())
    #expect(FilingHistory("one line") == nil)
  }

  @Test func whoAsksHasToBeSaid() throws {
    func verify(_ agent: String?) throws {
      let source = try DataSource.read(
        yaml: "sources: [{name: edgar, kind: edgar, user-agent: x, rate: 8/s, burst: 2}]", origin: "test")[0]
      try source.verify(userAgent: agent)
    }
    try verify("Example Company admin@example.com")
    for agent in [nil, "", "souk/1.0", "admin@example.com", "Example noreply@example.com", "Example admin@", "a @b.c"] {
      #expect(throws: Failure.self) { try verify(agent) }
    }
    #expect(throws: Failure.self) {
      try DataSource.read(
        yaml: "sources: [{name: e, kind: edgar, user-agent: x, rate: 8/s, burst: 2, key: k}]", origin: "test")
    }
    // Too fast, too fast at times, without end.
    for rate in ["rate: 11/s", "rate: 8/s", "rate: 10/s, burst: 1", "timeout: 1s"] {
      #expect(throws: Failure.self) {
        try DataSource.read(yaml: "sources: [{name: e, kind: edgar, user-agent: x, \(rate)}]", origin: "test")
      }
    }
    #expect(throws: Failure.self) {
      try DataSource.read(yaml: "sources: [{name: e, kind: edgar, rate: 8/s, burst: 2}]", origin: "test")
    }
  }
}

/// Bytes are stored before anything points to them.
@Suite struct DocumentShelfTests {
  private func document(_ id: String) -> Document {
    Document(
      source: "edgar", id: id, kind: .filing, issuer: "0000000001", form: "10-K", url: "u", publishedAt: .epoch,
      knownAt: .epoch)
  }

  @Test func bytesAreStoredOnceByTheirHash() async throws {
    try await withTemporaryDirectory { folder in
      let store = try FileStore(path: folder)
      let shelf = DocumentShelf(store)
      let kept = try await shelf.keep(Array("text".utf8), of: document("1-25-1"), mediaType: "text/html")
      #expect(kept.sha256 == SHA256.hash("text").hex && kept.bytes == 4 && kept.mediaType == "text/html")
      #expect(kept.object?.hasSuffix(
        "/documents/edgar/0000000001/1-25-1/\(SHA256.hash("text").hex.prefix(16)).htm") == true)
      #expect(try await store.get(url: kept.object!) { _, reader in try await reader.next() } == Array("text".utf8))
      let again = try await shelf.keep(Array("text".utf8), of: document("1-25-1"), mediaType: "text/html")
      let other = try await shelf.keep(Array("more".utf8), of: document("1-25-1"), mediaType: "text/html")
      #expect(again == kept && other.object != kept.object)
      #expect(try await store.list(prefix: "documents/", from: nil, limit: 10).objects.count == 2)
      // A name of elsewhere stays inside the store.
      let odd = try await shelf.keep([1], of: document("../../x"), mediaType: "x/y")
      #expect(odd.object?.hasSuffix(".bin") == true && odd.object?.contains("../") == false)
    }
  }

  @Test func aTestStoresNothing() async throws {
    try await withTemporaryDirectory { folder in
      let shelf = DocumentShelf(pretending: try ObjectLocation("file://\(folder)"))
      let kept = try await shelf.keep([1, 2], of: document("1"), mediaType: "text/plain")
      #expect(kept.object?.hasPrefix("file://\(folder)/documents/edgar/") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }
}

/// The executable against the simulator of EDGAR.
@Suite(.timeLimit(.minutes(15))) struct FilingsProcessTests {
  private func arguments(_ simulator: EdgarSimulator, _ folder: String, agent: String) throws -> [String] {
    try Data("""
      sources:
        - {name: edgar, kind: edgar, user-agent: "\(agent)", url: "\(simulator.url)", rate: 8/s, burst: 2}
      """.utf8).write(to: URL(filePath: folder + "/sources.yaml"))
    return [
      "--kind", "filings", "--data-sources", folder + "/sources.yaml", "--allow-private-addresses", "--test",
      "--ticker", "AAPL,NONE", "--object-store", "file://\(folder)/store",
    ]
  }

  @Test func aTestPrintsWhatWouldBePublished() async throws {
    let corpus = EdgarCorpus(seed: 3, companies: 1, paragraphs: 2)
    try await EdgarSimulator.serving(corpus) { simulator in
      try await withTemporaryDirectory { folder in
        let outcome = try await ServiceProcess.run(
          "fetcher", try arguments(simulator, folder, agent: "Souk tests admin@souk.example"),
          environment: ["HTTP_PORT": "0"])
        #expect(outcome.status == .exited(0), "\(outcome.errorOutput)")
        let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("documents {") }
        #expect(lines.count == corpus.filings.filter { $0.form != "8-K" && $0.appears == 0 }.count)
        #expect(lines.contains { $0.contains(#""form":"10-K/A""#) && $0.contains(#""amends":"edgar/"#) })
        #expect(outcome.output.contains("refused NONE"))
        #expect(!FileManager.default.fileExists(atPath: folder + "/store"))
      }
    }
  }

  @Test func withoutAContactItDoesNotStart() async throws {
    try await EdgarSimulator.serving(EdgarCorpus(seed: 3, companies: 1, paragraphs: 1)) { simulator in
      try await withTemporaryDirectory { folder in
        let outcome = try await ServiceProcess.run(
          "fetcher", try arguments(simulator, folder, agent: "souk"), environment: ["HTTP_PORT": "0"])
        #expect(outcome.status == .exited(78))
        #expect((outcome.output + outcome.errorOutput).contains("Company name admin@domain"))
        #expect(simulator.requests.isEmpty)
      }
    }
  }
}
