import Core
import Foundation
import HTTPTypes
import HummingbirdCore
import LocalServers
import NIOCore
import SimulatorServer
import Synchronization

/// The SEC's EDGAR with invented reports, whose truth is known.
///
///     GET /files/company_tickers.json
///     GET /submissions/CIK<10 digits>.json, and files of older submissions
///     GET /Archives/edgar/daily-index/<year>/QTR<n>/index.json, master.<day>.idx
///     GET /Archives/edgar/data/<cik>/<accession>/<file>
///     GET  /_edgar/truth                a line for each report: accession, symbol, form, items
///     GET  /_edgar/questions            a line for each: symbol, item, accession, question, answer
///     GET  /_edgar/stats                requests by answer
///     POST /_edgar/clock?seconds=<n>    what happens n seconds after the first question has happened
///     POST /_edgar/fault?mode=outage|cut&times=<n>
///
/// A client that does not say whom to write to gets 403; one with more than ten requests in a second gets 403 until it
/// was quiet for the time of a block.
package final class EdgarSimulator: Sendable {
  package enum Mode: String, CaseIterable, Sendable {
    case outage
    /// Half of an answer.
    case cut
  }

  package let corpus: EdgarCorpus
  private let server: SimulatorServer
  private let block: Duration
  /// Days since 1970 of the corpus' day.
  private let today: Int64
  private let state = Mutex(State())

  fileprivate struct State {
    var ahead = 0
    var faults: [(mode: Mode, times: Int)] = []
    var requests: [String: Int] = [:]
    var lately: [ContinuousClock.Instant] = []
    var blocked: ContinuousClock.Instant?
    /// Other texts of documents, by accession number.
    var corrected: [String: String] = [:]
  }

  package init(
    _ corpus: EdgarCorpus, block: Duration = .seconds(600), today: Int64 = Int64(WallClock.seconds()) / 86_400,
    server: SimulatorServer = SimulatorServer("edgar-simulator")
  ) {
    (self.corpus, self.block, self.today, self.server) = (corpus, block, today, server)
  }

  package var url: String { server.url }

  package static func serving<Value: Sendable>(
    _ corpus: EdgarCorpus, block: Duration = .seconds(1), _ body: @Sendable (EdgarSimulator) async throws -> Value
  ) async throws -> Value {
    let simulator = EdgarSimulator(corpus, block: block)
    return try await simulator.server.serving({ simulator.router() }) { try await body(simulator) }
  }

  /// Serves until SIGTERM or SIGINT.
  package func run(_ listen: ListenOptions) async throws { try await listen.run(server, router()) }

  package func misbehave(_ mode: Mode, times: Int = 1) { state.withLock { $0.faults.append((mode, times)) } }
  package func setClock(_ seconds: Int) { state.withLock { $0.ahead = seconds } }
  package var requests: [String: Int] { state.withLock { $0.requests } }

  /// Gives a document another text, as a correction does.
  package func correct(_ accession: String, _ html: String) { state.withLock { $0.corrected[accession] = html } }

  package func html(of filing: EdgarCorpus.Filing) -> String {
    state.withLock { $0.corrected[filing.accession] } ?? corpus.html(of: filing)
  }

  // MARK: Routes

  private func router() -> Router {
    let router = Router()
    router.get("/files/company_tickers.json") { request, _ in self.answer(request) { self.tickers() } }
    router.get("/submissions/{file}") { request, parameters in
      self.answer(request) { self.submissions(parameters["file"] ?? "") }
    }
    router.get("/Archives/edgar/daily-index/{year}/{quarter}/{file}") { request, parameters in
      self.answer(request) {
        self.index(parameters["year"] ?? "", parameters["quarter"] ?? "", parameters["file"] ?? "")
      }
    }
    router.get("/Archives/edgar/data/{cik}/{accession}/{file}") { request, parameters in
      self.answer(request) { self.document(parameters["accession"] ?? "", parameters["file"] ?? "") }
    }
    router.get("/_edgar/truth") { _, _ in Self.response(.ok, self.truth()) }
    router.get("/_edgar/questions") { _, _ in
      Self.response(.ok, self.corpus.questions.map { question in
        [question.symbol, question.item, question.accession, question.text, question.answer].joined(separator: "\t")
      }.joined(separator: "\n") + "\n")
    }
    router.get("/_edgar/stats") { _, _ in
      Self.response(.ok, self.requests.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        .joined(separator: "\n") + "\n")
    }
    router.post("/_edgar/clock") { request, _ in
      self.setClock(request.uri.queryParameters["seconds"].flatMap { Int($0) } ?? 0)
      return Self.response(.ok, "")
    }
    router.post("/_edgar/fault") { request, _ in
      guard let mode = request.uri.queryParameters["mode"].flatMap({ Mode(rawValue: String($0)) }) else {
        return Self.response(.badRequest, "mode: \(Mode.allCases.map(\.rawValue).joined(separator: ", "))\n")
      }
      self.misbehave(mode, times: request.uri.queryParameters["times"].flatMap { Int($0) } ?? 1)
      return Self.response(.ok, "")
    }
    return router
  }

  /// What stands before every answer.
  private func answer(_ request: Request, _ body: () -> String?) -> Response {
    let agent = request.headers[.userAgent] ?? ""
    guard agent.contains("@"), agent.contains(" ") else {
      return refusal("undeclared", "Your Request Originates from an Undeclared Automated Tool")
    }
    guard state.withLock({ $0.admit(.now, block) }) else { return refusal("rate", "Request Rate Threshold Exceeded") }
    let fault = state.withLock { $0.nextFault() }
    if fault == .outage {
      count("outage")
      return Self.response(.serviceUnavailable, "<html>busy</html>")
    }
    guard let text = body() else {
      count("missing")
      return Self.response(.notFound, "<html><body><h1>404</h1></body></html>")
    }
    count("ok")
    return Self.response(.ok, fault == .cut ? String(text.prefix(text.count / 2)) : text)
  }

  private func refusal(_ name: String, _ title: String) -> Response {
    count(name)
    return Self.response(.forbidden, """
      <!DOCTYPE html><html><head><title>SEC.gov | \(title)</title></head><body><h1>\(title)</h1>
      <p>Requests are limited, so that all have their turn.</p></body></html>
      """)
  }

  private func count(_ answer: String) { state.withLock { $0.requests[answer, default: 0] += 1 } }

  private static func response(_ status: HTTPResponse.Status, _ body: String) -> Response {
    Response(
      status: status, headers: [.contentType: body.hasPrefix("{") ? "application/json" : "text/html"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }

  // MARK: Answers

  private var clock: Int { state.withLock { $0.ahead } }

  private func day(_ before: Int) -> String { "\(CivilDate(daysSinceEpoch: today - Int64(before)))" }

  private func isThere(_ filing: EdgarCorpus.Filing) -> Bool { filing.removed.map { clock < $0 } ?? true }

  private func tickers() -> String {
    let rows = corpus.companies.flatMap { company in company.symbols.map { (company, $0) } }
    return "{" + rows.enumerated().map { index, row in
      "\"\(index)\":{\"cik_str\":\(row.0.cik),\"ticker\":\"\(row.1)\",\"title\":\"\(row.0.name)\"}"
    }.joined(separator: ",") + "}"
  }

  private func submissions(_ file: String) -> String? {
    let digits = file.dropFirst(3).prefix(10)
    guard let index = corpus.companies.firstIndex(where: { zeroPadded($0.cik, 10) == digits }) else { return nil }
    let company = corpus.companies[index]
    let clock = clock
    let own = corpus.filings.filter { $0.company == index && isThere($0) && $0.appears <= clock }
      .sorted { $0.filed < $1.filed }
    if file.hasSuffix("-submissions-001.json") { return columns(own.filter(\.isOlder)) }
    guard file.hasSuffix(".json") else { return nil }
    let older = own.filter(\.isOlder)
    let files = older.isEmpty ? "" : """
      {"name":"CIK\(digits)-submissions-001.json","filingCount":\(older.count),"filingFrom":"\(day(4_000))",\
      "filingTo":"\(day(older[0].filed))"}
      """
    return """
      {"cik":"\(company.cik)","entityType":"operating","name":"\(company.name)","tickers":\
      [\(company.symbols.map { "\"\($0)\"" }.joined(separator: ","))],"exchanges":["Nasdaq"],"addresses":{"mailing":\
      {"city":"X"}},"filings":{"recent":\(columns(own.filter { !$0.isOlder })),"files":[\(files)]}}
      """
  }

  private func columns(_ filings: [EdgarCorpus.Filing]) -> String {
    func column(_ name: String, _ value: (EdgarCorpus.Filing) -> String) -> String {
      "\"\(name)\":[\(filings.map { "\"\(value($0))\"" }.joined(separator: ","))]"
    }
    let texts = [
      column("accessionNumber", \.accession), column("filingDate") { day($0.filed) },
      column("reportDate") { $0.form == "8-K" ? "" : day($0.period) },
      column("acceptanceDateTime") { "\(day($0.filed))T16:31:05.000Z" }, column("form", \.form),
      column("primaryDocument", \.file), column("primaryDocDescription", \.form),
    ]
    let sizes = filings.map { "\(html(of: $0).utf8.count)" }.joined(separator: ",")
    let flags = filings.map { _ in "1" }.joined(separator: ",")
    return "{\(texts.joined(separator: ",")),\"size\":[\(sizes)],\"isInlineXBRL\":[\(flags)]}"
  }

  private func index(_ year: String, _ quarter: String, _ file: String) -> String? {
    let days = Set(corpus.filings.filter(isThere).map { day($0.filed) }).filter { day in
      day.hasPrefix(year) && "QTR\(((Int(day.dropFirst(5).prefix(2)) ?? 1) + 2) / 3)" == quarter
    }
    if file == "index.json" {
      guard !days.isEmpty else { return nil }
      let items = days.sorted().map { day in
        "{\"last-modified\":\"x\",\"name\":\"master.\(day.replacing("-", with: "")).idx\"}"
      }
      return "{\"directory\":{\"item\":[\(items.joined(separator: ","))],\"name\":\"\(year)/\(quarter)/\"}}"
    }
    guard let day = days.first(where: { file == "master.\($0.replacing("-", with: "")).idx" }) else { return nil }
    let rows = corpus.filings.filter { self.day($0.filed) == day && isThere($0) }.map { filing in
      let company = corpus.companies[filing.company]
      return "\(company.cik)|\(company.name)|\(filing.form)|\(day.replacing("-", with: ""))|"
        + "edgar/data/\(company.cik)/\(filing.accession).txt"
    }
    return "Description:           Daily Index of EDGAR Dissemination Feed\nLast Data Received:    \(day)\n\n"
      + "CIK|Company Name|Form Type|Date Filed|File Name\n" + String(repeating: "-", count: 80) + "\n"
      + rows.joined(separator: "\n") + "\n"
  }

  private func document(_ accession: String, _ file: String) -> String? {
    let found = corpus.filings.first { filing in
      filing.accession.replacing("-", with: "") == accession && filing.file == file && isThere(filing)
    }
    return found.map(html)
  }

  private func truth() -> String {
    corpus.filings.map { filing in
      [filing.accession, corpus.companies[filing.company].symbols[0], filing.form, filing.items.joined(separator: " ")]
        .joined(separator: "\t")
    }.joined(separator: "\n") + "\n"
  }
}

extension EdgarSimulator.State {
  /// - Returns: false for one request too many, and until the client was quiet for the time of a block.
  fileprivate mutating func admit(_ now: ContinuousClock.Instant, _ block: Duration) -> Bool {
    lately = lately.filter { now - $0 < .seconds(1) } + [now]
    guard blocked.map({ now >= $0 }) ?? true, lately.count <= 10 else {
      blocked = now + block
      return false
    }
    blocked = nil
    return true
  }

  fileprivate mutating func nextFault() -> EdgarSimulator.Mode? {
    guard !faults.isEmpty else { return nil }
    let mode = faults[0].mode
    faults[0].times -= 1
    if faults[0].times <= 0 { faults.removeFirst() }
    return mode
  }
}
