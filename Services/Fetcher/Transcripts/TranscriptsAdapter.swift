import Core
import Feeds
import Logging
import Markets
import Messages
import Metrics
import Sentiment
import Values

/// Transcripts of earnings calls: the bytes go to the object store as they came, then the document is published.
///
/// A provider is asked for the quarter after the latest that is known, and for that one again for a week, since it may
/// be corrected; without one, for the last quarters of the calendar until one is there. No answer is "not yet". Files
/// and addresses that a person names are compared with what was published: others are published, those that are gone
/// are withdrawn.
package struct TranscriptsAdapter: FetchAdapter {
  private let store: any HistoryStore<TranscriptHistory>
  private let shelf: DocumentShelf
  private let largest: Int
  private let companies: CompanyBook
  private let logger: Logger
  private let lost = Counter(label: "souk_fetch_transcripts_lost_total")

  /// A transcript may be corrected for so long after it was first seen, in microseconds.
  static let correction: Int64 = 7 * 86_400 * 1_000_000
  /// Quarters of the calendar that a symbol without a transcript is asked about.
  static let first = 3
  /// Quarters after the latest one that one task asks about, while there are any.
  static let most = 12

  /// - Parameter largest: bytes of one transcript.
  package init(
    store: any HistoryStore<TranscriptHistory>, shelf: DocumentShelf, largest: Int,
    names: CompanyBook = CompanyBook(.large), logger: Logger
  ) {
    (self.store, self.shelf, self.largest, companies, self.logger) = (store, shelf, largest, names, logger)
  }

  static let descriptions = [
    MetricDescription(
      "souk_fetch_transcripts_lost_total", .counter,
      "Files and lines whose name or place says no symbol and quarter, or that cannot be read, left out.")
  ]

  package func testTask(of source: String, _ symbols: [String], now: Timestamp) -> FetchTask {
    FetchTask(kind: .transcripts, source: source, symbols: symbols, dueAt: now)
  }

  package func fetch(_ task: FetchTask, from source: SourceClient, now: Timestamp) async throws -> Fetched {
    var work = Work(now: now, names: try await companies.current())
    do {
      if source.source.kind == .files {
        try await collectFiles(task, source, &work)
      } else {
        guard !task.symbols.isEmpty else { throw FetchError(.symbolUnknown, "the task has no symbols") }
        for symbol in task.symbols { try await ask(about: symbol, task, source, &work) }
      }
    } catch let error as any ClassifiedError where error.isTransient && !work.fetched.records.isEmpty {
      // What was stored is published; the next task asks for the rest.
      logger.warning("transcripts: the task ends early", metadata: [
        "source": "\(source.source.name)", "published": "\(work.fetched.records.count)", "reason": "\(error)",
      ])
    }
    let (store, kept) = (store, work.histories)
    work.fetched.remember = { try await store.keep(kept) }
    return work.fetched
  }

  /// What one task has done so far.
  private struct Work {
    let now: Timestamp
    let names: CompanyNames
    var fetched = Fetched()
    var histories: [String: Remembered<TranscriptHistory>] = [:]
  }

  // MARK: Providers

  private func ask(
    about symbol: String, _ task: FetchTask, _ source: SourceClient, _ work: inout Work
  ) async throws {
    let name = "\(source.source.word):\(symbol)"
    var known = try await store.histories(of: [name])[0]
    // Kept in any case: what is asked about stays remembered.
    defer { work.histories[name] = known }
    func take(_ quarter: FiscalQuarter) async throws -> Bool {
      guard let call = try await TranscriptAnswer.ask(symbol, quarter, task, source, atMost: largest) else {
        return false
      }
      try await publish(
        call.bytes, "application/json", symbol, quarter, url: call.url, publishedAt: call.publishedAt, task, source,
        &known.history, &work)
      return true
    }
    do {
      if let lookback = task.lookback {
        let newest = FiscalQuarter(endedBefore: task.dueAt ?? work.now)
        // The oldest first; a fiscal year may be a year ahead of the calendar.
        for step in -Int(min(lookback / (91 * 86_400), 100))...4 { _ = try await take(newest.advanced(by: step)) }
      } else if let latest = known.history.latest(of: symbol) {
        let knownAt = known.history.calls["\(symbol)-\(latest)"]?.knownAt ?? 0
        if work.now.microseconds - knownAt < Self.correction { _ = try await take(latest) }
        for step in 1...Self.most { guard try await take(latest.advanced(by: step)) else { break } }
      } else {
        let newest = FiscalQuarter(endedBefore: task.dueAt ?? work.now)
        for step in 0..<Self.first { if try await take(newest.advanced(by: -step)) { break } }
      }
    } catch let error as FetchError where error.kind.subject == .job {
      work.fetched.refused[symbol] = error
    }
  }

  // MARK: Files and addresses

  private func collectFiles(_ task: FetchTask, _ source: SourceClient, _ work: inout Work) async throws {
    let name = source.source.word
    var known = try await store.histories(of: [name])[0]
    defer { work.histories[name] = known }
    let files = try TranscriptFiles(source.source)
    lost.increment(by: files.lost.count)
    for reason in files.lost.prefix(10) {
      logger.warning("a transcript is left out", metadata: ["source": "\(source.source.name)", "reason": "\(reason)"])
    }
    var there: Set<String> = []
    for file in files.found {
      there.insert(file.id)
      guard task.symbols.isEmpty || task.symbols.contains(file.symbol) else { continue }
      let answer = try await file.read(task, source, atMost: largest)
      switch answer {
      case .bytes(let bytes, let type, let publishedAt):
        try await publish(
          bytes, type, file.symbol, file.quarter, url: file.url, publishedAt: publishedAt, task, source,
          &known.history, &work)
      case .gone: there.remove(file.id)
      case .unreadable(let reason):
        lost.increment()
        logger.warning("a transcript cannot be read", metadata: ["file": "\(file.url)", "reason": "\(reason)"])
      }
    }
    let gone = known.history.calls.keys.filter { !there.contains($0) }
    // A folder without a file may be one that is not mounted.
    if files.found.isEmpty, !gone.isEmpty {
      logger.warning("no transcript is there any more: nothing is withdrawn", metadata: ["source": "\(name)"])
      return
    }
    for id in gone.sorted() {
      guard let dash = id.lastIndex(of: "-"), let call = known.history.calls.removeValue(forKey: id) else { continue }
      let symbol = String(id[..<dash])
      let published = Timestamp(microseconds: call.publishedAt) ?? work.now
      let document = document(
        symbol, String(id[id.index(after: dash)...]), url: "", publishedAt: published, task, source, work)
      work.fetched.add(document.withdrawal(knownAt: work.now))
      logger.info("a transcript was removed", metadata: ["transcript": "\(id)"])
    }
  }

  // MARK: Documents

  private func publish(
    _ bytes: [UInt8], _ type: String, _ symbol: String, _ quarter: FiscalQuarter, url: String,
    publishedAt: Timestamp?, _ task: FetchTask, _ source: SourceClient, _ history: inout TranscriptHistory,
    _ work: inout Work
  ) async throws {
    let id = "\(symbol)-\(quarter)"
    let known = history.calls[id]
    guard known?.sha256 != SHA256.hash(bytes).hex else { return }
    let first = known.flatMap { Timestamp(microseconds: $0.publishedAt) }
    var document = document(
      symbol, "\(quarter)", url: url, publishedAt: min(publishedAt ?? first ?? work.now, work.now), task, source, work)
    document = try await shelf.keep(bytes, of: document, mediaType: type)
    work.fetched.add(document)
    history.calls[id] = TranscriptHistory.Known(
      sha256: document.sha256 ?? "", publishedAt: document.publishedAt.microseconds,
      knownAt: known?.knownAt ?? work.now.microseconds)
  }

  private func document(
    _ symbol: String, _ quarter: String, url: String, publishedAt: Timestamp, _ task: FetchTask,
    _ source: SourceClient, _ work: Work
  ) -> Document {
    let company = work.names.name(of: symbol) ?? ""
    return Document(
      source: source.source.word, id: "\(symbol)-\(quarter)", kind: .transcript, issuer: symbol, symbols: [symbol],
      company: company, form: "earnings-call", period: quarter,
      title: "\(company.isEmpty ? symbol : company) \(quarter) earnings call", url: url, publishedAt: publishedAt,
      knownAt: work.now, jobID: task.jobID)
  }
}

