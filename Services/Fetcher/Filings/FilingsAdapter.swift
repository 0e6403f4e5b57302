import Core
import Feeds
import HTTP
import Logging
import Markets
import Messages
import Metrics
import Redis
import Sentiment
import Synchronization
import Values

/// Annual and quarterly reports of EDGAR, with their amendments: the bytes go to the object store, then the document is
/// published.
///
/// Each task asks again about all filings of the look-back: what is known is not fetched again, so what appears late is
/// found whenever it appears. The daily index says which filings there have to be; those that the lists of the
/// companies do not have yet are counted, and found by a later task. A filing that is in no list any more, and whose
/// document is gone, is withdrawn.
package struct FilingsAdapter: FetchAdapter {
  private let store: any HistoryStore<FilingHistory>
  private let shelf: DocumentShelf
  private let largest: Int
  private let queue: RedisMultiplexer?
  private let logger: Logger
  private let table = CompanyTable()
  private let unknown = Counter(label: "souk_fetch_filings_unknown_total")
  private let missing = Counter(label: "souk_fetch_filings_missing_total")
  private let unreached = Counter(label: "souk_fetch_filings_unreached_total")

  /// Annual and quarterly reports and those of transition periods; each may be amended.
  static let forms: Set<String> = ["10-K", "10-Q", "10-KT", "10-QT"]
  /// How far back a task asks, unless it says so: an annual report and the quarterly ones since.
  static let lookback: Int64 = 400 * 86_400
  /// How long an index of a day is waited for.
  static let indexDays: Int64 = 10
  /// Documents of one task; the next one goes on.
  static let most = 50

  /// - Parameters:
  ///   - largest: bytes of one document.
  ///   - companies: where the table of companies is kept for others; nil: nowhere.
  package init(
    store: any HistoryStore<FilingHistory>, shelf: DocumentShelf, largest: Int, companies queue: RedisMultiplexer?,
    logger: Logger
  ) {
    (self.store, self.shelf, self.largest, self.queue, self.logger) = (store, shelf, largest, queue, logger)
  }

  static let descriptions = [
    MetricDescription(
      "souk_fetch_filings_unknown_total", .counter, "Symbols of tasks that are not in EDGAR's table of tickers."),
    MetricDescription(
      "souk_fetch_filings_missing_total", .counter,
      "Filings that an index or a list names and that cannot be fetched yet; a later task asks again."),
    MetricDescription(
      "souk_fetch_filings_unreached_total", .counter,
      "Filings left to the next task: one fetches \(most) documents at most."),
  ]

  package func testTask(of source: String, _ symbols: [String], now: Timestamp) -> FetchTask {
    FetchTask(kind: .filings, source: source, symbols: symbols, lookback: Self.lookback, dueAt: now)
  }

  package func fetch(_ task: FetchTask, from source: SourceClient, now: Timestamp) async throws -> Fetched {
    guard !task.symbols.isEmpty else { throw FetchError(.symbolUnknown, "the task has no symbols") }
    let edgar = EdgarClient(source, task)
    var work = Work(since: Self.day(now, before: task.lookback ?? Self.lookback), now: now)
    let companies = try await companies(task, edgar, &work.fetched)
    do {
      for company in companies { try await collect(company, edgar, task, &work) }
      try await checkIndex(companies, edgar, work)
    } catch let error as any ClassifiedError where error.isTransient && !work.fetched.records.isEmpty {
      // What was stored is published; the next task asks for the rest.
      logger.warning("filings: the task ends early", metadata: [
        "source": "\(source.source.name)", "published": "\(work.fetched.records.count)", "reason": "\(error)",
      ])
    }
    if work.left > 0 {
      unreached.increment(by: work.left)
      logger.info("filings are left to the next task", metadata: ["count": .stringConvertible(work.left)])
    }
    let (store, kept) = (store, work.histories)
    work.fetched.remember = { try await store.keep(kept) }
    return work.fetched
  }

  /// What one task has done so far.
  private struct Work {
    let since: String
    let now: Timestamp
    var fetched = Fetched()
    var histories: [String: Remembered<FilingHistory>] = [:]
    /// All filings of the lists, by accession number.
    var listed: Set<String> = []
    var documents = 0
    var left = 0

    init(since: String, now: Timestamp) { (self.since, self.now) = (since, now) }

    /// Each document of a task is known a moment after the one before: an amendment is later than what it amends.
    var knownAt: Timestamp { Timestamp(microseconds: now.microseconds + Int64(documents)) ?? now }
  }

  // MARK: Companies

  struct Company: Hashable, Sendable {
    var cik: String
    var symbols: [String]
  }

  private func companies(
    _ task: FetchTask, _ edgar: EdgarClient, _ fetched: inout Fetched
  ) async throws -> [Company] {
    let ciks = try await table.current {
      let (ciks, body) = try await edgar.companies()
      if let queue { try await CompanyBook.keep(body, in: queue) }
      return ciks
    }
    var companies: [Company] = []
    for symbol in task.symbols {
      guard let cik = ciks[symbol] else {
        unknown.increment()
        // A task by hand is told; the next one by schedule would be told the same.
        if task.schedule == nil {
          fetched.refused[symbol] = FetchError(.symbolUnknown, "EDGAR's table of tickers does not have it")
        }
        continue
      }
      // Several symbols may be of one company.
      if let index = companies.firstIndex(where: { $0.cik == cik }) {
        companies[index].symbols.append(symbol)
      } else {
        companies.append(Company(cik: cik, symbols: [symbol]))
      }
    }
    return companies
  }

  // MARK: Filings

  private func collect(
    _ company: Company, _ edgar: EdgarClient, _ task: FetchTask, _ work: inout Work
  ) async throws {
    let name = "\(edgar.word):\(company.cik)"
    var known = try await store.histories(of: [name])[0]
    let (submissions, isWhole) = try await edgar.submissions(of: company.cik, since: work.since)
    work.listed.formUnion(submissions.filings.map(\.accession))
    let reports = submissions.filings.filter { Self.forms.contains($0.base) }
    // The oldest first, so that an amendment comes after what it amends.
    for filing in reports.reversed() where filing.filedOn >= work.since {
      if known.history.filings[filing.accession]?.size == filing.size { continue }
      guard work.documents < Self.most else {
        work.left += 1
        continue
      }
      work.documents += 1
      var document = document(filing, of: company, submissions, edgar, task, work.knownAt)
      document.amends = Self.amended(by: filing, among: reports).map { "\(edgar.word)/\($0)" }
      guard let bytes = try await edgar.document(document.url, atMost: largest) else {
        missing.increment()
        logger.warning("a filing is listed and cannot be fetched", metadata: ["url": "\(document.url)"])
        continue
      }
      let type = Self.isText(filing.file) ? "text/plain" : "text/html"
      document = try await shelf.keep(bytes, of: document, mediaType: type)
      let isKnown = known.history.filings[filing.accession]?.sha256 == document.sha256
      if !isKnown { work.fetched.add(document) }
      known.history.filings[filing.accession] = FilingHistory.Known(
        form: filing.form, filedOn: filing.filedOn, period: document.period,
        publishedAt: document.publishedAt.microseconds, size: filing.size, sha256: document.sha256 ?? "",
        file: filing.file)
      work.histories[name] = known
    }
    if isWhole { try await withdraw(company, &known.history, submissions, edgar, &work) }
    known.history.filings = known.history.filings.filter { $0.value.filedOn >= work.since }
    work.histories[name] = known
  }

  private func document(
    _ filing: EdgarFiling, of company: Company, _ submissions: EdgarSubmissions, _ edgar: EdgarClient,
    _ task: FetchTask, _ now: Timestamp
  ) -> Document {
    let symbols = company.symbols + submissions.tickers.filter { !company.symbols.contains($0) }
    let period = filing.period.isEmpty ? nil : filing.period
    let title = [submissions.name, filing.form, period].compactMap { $0 }.filter { !$0.isEmpty }
    return Document(
      source: edgar.word, id: filing.accession, kind: .filing, issuer: company.cik, symbols: symbols,
      company: submissions.name, form: filing.form, period: period, title: title.joined(separator: " "),
      url: edgar.url(of: filing.accession, company.cik, filing.file), filedOn: filing.filedOn,
      publishedAt: filing.acceptedAt ?? Self.midnight(of: filing.filedOn) ?? now, knownAt: now, jobID: task.jobID)
  }

  /// The latest earlier report of the same form and period.
  static func amended(by filing: EdgarFiling, among reports: [EdgarFiling]) -> String? {
    guard filing.form.hasSuffix("/A"), !filing.period.isEmpty else { return nil }
    // The lists have the newest first.
    let later = reports.firstIndex(of: filing).map { reports[($0 + 1)...] } ?? []
    return later.first { $0.form == filing.base && $0.period == filing.period }?.accession
  }

  private static func isText(_ file: String) -> Bool { file.lowercased().hasSuffix(".txt") }

  private func withdraw(
    _ company: Company, _ history: inout FilingHistory, _ submissions: EdgarSubmissions, _ edgar: EdgarClient,
    _ work: inout Work
  ) async throws {
    for (accession, known) in history.filings.sorted(by: { $0.key < $1.key })
    where !work.listed.contains(accession) && known.filedOn >= work.since {
      // A list that lacks a filing for a moment withdraws nothing.
      guard try await edgar.document(edgar.url(of: accession, company.cik, known.file), atMost: largest) == nil else {
        continue
      }
      let published = Timestamp(microseconds: known.publishedAt) ?? work.now
      let filing = Document(
        source: edgar.word, id: accession, kind: .filing, issuer: company.cik, symbols: company.symbols,
        company: submissions.name, form: known.form, period: known.period, url: "", filedOn: known.filedOn,
        publishedAt: published, knownAt: work.now)
      work.fetched.add(filing.withdrawal(knownAt: work.now))
      history.filings[accession] = nil
      logger.info("a filing was removed", metadata: ["filing": "\(accession)", "company": "\(company.cik)"])
    }
  }

  // MARK: The daily index

  /// Counts the filings of the companies that the indexes of the last days have and their lists do not.
  private func checkIndex(_ companies: [Company], _ edgar: EdgarClient, _ work: Work) async throws {
    let ciks = Set(companies.map(\.cik))
    let since = Self.day(work.now, before: Self.indexDays * 86_400)
    for day in try await edgar.indexDays(since: since, until: work.now) where !table.isComplete(day, ciks) {
      guard let rows = try await edgar.index(of: day) else { continue }
      let late = rows.filter { row in
        let base = row.form.hasSuffix("/A") ? String(row.form.dropLast(2)) : row.form
        return ciks.contains(row.cik) && Self.forms.contains(base) && !work.listed.contains(row.accession)
      }
      if late.isEmpty {
        table.complete(day, ciks)
      } else {
        missing.increment(by: late.count)
        logger.warning("an index names filings that are in no list yet", metadata: [
          "day": "\(day)", "filings": "\(late.map(\.accession).joined(separator: ", "))",
        ])
      }
    }
  }

  // MARK: Days

  /// The day so many seconds before a time.
  static func day(_ time: Timestamp, before seconds: Int64) -> String {
    let days = (time.microseconds / 1_000_000 - seconds).flooredDivision(by: 86_400).quotient
    return "\(CivilDate(daysSinceEpoch: days))"
  }

  private static func midnight(of day: String) -> Timestamp? {
    CivilDate(day).flatMap { Timestamp(year: $0.year, month: $0.month, day: $0.day) }
  }
}

/// What all tasks of a process know of EDGAR: its table of tickers, and the days whose index was checked.
private final class CompanyTable: Sendable {
  private struct State {
    var ciks: [String: String] = [:]
    var readAt: ContinuousClock.Instant?
    /// By day, the companies whose filings of it are all known.
    var complete: [String: Set<String>] = [:]
  }
  private let state = Mutex(State())

  /// It is read once a day.
  func current(_ read: () async throws -> [String: String]) async throws -> [String: String] {
    let known = state.withLock { state in
      state.readAt.map { ContinuousClock.now - $0 < .seconds(86_400) } == true ? state.ciks : nil
    }
    if let known { return known }
    let ciks = try await read()
    state.withLock { ($0.ciks, $0.readAt) = (ciks, .now) }
    return ciks
  }

  func isComplete(_ day: String, _ ciks: Set<String>) -> Bool {
    state.withLock { $0.complete[day].map(ciks.isSubset(of:)) ?? false }
  }

  func complete(_ day: String, _ ciks: Set<String>) {
    state.withLock { state in
      state.complete[day, default: []].formUnion(ciks)
      while state.complete.count > 31, let first = state.complete.keys.min() { state.complete[first] = nil }
    }
  }
}
