import Values

/// The catalogue of topics: the one table that topic creation, manifests, references and tests are made from.
package enum Topics {
  package static let filesDiscovered = Topic(
    name: "gogobe.files.discovered", partitions: 12, retention: .seconds(7 * 86_400),
    key: "chain/file_name", orderedBy: "chain/store_id",
    summary: "a price file was seen at a portal and should be fetched")

  package static let filesExpired = Topic(
    name: "gogobe.files.expired", partitions: 12, retention: .seconds(86_400),
    key: "chain/file_name", orderedBy: "chain/store_id",
    summary: "the link to a discovered file no longer works: the file should be listed again")

  package static let filesDownloaded = Topic(
    name: "gogobe.files.downloaded", partitions: 12, retention: .seconds(7 * 86_400),
    key: "chain/store_id",
    summary: "a price file lies in the object store, verified, and should be parsed")

  package static let productsIngest = Topic(
    name: "gogobe.products.ingest", partitions: 12, retention: .seconds(3 * 86_400),
    key: "chain/store_id",
    summary: "up to 500 priced items of one store, in the order of their file")

  package static let productsMasters = Topic(
    name: "gogobe.products.masters", partitions: 12, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "master_id",
    summary: "a product that items of all chains refer to; the last record of a key is what is known of it")

  package static let masterDecisions = Topic(
    name: "gogobe.masters.decisions", partitions: 12, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "decision_id",
    summary: "two masters are one product, one is two, or a candidate is another product; or that is undone")

  package static let promotionsIngest = Topic(
    name: "gogobe.promotions.ingest", partitions: 12, retention: .seconds(3 * 86_400),
    key: "chain/store_id",
    summary: "promotions of one store with the items they are about, in the order of their file")

  package static let storesIngest = Topic(
    name: "gogobe.stores.ingest", partitions: 12, retention: .seconds(3 * 86_400),
    key: "chain",
    summary: "the branches of a chain, in the order of their file")

  package static let filesParsed = Topic(
    name: "gogobe.files.parsed", partitions: 12, retention: .seconds(7 * 86_400),
    key: "chain/store_id",
    summary: "a file was read: how it ended, what was in it, what became of its rows")

  package static let alerts = Topic(
    name: "souk.alerts", partitions: 3, retention: .seconds(30 * 86_400),
    key: "service/subject",
    summary: "something a person should look at: a listing that changed, a file that shrank")

  package static let marketData = Topic(
    name: "egx_market_data", partitions: 12, retention: .seconds(7 * 86_400),
    key: "symbol",
    summary: "one bar of one instrument, new or changed")

  package static let ingestionTasks = Topic(
    name: "ingestion_tasks", partitions: 12, retention: .seconds(86_400),
    key: "region.country.category.material",
    summary: "a price or a demand of one material is due and should be fetched")

  /// A topic without records: its only partition is what schedulers compete for, and the offset that the group has
  /// committed of it carries the progress.
  package static let schedulerLease = Topic(
    name: "sentinel_scheduler", partitions: 1, retention: .seconds(7 * 86_400),
    key: "-",
    summary: "none: the partition is the lease of the active scheduler")

  /// The same for the scheduler of market data.
  package static let marketSchedulerLease = Topic(
    name: "market-scheduler", partitions: 1, retention: .seconds(7 * 86_400),
    key: "-",
    summary: "none: the partition is the lease of the active scheduler of market data")

  /// One topic a kind, all alike, so that the fetchers of each are scaled alone.
  package static func fetchTasks(of kind: FetchKind) -> Topic {
    Topic(
      name: "fetch-\(kind.rawValue)", partitions: 12, retention: .seconds(86_400),
      key: "source/symbol",
      summary: "\(kind.rawValue) are due and should be fetched")
  }

  /// Where what a kind of tasks fetches is published.
  package static func fetched(by kind: FetchKind) -> [Topic] {
    switch kind {
    case .bars: [marketBars]
    case .chains: [optionChains]
    case .news: [newsArticles]
    case .social: [socialPosts]
    case .filings, .transcripts: [documents]
    }
  }

  package static let fetchTasks = FetchKind.allCases.map { fetchTasks(of: $0) }

  /// One topic a category, all alike: patterns over routing keys narrow the subscription by their third word.
  package static func commodityObservations(of category: CommodityCategory) -> Topic {
    let name = "sentinel_market_data.\(category.rawValue)"
    return Topic(
      name: name, partitions: 12, retention: .seconds(7 * 86_400),
      key: "region.country.category.material",
      summary: "a new price or demand of a series of category \(category.rawValue)")
  }

  package static let commodityObservations = CommodityCategory.allCases.map { commodityObservations(of: $0) }

  package static let seriesWindows = Topic(
    name: "sentinel_series_windows", partitions: 12, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "group/kind/series", orderedBy: "region.country.category.material",
    summary: "the latest observations of a series as one group of workers remembers them")

  package static let databaseWriteBuffer = Topic(
    name: "db_write_buffer", partitions: 12, retention: .seconds(3 * 86_400),
    key: "region.country.category.material",
    summary: "what a model expects of a series, with intervals, or why it says nothing")

  package static let marketTicks = Topic(
    name: "market-ticks", partitions: 12, retention: .seconds(3_600), segment: .seconds(300),
    key: "symbol",
    summary: "a trade, quote, status, correction or cancel as sent, with all its times in nanoseconds")

  package static let marketBars = Topic(
    name: "market-bars", partitions: 12, retention: .seconds(7 * 86_400), segment: .seconds(6 * 3_600),
    key: "symbol",
    summary: "a bar and its revision; a known start replaces the earlier one")

  package static let marketGaps = Topic(
    name: "market-gaps", partitions: 12, retention: .seconds(30 * 86_400),
    key: "symbol",
    summary: "a hole in a feed: from, to, why, refilled or not")

  package static let technicalSignals = Topic(
    name: "technical-signals", partitions: 12, retention: .seconds(2 * 3_600), segment: .seconds(600),
    key: "symbol",
    summary: "the indicators of a symbol at the end of a bar and the rules that fire on it; the last of an id holds")

  package static let signalStates = Topic(
    name: "technical-signal-states", partitions: 12, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "group/feed/symbol", orderedBy: "symbol",
    summary: "all that one group of workers has to know of a symbol to go on with its indicators")

  package static let optionChains = Topic(
    name: "option-chains", partitions: 12, retention: .seconds(86_400), segment: .seconds(3_600),
    key: "underlying",
    summary: "a page of a snapshot of the options on one underlying: quotes, volume, open interest of the day before")

  package static let optionTrades = Topic(
    name: "option-trades", partitions: 12, retention: .seconds(86_400), segment: .seconds(3_600),
    key: "underlying",
    summary: "a print of an option with the quote that stood at the time")

  package static let optionsFlow = Topic(
    name: "options-flow", partitions: 12, retention: .seconds(86_400), segment: .seconds(3_600),
    key: "underlying",
    summary: "unusual activity in options: which rule saw it with what numbers; the last of an id holds")

  package static let flowStates = Topic(
    name: "options-flow-states", partitions: 12, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "group/feed/underlying", orderedBy: "underlying",
    summary: "all that one group of detectors has to know of an underlying to go on with its events")

  package static let subscriptions = Topic(
    name: "subscriptions", partitions: 1, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "feed/symbol",
    summary: "a symbol that a feed is to be asked for; a tombstone ends it")

  package static let newsArticles = Topic(
    name: "news-articles", partitions: 12, retention: .seconds(7 * 86_400),
    key: "source/id",
    summary: "a text as it was published, or its withdrawal")

  package static let socialPosts = Topic(
    name: "social-posts", partitions: 12, retention: .seconds(7 * 86_400),
    key: "source/id",
    summary: "a post of a person as it was published, or its withdrawal")

  package static let sentimentEvents = Topic(
    name: "sentiment-events", partitions: 12, retention: .seconds(86_400), segment: .seconds(3_600),
    key: "symbol",
    summary: "what a story says of a symbol, with score, confidence, and how many outlets print it")

  package static let documents = Topic(
    name: "documents", partitions: 12, retention: .seconds(7 * 86_400),
    key: "source/id", orderedBy: "source/issuer",
    summary: "a filing or transcript whose bytes lie in the object store, or its withdrawal")

  package static let documentChunks = Topic(
    name: "document-chunks", partitions: 12, retention: .seconds(7 * 86_400),
    key: "source/id of the document", orderedBy: "source/issuer",
    summary: "a passage of a document with its vector, or that earlier passages are gone")

  package static let marketSplits = Topic(
    name: "market-splits", partitions: 1, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "symbol/execution_date",
    summary: "a share became several, or several one; bars are stored as they were and adjusted when read")

  package static let backfillJobs = Topic(
    name: "backfill-jobs", partitions: 1, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "job_id",
    summary: "the bars of some symbols and years that are to be fetched")

  package static let backfillStatus = Topic(
    name: "backfill-status", partitions: 1, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "feed/interval/symbol/period",
    summary: "how much of a period's bars was fetched and published, or why it cannot be")

  package static let batchJobs = Topic(
    name: "batch-jobs", partitions: 3, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "job_id",
    summary: "what the batch layer is to compute; a tombstone, or `cancelled`, ends it")

  package static let batchStatus = Topic(
    name: "batch-status", partitions: 3, retention: .seconds(7 * 86_400), cleanup: .compact,
    key: "job_id",
    summary: "how far a job of the batch layer is, what it published, and from when on the live layer answers")

  /// Every topic, in the order the data flows.
  package static let all = [
    filesDiscovered, filesExpired, filesDownloaded, productsIngest, promotionsIngest, storesIngest, filesParsed,
    productsMasters, masterDecisions, alerts, marketData, schedulerLease, ingestionTasks,
  ] + commodityObservations + [
    seriesWindows, databaseWriteBuffer, marketSchedulerLease,
  ] + fetchTasks + [
    subscriptions, marketTicks, marketBars, marketGaps, marketSplits, technicalSignals, signalStates, optionChains,
    optionTrades, optionsFlow, flowStates, backfillJobs, backfillStatus, newsArticles, socialPosts,
    sentimentEvents, documents, documentChunks, batchJobs, batchStatus,
  ]

  /// `all` and their dead-letter topics.
  package static var allWithDeadLetters: [Topic] { all.flatMap { [$0, $0.deadLetters] } }

  package static func named(_ name: String) -> Topic? { allWithDeadLetters.first { $0.name == name } }
}
