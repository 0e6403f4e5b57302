import Values

/// The catalogue of services: the one list that the fleet is made from, here and in every manifest.
package enum ServiceCatalogue {
  package static let crawler = ServiceEntry(
    "crawler", "lists portals and announces the files it has not seen before", of: [.prices],
    reads: [Topics.filesExpired], writes: [Topics.filesDiscovered, Topics.alerts], isSource: true,
    needs: [.redis, .internet, .ftp], scaling: .single, resources: ContainerResources(cpu: 50, memory: 96, limit: 256),
    settings: [.choice("SOURCE", "all", "CRAWLER_SOURCE"), .choice("INTERVAL", "300s", "CRAWLER_INTERVAL")],
    hasStandIn: true, note: """
      One crawler: its portals are asked politely, by one process. Several share the chains by SHARD, see its README.
      """)

  package static let downloader = ServiceEntry(
    "downloader", "fetches announced files into the object store", of: [.prices], reads: [Topics.filesDiscovered],
    writes: [Topics.filesDownloaded, Topics.filesExpired], sink: .objectStore, needs: [.internet, .ftp],
    scaling: .byLag(200), resources: .medium,
    settings: [FleetSetting("SPOOL_DIRECTORY", "/var/lib/souk", in: containers)],
    volumes: [.scratch("/var/lib/souk", gibibytes: 4)], hasStandIn: true,
    note: "Files wait on disk between fetch and upload, since /tmp is memory.")

  package static let parser = ServiceEntry(
    "parser", "turns stored files into batches of prices, promotions and stores", of: [.prices],
    reads: [Topics.filesDownloaded],
    writes: [
      Topics.productsIngest, Topics.promotionsIngest, Topics.storesIngest, Topics.filesParsed,
      Topics.productsMasters, Topics.alerts,
    ],
    tables: [Topics.productsMasters, Topics.masterDecisions], needs: [.objectStore, .redis], scaling: .byLag(50),
    resources: ContainerResources(cpu: 500, memory: 512, limit: 2_048),
    settings: [FleetSetting("CONCURRENCY", "4", in: containers)],
    note: "The index of masters may take 1 GiB, each of the files that are read 32 MiB.")

  package static let egxProducer = ServiceEntry(
    "egx-producer", "publishes new and changed bars of the Egyptian Exchange", of: [.egx], writes: [Topics.marketData],
    isSource: true, needs: [.internet], scaling: .single,
    settings: [
      .choice("SOURCE", "tradingview://", "EGX_SOURCE"),
      .choice("SYMBOLS", "COMI,ETEL,HRHO,SWDY,TMGH", "EGX_SYMBOLS"),
      FleetSetting("STATE", "/var/lib/souk/bars", in: [.compose]),
    ],
    volumes: [.kept("/var/lib/souk", name: "egx-state")], hasStandIn: true,
    note: "One producer: two would publish every bar twice, which does no harm and serves no purpose.")

  package static let influxConsumer = ServiceEntry(
    "influx-consumer", "writes bars into a time series database", of: [.egx], reads: [Topics.marketData],
    sink: .influx, scaling: .byLag(20_000), resources: ContainerResources(cpu: 100, memory: 64, limit: 256))

  package static let s3Consumer = ServiceEntry(
    "s3-consumer", "keeps every bar in the object store, by day and symbol", of: [.egx], reads: [Topics.marketData],
    sink: .objectStore, scaling: .byLag(200_000), isStateful: true, resources: .medium,
    settings: [FleetSetting("OBJECT_STORE", "s3://market", in: containers)],
    note: "Its lag is never zero: what waits in memory for its object is committed with it, up to a minute later.")

  package static let scheduler = ServiceEntry(
    "scheduler", "announces what is due to be fetched, each job once, whichever replica is active",
    of: [.sentinel, .lambda], reads: [Topics.schedulerLease, Topics.marketSchedulerLease],
    writes: [Topics.ingestionTasks] + Topics.fetchTasks, isSource: true,
    kinds: [
      .init(
        name: "commodities", inputs: [Topics.schedulerLease], outputs: [Topics.ingestionTasks], system: .sentinel,
        isFirst: true),
      .init(
        name: "markets", inputs: [Topics.marketSchedulerLease], outputs: Topics.fetchTasks, system: .lambda,
        readsMarkets: false, settings: [.choice("TICKERS", "AAPL,MSFT,NVDA,SPY", "MARKET_SYMBOLS")]),
    ],
    scaling: .activeStandby, readsMarkets: true, hasStandIn: true,
    note: "One of the replicas is active, the other takes over when it is gone.")

  package static let fetcher = ServiceEntry(
    "fetcher", "asks providers for the prices, demands and market data that are due, and publishes what is new",
    of: [.sentinel, .lambda], reads: [Topics.ingestionTasks] + Topics.fetchTasks,
    writes: Topics.commodityObservations + fetched, needs: [.redis, .internet, .objectStore],
    kinds: [
      .init(
        name: "commodities", inputs: [Topics.ingestionTasks], outputs: Topics.commodityObservations, system: .sentinel,
        isFirst: true),
    ] + FetchKind.allCases.map { kind in
      .init(
        name: kind.rawValue, inputs: [Topics.fetchTasks(of: kind)], outputs: Topics.fetched(by: kind), system: .lambda,
        readsMarkets: false, settings: Topics.fetched(by: kind).contains(Topics.documents) ? [archive] : [])
    },
    scaling: .byLag(500), resources: ContainerResources(cpu: 200, memory: 128, limit: 512), readsMarkets: true,
    hasStandIn: true, note: """
      The keys of market data are the variables that the file of its sources names, without one APCA_API_KEY_ID and
      APCA_API_SECRET_KEY of Alpaca, POLYGON_API_KEY, ALPHAVANTAGE_API_KEY, NEWSAPI_KEY, X_BEARER_TOKEN, of Reddit
      REDDIT_CLIENT_ID, REDDIT_CLIENT_SECRET and REDDIT_USER_AGENT, of EDGAR EDGAR_USER_AGENT.
      """)

  /// What fetchers of market data publish, each topic once.
  private static let fetched = FetchKind.allCases.flatMap { Topics.fetched(by: $0) }.reduce(into: [Topic]()) {
    if !$0.contains($1) { $0.append($1) }
  }

  /// Each kind reads the category of its name unless it is told otherwise; models of polymers look at energy prices
  /// too.
  package static let inferenceWorker = ServiceEntry(
    "inference-worker", "predicts the series its pattern picks with the models of its kind", of: [.sentinel],
    reads: Topics.commodityObservations, writes: [Topics.databaseWriteBuffer, Topics.seriesWindows],
    tables: [Topics.seriesWindows], needs: [.objectStore],
    kinds: [
      .init(name: "polymer", inputs: [.polymer, .energy].map(Topics.commodityObservations(of:))),
      .init(name: "shielding", inputs: [Topics.commodityObservations(of: .shielding)]),
      .init(name: "screening", inputs: [Topics.commodityObservations(of: .screening)]),
    ],
    scaling: .byLag(1_000), isStateful: true, resources: ContainerResources(cpu: 500, memory: 256, limit: 1_024),
    hasStandIn: true, note: "One group of workers for each kind of models; each is scaled on its own.")

  package static let dbWriter = ServiceEntry(
    "db-writer",
    "writes prices and their history, promotions, stores, masters, files, market data and predictions",
    of: [.prices, .sentinel],
    reads: [
      Topics.productsIngest, Topics.promotionsIngest, Topics.storesIngest, Topics.filesParsed, Topics.productsMasters,
      Topics.masterDecisions,
    ] + Topics.commodityObservations + [Topics.databaseWriteBuffer],
    sink: .postgres,
    // A record of these is a batch, a file.
    scaling: .byLag(5_000, [
      Topics.productsIngest: 500, Topics.promotionsIngest: 500, Topics.storesIngest: 500, Topics.filesParsed: 1_000,
    ]),
    resources: ContainerResources(cpu: 250, memory: 128, limit: 512),
    settings: [
      .choice("REFRESH_INTERVAL", "60s", "REFRESH_INTERVAL", in: [.compose]),
      FleetSetting("MIGRATE", "true", in: [.kubernetes], note: """
        Brings the database to the schema of this release when it starts; safe by any number of them at once.
        """),
    ])

  package static let marketStreamer = ServiceEntry(
    "market-streamer", "publishes trades, quotes and bars of market feeds, and refills what it missed", of: [.lambda],
    writes: [
      Topics.marketTicks, Topics.marketBars, Topics.marketGaps, Topics.optionTrades, Topics.subscriptions,
    ],
    tables: [Topics.subscriptions], isSource: true, needs: [.redis, .internet], scaling: .activeStandby,
    resources: ContainerResources(cpu: 250, memory: 96, limit: 256),
    settings: [
      .choice("FEED", "polygon-stocks", "MARKET_FEED"), .choice("SYMBOLS", "AAPL,MSFT,NVDA,SPY", "MARKET_SYMBOLS"),
    ],
    hasStandIn: true, note: """
      One process owns a connection by a lease, the other takes over: a provider closes the oldest of two. The key of
      the provider is FEED_KEY (with Alpaca FEED_SECRET, too), or a file that FEED_KEY_FILE names.
      """)

  package static let signalWorker = ServiceEntry(
    "signal-worker", "computes indicators of bars and how unusual flow and sentiment are, and says which rules fire",
    of: [.lambda], reads: [Topics.marketBars, Topics.optionsFlow, Topics.sentimentEvents],
    writes: [Topics.technicalSignals, Topics.signalStates],
    tables: [Topics.signalStates], scaling: .byLag(50_000), isStateful: true, resources: .medium)

  package static let optionsDetector = ServiceEntry(
    "options-detector", "finds sweeps, blocks and unusual volume in options, and says which rule found them",
    of: [.lambda], reads: [Topics.optionTrades, Topics.optionChains], writes: [Topics.optionsFlow, Topics.flowStates],
    tables: [Topics.flowStates], scaling: .byLag(20_000, [Topics.optionChains: 200]), isStateful: true,
    resources: .medium)

  package static let sentimentWorker = ServiceEntry(
    "sentiment-worker", "clusters articles and posts into stories and says what each means for the companies it names",
    of: [.lambda], reads: [Topics.newsArticles, Topics.socialPosts], writes: [Topics.sentimentEvents],
    needs: [.redis, .objectStore],
    scaling: .byLag(5_000), resources: ContainerResources(cpu: 100, memory: 96, limit: 256))

  package static let documentWorker = ServiceEntry(
    "document-worker", "splits filings by item and transcripts by speaker into passages with vectors", of: [.lambda],
    reads: [Topics.documents], writes: [Topics.documentChunks], needs: [.objectStore], scaling: .byLag(50),
    resources: ContainerResources(cpu: 500, memory: 256, limit: 1_024), settings: [archive],
    note: "A filing takes a core for about a minute with the vectors of a model, less than a second without.")

  package static let hotWriter = ServiceEntry(
    "hot-writer",
    "keeps prices, bars, gaps, news, posts, sentiment and passages in Redis: series, last values, tails, vectors",
    of: [.lambda],
    reads: [
      Topics.marketTicks, Topics.marketBars, Topics.marketGaps, Topics.technicalSignals, Topics.newsArticles,
      Topics.socialPosts, Topics.sentimentEvents, Topics.optionsFlow, Topics.documents, Topics.documentChunks,
    ],
    sink: .redis,
    scaling: .byLag(100_000), resources: .medium)

  package static let archiver = ServiceEntry(
    "archiver", "keeps every record of markets and texts in the object store, by date and symbol, with a catalogue",
    of: [.lambda],
    reads: [
      Topics.marketTicks, Topics.marketBars, Topics.marketGaps, Topics.technicalSignals, Topics.newsArticles,
      Topics.socialPosts, Topics.sentimentEvents, Topics.optionChains, Topics.optionTrades, Topics.optionsFlow,
      Topics.documents,
    ],
    sink: .objectStore, needs: [.redis], scaling: .byLag(500_000), isStateful: true,
    resources: ContainerResources(cpu: 200, memory: 256, limit: 1_024),
    settings: [
      archive, FleetSetting("ROTATE_INTERVAL", "5m", in: containers),
      FleetSetting("BUFFER_BYTES", "256MiB", in: containers),
    ], note: """
      Its lag is never zero: what waits in memory for its object is committed with it, up to five minutes later. One of
      the replicas keeps the catalogue and moves old objects to colder tiers, by a lease in Redis.
      """)

  package static let gateway = ServiceEntry(
    "gateway", "answers over HTTP with ticks, bars, signals, texts, features, jobs and live events", of: [.lambda],
    writes: [Topics.subscriptions, Topics.batchJobs],
    tables: [
      Topics.marketGaps, Topics.subscriptions, Topics.batchJobs, Topics.batchStatus, Topics.optionsFlow,
      Topics.sentimentEvents, Topics.marketSplits, Topics.marketTicks, Topics.marketBars, Topics.technicalSignals,
      Topics.newsArticles,
    ], needs: [.redis, .objectStore, .dask], optional: [.postgres, .influx], scaling: .replicated, resources: .medium,
    settings: [
      FleetSetting("API_HOST", "0.0.0.0", in: containers), archive,
      FleetSetting("VIEWS_ENABLED", "true", in: containers), .choice("DASK_ENABLED", "true", "DASK_ENABLED"),
      .choice("DASK_SCHEDULER_ADDRESS", "tcp://dask-scheduler:8786", "DASK_SCHEDULER_ADDRESS"),
    ], serves: 8_000, note: """
      Its replicas are equal: each follows the live topics in no group. Who may ask is in the file of TOKENS_FILE.
      DATABASE_URL and INFLUX_DATABASE let it answer about supermarkets, forecasts and the Egyptian Exchange.
      """)

  package static let batchRunner = ServiceEntry(
    "batch-runner", "runs the jobs of the batch layer over the archive, and publishes their views", of: [.lambda],
    reads: [Topics.batchJobs], writes: [Topics.batchStatus], tables: [Topics.batchJobs, Topics.batchStatus],
    sink: .objectStore, needs: [.dask], scaling: .single,
    resources: ContainerResources(cpu: 250, memory: 512, limit: 2_048),
    settings: [
      archive, FleetSetting("JOBS_FOLDER", "/usr/local/share/souk/batch", in: containers),
      .choice("DASK_ENABLED", "true", "DASK_ENABLED"),
      .choice("DASK_SCHEDULER_ADDRESS", "tcp://dask-scheduler:8786", "DASK_SCHEDULER_ADDRESS"),
    ], image: .batch, note: """
      Its programs are Python; while Dask is away they do the same in processes of their own.
      """)

  private static let containers: Set<FleetSetting.Place> = [.compose, .kubernetes]
  /// Of documents, too: their bytes grow old with their records.
  private static let archive = FleetSetting("OBJECT_STORE", "s3://archive", in: containers)

  /// In the order the data flows.
  package static let all = [
    crawler, downloader, parser, egxProducer, influxConsumer, s3Consumer, scheduler, fetcher, inferenceWorker, dbWriter,
    marketStreamer, signalWorker, optionsDetector, sentimentWorker, documentWorker, hotWriter, archiver, batchRunner,
    gateway,
  ]

  package static func named(_ name: String) -> ServiceEntry? { all.first { $0.name == name } }
}
