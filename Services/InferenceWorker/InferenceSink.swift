import Kafka
import Logging
import Pipeline
import Runtime
import Schemas

/// Observations in, predictions and windows out, as a sink of the shared loop.
///
/// `append` takes an observation into its window, `flush` predicts and produces. What is committed afterwards is
/// acknowledged: predictions, and the windows that a successor needs to make the next ones.
package final class InferenceSink: Sink {
  package struct Settings: Sendable {
    package var group: String
    package var pattern: RoutingPattern
    /// Times remembered of each series.
    package var window = 128
    package var batchSize = 256
    /// How long after it was written a driver's value counts.
    package var driverDelay: Duration = .seconds(2)
    /// How far ahead of its record's own time an observation may be.
    package var maxAhead: Duration = .seconds(2 * 86_400)
    package var limits = QualityLimits()

    package init(group: String, pattern: RoutingPattern) {
      self.group = group
      self.pattern = pattern
    }
  }

  private let settings: Settings
  private let identity: ServiceIdentity
  private let shelf: ModelShelf
  /// nil where no model has drivers.
  private let drivers: DriverTable?
  private let source: any WindowSource
  private let output: any PredictionOutput
  private let predictor: Predictor
  private let metrics = WorkerMetrics()
  private var windows: [TopicPartition: PartitionWindows] = [:]
  private var occasions: [Occasion] = []
  private var pendingBytes = 0
  private(set) var coverage = CoverageLedger()
  private let logger: Logger

  package init(
    _ settings: Settings, identity: ServiceIdentity, shelf: ModelShelf, drivers: DriverTable?,
    source: any WindowSource, output: any PredictionOutput, logger: Logger
  ) {
    self.settings = settings
    self.identity = identity
    self.shelf = shelf
    self.drivers = drivers
    self.source = source
    self.output = output
    self.logger = logger
    predictor = Predictor(
      builder: InputBuilder(settings.limits), batchSize: settings.batchSize,
      driverDelay: settings.driverDelay.milliseconds, metrics: metrics, logger: logger)
  }

  /// Reads the windows of the partitions; where to go on, Kafka knows.
  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    var places: [TopicPartition: WindowPlace] = [:]
    for partition in partitions {
      guard let category = MarketCategory.allCases.first(where: {
        Topics.marketObservations(of: $0).name == partition.topic
      }) else { throw Failure(.fatal, code: "unknown_topic", "\(partition) holds no market data") }
      places[partition] = WindowPlace(category, partition.partition)
    }
    let restored = try await source.windows(Set(places.values))
    for (partition, place) in places { windows[partition] = PartitionWindows(restored[place] ?? [:]) }
    noteWindows()
    return [:]
  }

  package func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    guard let key = record.key else {
      return .reject(Rejection(code: "no_key", stage: "route", "the record has no routing key"))
    }
    let isListened = settings.pattern.matches(key)
    let isDriver = drivers != nil && record.topic == Topics.marketObservations(of: .energy).name
    guard isListened || isDriver else { return .skip(reason: "not_listened") }
    let observation: MarketObservation
    do {
      observation = try MarketObservation(decoding: record.value)
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", "\(error)"))
    }
    if let rejection = refusal(of: observation, record) { return .reject(rejection) }
    return take(
      observation, record.topicPartition, offset: record.offset, stamp: record.timestamp, isListened: isListened,
      trace: isListened && record.hasHeaders
        ? record.headers.first { $0.name == HeaderName.traceparent }?.value : nil,
      bytes: record.value.byteCount)
  }

  private func refusal(of observation: MarketObservation, _ record: borrowing RecordBatch.Record) -> Rejection? {
    guard record.key?.equals(observation.series.text) == true else {
      return Rejection(code: "other_key", stage: "route", "the key is not that of the series within")
    }
    let ahead = observation.observedAt.microseconds / 1_000 - record.timestamp
    if record.timestamp >= 0, ahead > settings.maxAhead.milliseconds {
      return Rejection(code: "observed_in_future", stage: "route", "observed_at lies too far ahead of the record")
    }
    return nil
  }

  /// Takes an observation into its window. One that only says again what is known is no occasion for a prediction.
  package func take(
    _ observation: MarketObservation, _ partition: TopicPartition, offset: Int64, stamp: Int64, isListened: Bool,
    trace: [UInt8]? = nil, bytes: Int = 0
  ) -> Disposition {
    let name = SeriesName(observation.series, observation.kind)
    let isRepeat = windows[partition, default: PartitionWindows()].takes(
      observation, name, offset: offset, stamp: stamp, limit: settings.window)
    if isRepeat { return .skip(reason: "repeated") }
    pendingBytes += bytes
    if isListened {
      occasions.append(Occasion(
        partition: partition, offset: offset, name: name, observedAt: observation.observedAt.microseconds,
        value: observation.value,
        measure: SeriesHistory.Measure(currency: observation.currency, unit: observation.unit), stamp: stamp,
        trace: trace))
    }
    return .keep
  }

  package var load: SinkLoad { SinkLoad(rows: occasions.count, bytes: pendingBytes) }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    let predictions = predictor.predictions(for: occasions, by: shelf.current, known: known) { names in
      drivers?.series(names) ?? names.map { _ in nil }
    }
    var batch = OutgoingBatch()
    var writer = JSONWriter()
    for (occasion, predictions) in zip(occasions, predictions) where !predictions.isEmpty {
      let headers = identity.headers(schema: Prediction.topic.schema, parent: occasion.trace)
      for prediction in predictions { Self.append(prediction, headers, to: &batch, &writer) }
    }
    let headers = identity.headers(schema: SeriesWindow.topic.schema)
    for partition in windows.keys.sorted(by: { ($0.topic, $0.partition) < ($1.topic, $1.partition) }) {
      let changes = windows[partition]?.changes(limit: settings.window, group: settings.group) ?? []
      for window in changes { Self.append(window, headers, to: &batch, &writer) }
    }
    try await output.send(batch, for: positions)
    let rows = predictions.reduce(0) { $0 + $1.count }
    compare(predictions)
    occasions.removeAll(keepingCapacity: true)
    pendingBytes = 0
    for partition in windows.keys { windows[partition]?.settle() }
    noteWindows()
    return FlushReport(durable: positions, rows: rows)
  }

  /// After the flush, so that one that is made again counts once.
  private func compare(_ predictions: [[Prediction]]) {
    let before = coverage.tallies.mapValues(\.isOffBand)
    var outcomes: [String: [CoverageLedger.Outcome: Int]] = [:]
    for (occasion, predictions) in zip(occasions, predictions) {
      coverage.take(occasion, predictions) { outcomes[$0, default: [:]][$1, default: 0] += 1 }
    }
    for (model, outcomes) in outcomes {
      guard let tally = coverage.tallies[model] else { continue }
      metrics.compared(model, outcomes, tally)
      if tally.isOffBand == true, before[model] != .some(true) {
        logger.warning("a model's intervals do not hold what they promise", metadata: [
          "model": "\(model)", "promised": "\(tally.promised)", "reached": "\(tally.reached ?? 0)",
          "compared": "\(tally.compared)",
        ])
      }
    }
  }

  private func known(_ occasion: Occasion) -> KnownSeries {
    let windows = windows[occasion.partition]
    return KnownSeries(
      points: windows?.known(occasion.name, asOf: occasion.offset, limit: settings.window) ?? [],
      measures: windows?.histories[occasion.name]?.measures ?? [])
  }

  private static func append<Content: Message>(
    _ message: Content, _ headers: [Header], to batch: inout OutgoingBatch, _ writer: inout JSONWriter
  ) {
    writer.clear()
    message.encode(into: &writer)
    batch.append(
      topic: Content.topic.name, key: message.key, value: writer.bytes, headers: headers,
      partitionBy: message.partitionKey)
  }

  /// Nothing before these is read again: what only earlier records could need may go.
  package func committed(_ positions: [TopicPartition: Int64]) {
    for (partition, offset) in positions { windows[partition]?.floor = offset }
  }

  package func drop(_ partitions: Set<TopicPartition>) {
    for partition in partitions {
      if let gone = windows[partition]?.histories { coverage.forget { gone[$0] != nil } }
      windows[partition] = nil
    }
    occasions.removeAll { partitions.contains($0.partition) }
    if occasions.isEmpty { pendingBytes = 0 }
    noteWindows()
  }

  private func noteWindows() { metrics.knows(windows.values.reduce(0) { $0 + $1.histories.count }) }
}

extension Duration {
  /// Whole milliseconds.
  fileprivate var milliseconds: Int64 {
    components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
  }
}
