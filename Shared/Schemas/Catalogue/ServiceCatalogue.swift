/// A consumer group and what it reads.
package struct ConsumerGroup: Hashable, Sendable {
  package let name: String
  package let inputs: [Topic]

  package init(name: String, inputs: [Topic]) {
    self.name = name
    self.inputs = inputs
  }
}

/// One executable of the fleet as seen from outside.
package struct ServiceEntry: Hashable, Sendable {
  /// As users type it; also the image, the consumer group, the `client.id` and the log field.
  package let name: String
  package let summary: String
  package let inputs: [Topic]
  package let outputs: [Topic]
  /// Compacted topics that every instance reads whole at its start and then follows, in no group.
  package let tables: [Topic]
  /// The consumer group, nil for a service that consumes nothing.
  package let group: String?
  /// The groups that commit: the one above, or several where processes of one executable do different work.
  package let groups: [ConsumerGroup]
  /// Begins the flow: what it consumes only comes back to it from services behind it.
  package let isSource: Bool
  /// The outside system that holds the lasting effect, nil when that is only Kafka.
  package let sink: String?

  package init(
    name: String, summary: String, inputs: [Topic], outputs: [Topic], tables: [Topic] = [], group: String?,
    groups: [ConsumerGroup]? = nil, isSource: Bool = false, sink: String?
  ) {
    self.name = name
    self.summary = summary
    self.inputs = inputs
    self.outputs = outputs
    self.tables = tables
    self.group = group
    self.groups = groups ?? group.map { [ConsumerGroup(name: $0, inputs: inputs)] } ?? []
    self.isSource = isSource
    self.sink = sink
  }
}

/// The catalogue of services: who reads what, writes what, and keeps its results where.
package enum ServiceCatalogue {
  package static let crawler = ServiceEntry(
    name: "crawler", summary: "lists portals and announces the files it has not seen before",
    inputs: [Topics.filesExpired], outputs: [Topics.filesDiscovered, Topics.alerts], group: "crawler",
    isSource: true, sink: nil)

  package static let downloader = ServiceEntry(
    name: "downloader", summary: "fetches announced files into the object store",
    inputs: [Topics.filesDiscovered], outputs: [Topics.filesDownloaded, Topics.filesExpired],
    group: "downloader", sink: "object store")

  package static let parser = ServiceEntry(
    name: "parser", summary: "turns stored files into batches of prices, promotions and stores",
    inputs: [Topics.filesDownloaded],
    outputs: [
      Topics.productsIngest, Topics.promotionsIngest, Topics.storesIngest, Topics.filesParsed,
      Topics.productsMasters, Topics.alerts,
    ],
    tables: [Topics.productsMasters], group: "parser", sink: nil)

  package static let dbWriter = ServiceEntry(
    name: "db-writer",
    summary: "writes prices and their history, promotions, stores, masters, files, market data and predictions",
    inputs: [
      Topics.productsIngest, Topics.promotionsIngest, Topics.storesIngest, Topics.filesParsed, Topics.productsMasters,
    ] + Topics.marketObservations + [Topics.databaseWriteBuffer],
    outputs: [], group: "db-writer", sink: "PostgreSQL")

  package static let egxProducer = ServiceEntry(
    name: "egx-producer", summary: "publishes new and changed bars of the Egyptian Exchange",
    inputs: [], outputs: [Topics.marketData], group: nil, isSource: true, sink: nil)

  package static let influxConsumer = ServiceEntry(
    name: "influx-consumer", summary: "writes bars into a time series database",
    inputs: [Topics.marketData], outputs: [], group: "influx-consumer", sink: "InfluxDB")

  package static let s3Consumer = ServiceEntry(
    name: "s3-consumer", summary: "keeps every bar in the object store, by day and symbol",
    inputs: [Topics.marketData], outputs: [], group: "s3-consumer", sink: "object store")

  package static let scheduler = ServiceEntry(
    name: "scheduler", summary: "announces what is due to be fetched, each job once, whichever replica is active",
    inputs: [Topics.schedulerLease], outputs: [Topics.ingestionTasks], group: "scheduler", isSource: true, sink: nil)

  package static let fetcher = ServiceEntry(
    name: "fetcher", summary: "asks providers for the prices and demands that are due, and publishes what is new",
    inputs: [Topics.ingestionTasks], outputs: Topics.marketObservations, group: "fetcher", sink: nil)

  package static let inferenceWorker = ServiceEntry(
    name: "inference-worker", summary: "predicts the series its pattern picks with the models of its kind",
    inputs: Topics.marketObservations, outputs: [Topics.databaseWriteBuffer, Topics.seriesWindows],
    tables: [Topics.seriesWindows], group: "inference-worker", groups: inferenceGroups, sink: nil)

  /// Of the three kinds of inference-worker, as they read unless they are told: the category of their name, and the
  /// energy prices that models of polymers look at.
  private static let inferenceGroups = [
    ConsumerGroup(
      name: "inference-worker-polymer",
      inputs: [Topics.marketObservations(of: .polymer), Topics.marketObservations(of: .energy)]),
    ConsumerGroup(name: "inference-worker-shielding", inputs: [Topics.marketObservations(of: .shielding)]),
    ConsumerGroup(name: "inference-worker-screening", inputs: [Topics.marketObservations(of: .screening)]),
  ]

  /// In the order the data flows.
  package static let all = [
    crawler, downloader, parser, dbWriter, egxProducer, influxConsumer, s3Consumer, scheduler, fetcher,
    inferenceWorker,
  ]

  package static func named(_ name: String) -> ServiceEntry? { all.first { $0.name == name } }
}