/// A fiscal quarter as companies count them: `2025Q4`.
package struct FiscalQuarter: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var year: Int
  /// 1 to 4.
  package var number: Int

  package init(year: Int, number: Int) { (self.year, self.number) = (year, number) }

  /// - Returns: nil for a text of another form.
  package init?(_ text: some StringProtocol) {
    let parts = text.uppercased().split(separator: "Q", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.count == 4, let year = Int(parts[0]), let number = Int(parts[1]),
      (1_980...2_200).contains(year), (1...4).contains(number)
    else { return nil }
    self.init(year: year, number: number)
  }

  /// The last quarter of the calendar that has ended. Fiscal years may be ahead of it or behind.
  package init(endedBefore time: Timestamp) {
    let civil = time.civil
    self = FiscalQuarter(year: civil.year, number: (civil.month + 2) / 3).advanced(by: -1)
  }

  package func advanced(by count: Int) -> FiscalQuarter {
    let quarters = year * 4 + number - 1 + count
    return FiscalQuarter(year: quarters / 4, number: quarters % 4 + 1)
  }

  package var description: String { "\(year)Q\(number)" }

  package static func < (left: FiscalQuarter, right: FiscalQuarter) -> Bool {
    (left.year, left.number) < (right.year, right.number)
  }
}

/// The transcripts of a symbol, or of a folder, that were published, as one text: a line for each with its id, its hash
/// and its times.
package struct TranscriptHistory: Hashable, Sendable {
  struct Known: Hashable, Sendable {
    /// Of its bytes.
    var sha256: String
    /// Microseconds since 1970.
    var publishedAt: Int64
    var knownAt: Int64
  }

  /// By id: `AAPL-2025Q4`.
  var calls: [String: Known] = [:]

  package init() {}

  /// - Returns: nil for a text of another form: what it remembered is published again.
  package init?(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 4, let published = Int64(words[2]), let known = Int64(words[3]) else { return nil }
      calls[String(words[0])] = Known(sha256: String(words[1]), publishedAt: published, knownAt: known)
    }
  }

  package var text: String {
    calls.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.sha256) \($0.value.publishedAt) \($0.value.knownAt)" }
      .joined(separator: "\n")
  }

  /// The latest quarter of a symbol.
  func latest(of symbol: String) -> FiscalQuarter? {
    calls.keys.compactMap { id in
      id.hasPrefix(symbol + "-") ? FiscalQuarter(id.dropFirst(symbol.count + 1)) : nil
    }.max()
  }
}
