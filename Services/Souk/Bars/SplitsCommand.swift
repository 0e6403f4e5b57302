import ArgumentParser
import Budgets
import Catalogue
import Core
import FeedHTTP
import Feeds
import HTTP
import HTTPFlags
import Kafka
import KafkaFlags
import Logging
import Markets
import Messages
import Operations
import Pipeline
import ServiceKit
import Synchronization
import Values

/// `souk splits`
struct SplitsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "splits", abstract: "The splits of shares, which bars are adjusted by when they are read.",
    discussion: """
      Splits are in market-splits, the last record of a symbol and date holds. Bars stay as they were traded.

      Examples:
        souk splits fetch --tickers-file config/tickers.txt --since 2016-01-01
        souk splits load splits.csv
        souk splits list AAPL
      """,
    subcommands: [FetchCommand.self, LoadCommand.self, ListCommand.self])

  struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "fetch", abstract: "Ask a provider for the splits of symbols.",
      discussion: """
        A split that the same provider told before and does not tell any more is taken back.

        Examples:
          souk splits fetch --tickers AAPL,NVDA --since 2016-01-01
        """)
    @OptionGroup(title: "What") var tickers: TickersOptions
    @OptionGroup(title: "Provider") var provider: ProviderOptions
    @Option(help: ArgumentHelp("Leave out the splits before this day.", valueName: "date"))
    var since = "2000-01-01"
    @OptionGroup(title: "Network") var access: AccessOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func validate() throws {
      try tickers.require()
      guard CivilDate(since) != nil else { throw ValidationError("--since is not like 2016-01-01") }
    }

    func run() async throws {
      let stop = stopSignals()
      let (source, feed) = try provider.source()
      let first = CivilDate(since) ?? CivilDate(daysSinceEpoch: 0)
      let symbols = Set(try tickers.symbols()).sorted()
      let book = try SplitBook(kafka)
      let http = try HTTPClient(access.configuration(name: "splits", maxPerOrigin: 4))
      defer { http.close() }
      let account = FeedAccess(
        feed, base: source.url, key: source.key ?? Secret(""), secret: source.secret)
      let client = FeedClient(account, http, limits: HTTPLimits(maxBodyBytes: 64 << 20))
      let budget = RequestBudget(try LocalTokens(source.limits))
      var found: [StockSplit] = []
      var silent: [String: any ClassifiedError] = [:]
      for question in SplitQuestion.all(feed, symbols, since: first) {
        let answer = try await FeedPages.read(question) { path in
          guard case .granted = await budget.turn(before: nil) else {
            throw FeedRefusal(.dayQuota, "no request is left", retryAfter: .seconds(60))
          }
          return try await client.page(path)
        } read: { page, question, knownNs in
          let answer = try SplitAnswers.read(page, of: question, knownNs: knownNs)
          guard answer.refused == 0 else {
            throw FeedRefusal(.unreadable, "\(answer.refused) splits of \(question.symbols[0]) cannot be read")
          }
          found += answer.splits
          return answer.next
        } waits: { failed in
          if await stop.sleep(for: failed.delay) { throw failed.error }
        }
        silent.merge(answer.refused) { first, _ in first }
      }
      found.removeAll { $0.executionDate < since }
      let keys = Set(found.map(\.key))
      let gone = try await book.splits(stop: stop).filter {
        $0.source == feed.rawValue && $0.executionDate >= since && symbols.contains($0.symbol)
          && silent[$0.symbol] == nil && !keys.contains($0.key)
      }
      try await book.send(found, gone: gone)
      print("\(grouped(found.count)) splits of \(grouped(symbols.count)) symbols, \(grouped(gone.count)) taken back")
      for (symbol, error) in silent.sorted(by: { $0.key < $1.key }) { print("\(symbol): \(error)") }
      if !silent.isEmpty { throw ExitCode(2) }
    }
  }

  struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "load", abstract: "Publish the splits of a file: symbol,execution_date,split_from,split_to.",
      discussion: """
        Examples:
          souk splits load splits.csv
        """)
    @Argument(help: "The file, with that heading.") var file: String
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func run() async throws {
      let splits = try SplitFile.read(file, knownNs: WallClock.microseconds() * 1_000)
      try await SplitBook(kafka).send(splits)
      print("\(grouped(splits.count)) splits")
    }
  }

  struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Print the known splits.",
      discussion: """
        Examples:
          souk splits list AAPL
        """)
    @Argument(help: "Only of this symbol.") var symbol: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func run() async throws {
      var report = Report("splits", [
        .text("symbol", "SYMBOL"), .text("execution_date", "DATE"), .number("split_from", "FROM"),
        .number("split_to", "TO"), .text("source", "SOURCE"),
      ])
      for split in try await SplitBook(kafka).splits() where symbol.map({ $0 == split.symbol }) ?? true {
        report.append([
          .text(split.symbol), .text(split.executionDate), .text("\(split.splitFrom)"), .text("\(split.splitTo)"),
          .text(split.source),
        ])
      }
      report.nothing = "no splits"
      output.print(report)
    }
  }
}

/// The splits that `market-splits` has.
struct SplitBook: Sendable {
  private let cluster: Cluster
  private let options: KafkaOptions

  init(_ kafka: ClusterOptions) throws {
    cluster = try Cluster(kafka)
    options = try kafka.kafkaOptions()
  }

  /// - Returns: by symbol and date.
  func splits(stop: Interruption = Interruption()) async throws -> [StockSplit] {
    try await cluster.require([Topics.marketSplits])
    let known = Mutex<[String: StockSplit]>([:])
    try await Cluster.read(Topics.marketSplits, options, stop: stop) { (split: StockSplit?, key) in
      known.withLock { $0[key] = split }
    }
    return known.withLock { $0.values.sorted { ($0.symbol, $0.executionDate) < ($1.symbol, $1.executionDate) } }
  }

  /// - Parameter gone: those that are taken back.
  func send(_ splits: [StockSplit], gone: [StockSplit] = []) async throws {
    try await cluster.require([Topics.marketSplits])
    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    var batch = OutgoingBatch()
    let headers = ServiceIdentity(name: "souk").headers(schema: StockSplit.topic.schema)
    for split in splits {
      batch.append(topic: StockSplit.topic.name, key: split.key, value: split.encoded(), headers: headers)
    }
    for split in gone { batch.append(topic: StockSplit.topic.name, key: split.key, value: nil, headers: headers) }
    let producer = try Producer(options.producerConfiguration(clientID: "souk", logger: logger))
    do {
      try await producer.send(batch)
    } catch {
      await producer.close()
      throw error
    }
    await producer.close()
  }
}
