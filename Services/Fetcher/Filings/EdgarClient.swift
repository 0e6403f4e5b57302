import Core
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
