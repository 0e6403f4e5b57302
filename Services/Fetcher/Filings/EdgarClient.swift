import Core
import Feeds
import HTTP
import Markets
import Messages
import Values

/// EDGAR's addresses, asked for one task within the budget of the source.
struct EdgarClient: Sendable {
  private let source: SourceClient
  private let task: FetchTask
  /// Where documents and indexes are, and where the lists of submissions are.
  private let (archives, lists): (String, String)

  init(_ source: SourceClient, _ task: FetchTask) {
    (self.source, self.task) = (source, task)
    archives = source.source.url ?? "https://www.sec.gov"
    lists = source.source.url ?? "https://data.sec.gov"
  }

  /// As documents name their source.
  var word: String { source.source.word }

  func url(of accession: String, _ cik: String, _ file: String) -> String {
    let number = cik.drop { $0 == "0" }
    let name = PercentEncoding.encode(file, keepingSlash: true)
    return "\(archives)/Archives/edgar/data/\(number)/\(accession.replacing("-", with: ""))/\(name)"
  }

  /// - Returns: the CIK of each symbol, and the table itself.
  func companies() async throws -> ([String: String], table: [UInt8]) {
    guard let body = try await get("\(archives)/files/company_tickers.json") else {
      throw FetchError(.unrecognised, "the table of tickers is not there")
    }
    return (try EdgarAnswers.companies(body), body)
  }

  /// The submissions of a company since a day, over as many files as they are in.
  /// - Returns: also whether all of them were read.
  func submissions(of cik: String, since day: String) async throws -> (EdgarSubmissions, isWhole: Bool) {
    guard let body = try await get("\(lists)/submissions/CIK\(cik).json") else {
      throw FetchError(.unrecognised, "there is no list of submissions of CIK \(cik)")
    }
    var submissions = try EdgarSubmissions(body)
    var isWhole = true
    for file in submissions.older where file.until >= day {
      guard let body = try await get("\(lists)/submissions/\(file.name)") else {
        isWhole = false
        continue
      }
      submissions.filings += try EdgarSubmissions(body).filings
    }
    return (submissions, isWhole)
  }

  /// - Returns: nil when it is gone.
  func document(_ url: String, atMost bytes: Int) async throws -> [UInt8]? { try await get(url, atMost: bytes) }

  /// The days from `since` on that have an index, of the quarters that they are in.
  func indexDays(since: String, until now: Timestamp) async throws -> [String] {
    var days: [String] = []
    for quarter in Set([since, FilingsAdapter.day(now, before: 0)].compactMap(Self.quarter)).sorted() {
      // A quarter begins without a folder.
      guard let body = try await get("\(archives)/Archives/edgar/daily-index/\(quarter)/index.json") else { continue }
      days += try EdgarAnswers.days(body)
    }
    let first = since.replacing("-", with: "")
    return days.filter { $0 >= first }.sorted()
  }

  /// - Parameter day: `20251031`
  func index(of day: String) async throws -> [EdgarAnswers.IndexRow]? {
    let date = "\(day.prefix(4))-\(day.dropFirst(4).prefix(2))-\(day.suffix(2))"
    guard let quarter = Self.quarter(date) else { return nil }
    return try await get("\(archives)/Archives/edgar/daily-index/\(quarter)/master.\(day).idx").map(EdgarAnswers.index)
  }

  /// `2025/QTR4`
  private static func quarter(_ day: String) -> String? {
    CivilDate(day).map { "\($0.year)/QTR\(($0.month + 2) / 3)" }
  }

  private func get(_ url: String, atMost bytes: Int = EdgarAnswers.largest) async throws -> [UInt8]? {
    var limits = source.limits
    (limits.maxBodyBytes, limits.bufferBytes) = (bytes, min(bytes, 1 << 20))
    let request = HTTPRequest("GET", try HTTPURL(url), headers: [:], limits: limits)
    return try await source.send(request, for: task) { try EdgarAnswers.body(of: $0) }
  }
}

/// A row of EDGAR's list of a company's submissions.
struct EdgarFiling: Hashable, Sendable {
  /// `0000320193-25-000079`
  var accession: String
  var form: String
  /// `2025-10-31`
  var filedOn: String
  /// The last day that it reports of; empty where the form has none.
  var period: String
  /// When it was accepted, which is when anyone could read it; nil when that cannot be read.
  var acceptedAt: Timestamp?
  var file: String
  var size: Int64

  var base: String { form.hasSuffix("/A") ? String(form.dropLast(2)) : form }
}

/// EDGAR's list of a company's submissions: columns, the newest first.
struct EdgarSubmissions: Sendable {
  var name = ""
  var tickers: [String] = []
  var filings: [EdgarFiling] = []
  /// Files with older ones, and the day of filing of their newest.
  var older: [(name: String, until: String)] = []

  /// - Throws: `FetchError(.unreadable)`.
  init(_ body: [UInt8]) throws(FetchError) {
    let tree = try EdgarAnswers.object(body, "a list of submissions")
    name = tree["name"]?.text ?? ""
    tickers = (tree["tickers"]?.items ?? []).compactMap { SymbolNames.canonical($0.text ?? "", from: .dashed) }
    for file in tree["filings"]?["files"]?.items ?? [] {
      let name = file["name"]?.text ?? ""
      // A name becomes a part of an address.
      guard !name.isEmpty, name.utf8.allSatisfy({ MarkSet.file.contains($0) }) else { continue }
      older.append((name, file["filingTo"]?.text ?? ""))
    }
    // A file of older ones is the columns alone.
    filings = try Self.rows(of: tree["filings"]?["recent"] ?? tree)
  }

