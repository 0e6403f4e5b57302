import Catalogue
import Core
import Feeds
import Markets
import Messages
import Metrics
import Values

/// Snapshots of option chains by REST, each whole: its last page says so, and what is on none of its pages is gone.
///
/// Volume is of the day that trades, or of the last one before the market opens for it; open interest of the trading
/// day before that, from 6:30 in New York on, when it is published.
package struct ChainsAdapter: FetchAdapter {
  private let calendar: NYSECalendar
  private let lost = Counter(label: "souk_fetch_contracts_lost_total")
  /// Contracts of one record.
  static let contractsInPage = 250

  /// - Throws: a configuration `Failure` without the zone of New York.
  package init() throws(Failure) { calendar = try NYSECalendar() }

  static let descriptions = [
    MetricDescription(
      "souk_fetch_contracts_lost_total", .counter, "Rows of option chains without the name of a contract, left out.")
  ]

  package func fetch(_ task: FetchTask, from source: SourceClient, now: Timestamp) async throws -> Fetched {
    guard let feed = source.source.kind.optionFeed else {
      throw FetchError(.noSource, "\(source.source.name) has no option chains")
    }
    let symbols = task.symbols.compactMap { SymbolNames.canonical($0, from: .alpaca) }
    guard !symbols.isEmpty, symbols.count == task.symbols.count else {
      throw FetchError(.symbolUnknown, "the task has no symbols, or one that is none")
    }
    let (day, openInterestDay) = days(at: now.microseconds / 1_000_000)
    let access = FeedAccess(
      feed, base: source.source.url, key: source.keys.key, secret: source.keys.secret)
    var fetched = Fetched()
    for symbol in symbols {
      var (contracts, began) = ([OptionChain.Contract](), Int64?.none)
      let result = try await Self.meaning {
        try await FeedPages.read(ChainQuestion(feed, symbol)) { path in
          try await source.page(path, of: access, for: task)
        } read: { page, question, asked in
          began = began ?? asked
          let answer = try ChainAnswers.read(page, of: question, openInterestDay: openInterestDay)
          lost.increment(by: answer.refused)
          contracts += answer.contracts
          return answer.next
        } waits: { failed in
          // The gate waits for all replicas together.
          throw failed.error
        }
      }
      if let error = result.refused[symbol] {
        fetched.refused[symbol] = FetchError.meaning(of: error) as? any ClassifiedError ?? error
      } else if contracts.isEmpty {
        // A chain without contracts would say that all of them are gone.
        fetched.refused[symbol] = FetchError(.symbolUnknown, "there are no options on it")
      } else {
        publish(contracts, symbol, feed, day, knownNs: began ?? now.microseconds * 1_000, task, &fetched)
      }
    }
    return fetched
  }

  private static func meaning<Result>(_ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch let refusal as FeedRefusal { throw FetchError.meaning(of: refusal) }
  }

  private func publish(
    _ contracts: [OptionChain.Contract], _ symbol: String, _ feed: Feed, _ day: String, knownNs: Int64,
    _ task: FetchTask, _ fetched: inout Fetched
  ) {
    // A contract that two pages have, since the chain changed in between, counts once.
    var names: Set<String> = []
    let unique = contracts.reversed().filter { names.insert($0.contract).inserted }.reversed()
    let list = Array(unique)
    let pages = stride(from: 0, to: list.count, by: Self.contractsInPage).map {
      Array(list[$0..<min(list.count, $0 + Self.contractsInPage)])
    }
    for (index, page) in pages.enumerated() {
      fetched.add(OptionChain(
        underlying: symbol, feed: feed.rawValue, page: Int64(index), of: Int64(pages.count), knownNs: knownNs, day: day,
        contracts: page, jobID: task.jobID))
    }
  }

  package func testTask(of source: String, _ symbols: [String], now: Timestamp) -> FetchTask {
    FetchTask(kind: .chains, source: source, symbols: symbols, dueAt: now)
  }

  /// The day of the volume and that of the open interest at an instant, seconds since 1970.
  func days(at seconds: Int64) -> (day: String, openInterestDay: String) {
    func last(before instant: Int64, _ begin: (NYSECalendar.Session) -> Int64) -> Int64 {
      let today = calendar.day(of: instant)
      return (0..<14).lazy.map { today - $0 }.first { day in
        calendar.session(on: day).map { begin($0) <= instant } == true
      } ?? today
    }
    let day = last(before: seconds) { $0.preOpen }
    // Two and a half hours behind the begin of the session at 4:00.
    let published = last(before: seconds) { $0.preOpen + 9_000 }
    let before = (1..<14).lazy.map { published - $0 }.first { calendar.session(on: $0) != nil } ?? published - 1
    return (CivilDate(daysSinceEpoch: day).description, CivilDate(daysSinceEpoch: before).description)
  }
}
