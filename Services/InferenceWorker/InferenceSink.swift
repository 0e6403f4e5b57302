import Catalogue
import Core
import Kafka
import Logging
import Messages
import Pipeline
import Routing
import Values

/// A sink that predicts: observations in, predictions and windows out.
///
/// `append` inserts an observation into its window, `flush` predicts and produces. Offsets are committed after the
/// predictions, and the windows that a successor needs for the next ones, are acknowledged.
package final class InferenceSink: Sink {
  package struct Settings: Sendable {
    package var group: String
    package var pattern: RoutingPattern
    /// Times remembered per series.
    package var window = 128
    package var batchSize = 256
    /// A driver's value counts for observations written this much later.
    package var driverDelay: Duration = .seconds(2)
    /// How far an observation may be ahead of its record's timestamp.
    package var maxAhead: Duration = .seconds(2 * 86_400)
    package var limits = QualityLimits()

    package init(group: String, pattern: RoutingPattern) {
      self.group = group
      self.pattern = pattern
    }
  }

  private let settings: Settings
  private let identity: ServiceIdentity
  private let models: LoadedModels
  /// nil when no model has drivers.
  private let drivers: DriverTable?
  private let source: any WindowSource
  private let output: any SinkOutput
  private let predictor: Predictor
  private let metrics = WorkerMetrics()
  private var windows: [TopicPartition: PartitionWindows] = [:]
  private var requests: [PredictionRequest] = []
  private var pendingBytes = 0
  private(set) var coverage = CoverageTracker()
  private let logger: Logger

  package init(
    _ settings: Settings, identity: ServiceIdentity, models: LoadedModels, drivers: DriverTable?,
    source: any WindowSource, output: any SinkOutput, logger: Logger
  ) {
    self.settings = settings
    self.identity = identity
    self.models = models
    self.drivers = drivers
    self.source = source
    self.output = output
    self.logger = logger
    predictor = Predictor(
      builder: InputBuilder(settings.limits), batchSize: settings.batchSize,
      driverDelay: settings.driverDelay.milliseconds, metrics: metrics, logger: logger)
  }

  /// Reads the windows of the partitions. Reading resumes at the group's committed offsets.
  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    var places: [TopicPartition: WindowPartition] = [:]
    for partition in partitions {
      guard let category = CommodityCategory.allCases.first(where: {
        Topics.commodityObservations(of: $0).name == partition.topic
      }) else { throw Failure(.fatal, code: "unknown_topic", "\(partition) holds no market observations") }
      places[partition] = WindowPartition(category, partition.partition)
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
    let isDriver = drivers != nil && record.topic == Topics.commodityObservations(of: .energy).name
    guard isListened || isDriver else { return .skip(reason: "not_listened") }
    let observation: CommodityObservation
    do {
      observation = try CommodityObservation(decoding: record.value)
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", "\(error)"))
    }
    if let rejection = refusal(of: observation, record) { return .reject(rejection) }
    return take(
      observation, record.topicPartition, offset: record.offset, stamp: record.timestamp, isListened: isListened,
      trace: isListened ? record.header(HeaderName.traceparent) : nil,
      bytes: record.value.byteCount)
  }

  private func refusal(of observation: CommodityObservation, _ record: borrowing RecordBatch.Record) -> Rejection? {
    guard record.key?.equals(observation.series.text) == true else {
      return Rejection(code: "other_key", stage: "route", "the key differs from the series in the value")
    }
    let ahead = observation.observedAt.microseconds / 1_000 - record.timestamp
    if record.timestamp >= 0, ahead > settings.maxAhead.milliseconds {
      return Rejection(code: "observed_in_future", stage: "route", "observed_at is too far ahead of the record")
    }
    return nil
  }

  /// Inserts an observation into its window. A repeated one causes no prediction.
  package func take(
    _ observation: CommodityObservation, _ partition: TopicPartition, offset: Int64, stamp: Int64, isListened: Bool,
    trace: [UInt8]? = nil, bytes: Int = 0
  ) -> Disposition {
    let name = SeriesName(observation.series, observation.kind)
    let isRepeat = windows[partition, default: PartitionWindows()].insert(
      observation, name, offset: offset, stamp: stamp, limit: settings.window)
    if isRepeat { return .skip(reason: "repeated") }
    pendingBytes += bytes
    if isListened {
      requests.append(PredictionRequest(
        partition: partition, offset: offset, name: name, observedAt: observation.observedAt.microseconds,
        value: observation.value,
        measure: SeriesHistory.Measure(currency: observation.currency, unit: observation.unit), stamp: stamp,
        trace: trace))
    }
    return .keep
  }

  package var load: SinkLoad { SinkLoad(rows: requests.count, bytes: pendingBytes) }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    let predictions = predictor.predictions(for: requests, by: models.current, known: known) { names in
      drivers?.series(names) ?? names.map { _ in nil }
    }
    var batch = OutgoingBatch()
    var writer = JSONWriter()
    for (request, predictions) in zip(requests, predictions) where !predictions.isEmpty {
      let headers = identity.headers(schema: Prediction.topic.schema, parent: request.trace)
      for prediction in predictions { Self.append(prediction, headers, to: &batch, &writer) }
    }
    let headers = identity.headers(schema: SeriesWindow.topic.schema)
    for partition in windows.keys.sorted(by: { ($0.topic, $0.partition) < ($1.topic, $1.partition) }) {
      let changes = windows[partition]?.changes(limit: settings.window, group: settings.group) ?? []
      for window in changes { Self.append(window, headers, to: &batch, &writer) }
    }
    try await output.send([batch], for: positions)
    let rows = predictions.reduce(0) { $0 + $1.count }
    compare(predictions)
    requests.removeAll(keepingCapacity: true)
    pendingBytes = 0
    for partition in windows.keys { windows[partition]?.settle() }
    noteWindows()
    return FlushReport(durable: positions, rows: rows)
  }

  /// Runs after the flush, so that a retried flush counts once.
  private func compare(_ predictions: [[Prediction]]) {
    let before = coverage.tallies.mapValues(\.isOffBand)
    var outcomes: [String: [CoverageTracker.Outcome: Int]] = [:]
    for (request, predictions) in zip(requests, predictions) {
      coverage.take(request, predictions) { outcomes[$0, default: [:]][$1, default: 0] += 1 }
    }
    for (model, outcomes) in outcomes {
      guard let tally = coverage.tallies[model] else { continue }
      metrics.compared(model, outcomes, tally)
      if tally.isOffBand == true, before[model] != .some(true) {
        logger.warning("a model's intervals miss their promised coverage", metadata: [
          "model": "\(model)", "promised": "\(tally.promised)", "reached": "\(tally.reached ?? 0)",
          "compared": .stringConvertible(tally.compared),
        ])
      }
    }
  }

  private func known(_ request: PredictionRequest) -> KnownSeries {
    let windows = windows[request.partition]
    return KnownSeries(
      points: windows?.known(request.name, asOf: request.offset, limit: settings.window) ?? [],
      measures: windows?.histories[request.name]?.measures ?? [])
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

  /// Records before these offsets are never read again, so points that only they need can be dropped.
  package func committed(_ positions: [TopicPartition: Int64]) {
    for (partition, offset) in positions { windows[partition]?.floor = offset }
  }

  package func drop(_ partitions: Set<TopicPartition>) {
    for partition in partitions {
      if let gone = windows[partition]?.histories { coverage.forget { gone[$0] != nil } }
      windows[partition] = nil
    }
    requests.removeAll { partitions.contains($0.partition) }
    if requests.isEmpty { pendingBytes = 0 }
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