  /// - Throws: when a column has fewer rows than another one: they cannot be told apart.
  private static func rows(of columns: JSONTree) throws(FetchError) -> [EdgarFiling] {
    func column(_ name: String) -> [String] { (columns[name]?.items ?? []).map { $0.text ?? "" } }
    let accessions = column("accessionNumber")
    let names = ["form", "filingDate", "reportDate", "acceptanceDateTime", "primaryDocument"]
    let texts = names.map(column)
    for (name, texts) in zip(names, texts) where texts.count != accessions.count {
      throw FetchError(.unreadable, "a list of submissions cannot be read: '\(name)' has another length")
    }
    let sizes = columns["size"]?.items ?? []
    return accessions.indices.map { row in
      EdgarFiling(
        accession: accessions[row], form: texts[0][row], filedOn: texts[1][row], period: texts[2][row],
        acceptedAt: Timestamp(texts[3][row]), file: texts[4][row],
        size: row < sizes.count ? sizes[row].integer ?? 0 : 0)
    }
  }
}

/// What EDGAR answers, besides documents.
enum EdgarAnswers {
  /// Bytes of a list.
  static let largest = 64 << 20

  /// - Returns: the body; nil for what is not there.
  /// - Throws: `FetchError`: of the client, which EDGAR does not accept, or of too many requests; `HTTPError` for an
  ///   outage.
  static func body(of response: HTTPResponse) throws -> [UInt8]? {
    switch response.status {
    case 404: return nil
    case 403, 429:
      let text = String(decoding: response.body.prefix(16_384), as: UTF8.self)
      if text.contains("Undeclared Automated Tool") {
        throw FetchError(
          .refused, "EDGAR does not accept the user-agent of the source: it has to name a company and a real address")
      }
      if response.status == 429 || text.contains("Request Rate Threshold Exceeded") {
        let delay = response.headers["retry-after"].flatMap { RetryAfter.delay($0) }
        // The address is let in again when it stayed below the limit for ten minutes.
        throw FetchError(.rateLimited, "more than ten requests a second", retryAfter: delay ?? .seconds(600))
      }
      // So its file store answers for a file that is not there (yet).
      if text.contains("AccessDenied") || text.contains("NoSuchKey") { return nil }
      throw FetchError(.refused, "EDGAR answered 403")
    default:
      try response.head.requireSuccess()
      return response.body
    }
  }

  /// `company_tickers.json`: the CIK in ten digits of each symbol.
  /// - Throws: `FetchError(.unreadable)`.
  static func companies(_ body: [UInt8]) throws(FetchError) -> [String: String] {
    let rows = try object(body, "the table of tickers").fields ?? [:]
    var companies: [String: String] = [:]
    for (_, row) in rows.sorted(by: { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }) {
      guard let cik = row["cik_str"]?.integer, cik > 0,
        let symbol = SymbolNames.canonical(row["ticker"]?.text ?? "", from: .dashed)
      else { continue }
      companies[symbol] = zeroPadded(cik, 10)
    }
    guard !companies.isEmpty else {
      throw FetchError(.unreadable, "the table of tickers cannot be read: it has no rows")
    }
    return companies
  }

  /// - Parameter what: for the error.
  static func object(_ body: [UInt8], _ what: String) throws(FetchError) -> JSONTree {
    do throws(DecodingFailure) {
      let tree = try JSONTree(body, limits: JSONReader.Limits(maxBytes: largest, maxDepth: 16))
      guard tree.fields != nil else { throw DecodingFailure(.wrongType, at: 0, "expected an object") }
      return tree
    } catch {
      throw FetchError(.unreadable, "\(what) cannot be read: \(error)")
    }
  }

  /// A row of a day's index: `320193|Apple Inc.|10-K|20251031|edgar/data/320193/0000320193-25-000079.txt`.
  struct IndexRow: Hashable, Sendable {
    var cik: String
    var form: String
    var accession: String
  }

  static func index(_ body: [UInt8]) -> [IndexRow] {
    body.split(separator: 0x0a).compactMap { line in
      let words = line.split(separator: 0x7c, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      guard words.count == 5, let cik = Int64(words[0]), let name = words[4].split(separator: "/").last else {
        return nil
      }
      let end = name.firstIndex(of: ".") ?? name.endIndex
      return IndexRow(cik: zeroPadded(cik, 10), form: words[2], accession: String(name[..<end]))
    }
  }

  /// The days whose index is in a folder, by the names of its files: `master.20251031.idx`.
  static func days(_ body: [UInt8]) throws(FetchError) -> [String] {
    let text = String(decoding: body, as: UTF8.self)
    return text.split(separator: "\"").compactMap { word in
      guard word.hasPrefix("master."), word.hasSuffix(".idx") else { return nil }
      let day = word.dropFirst(7).dropLast(4)
      return day.utf8.count == 8 && Int(day) != nil ? String(day) : nil
    }
  }
}

/// Bytes that may stand in a name of a file which becomes a part of an address.
enum MarkSet {
  static let file = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-".utf8)
}
