import Catalogue
import Core
import Embedding
import Features
import Kafka
import Messages
import Pipeline
import Redis

/// Keeps the hot store: time series, last values, the tail of raw records.
///
/// Keys and stamps come only from the records, so that writing a record twice changes nothing: after an outage or a
/// crash the service writes again, and needs no state besides Kafka's offsets.
package final class HotSink: Sink {
  private let writer: HotWriter
  private let metrics = HotMetrics()
  private let memory: MemoryWatch
  private var indexes: HotIndexes
  private let features: FeatureRefresh
  private var reader: RecordReader
  private var digests: [[UInt8]] = []
  private let texts: TextReader
  /// Reads a record, at its offset, into the buffer of its partition. It throws `DecodingFailure` only.
  private typealias Read =
    @Sendable (inout RecordReader, TextReader, RawSpan, Int64, inout PartitionBuffer) throws -> Disposition
  /// By topic.
  private static let reads: [String: Read] = [
    Topics.marketTicks.name: { reader, _, value, offset, buffer in
      reader.append(tick: value, at: offset, to: &buffer)
    },
    Topics.marketBars.name: { reader, _, value, offset, buffer in reader.append(bar: value, at: offset, to: &buffer) },
    Topics.marketGaps.name: { reader, _, value, _, buffer in try reader.append(gap: value, to: &buffer) },
    Topics.technicalSignals.name: { reader, _, value, offset, buffer in
      try reader.append(signal: value, at: offset, to: &buffer)
    },
    Topics.newsArticles.name: { _, texts, value, _, buffer in try texts.read(article: value, to: &buffer) },
    Topics.socialPosts.name: { _, texts, value, _, buffer in try texts.read(post: value, to: &buffer) },
    Topics.sentimentEvents.name: { _, texts, value, _, buffer in try texts.read(sentiment: value, to: &buffer) },
    Topics.optionsFlow.name: { _, texts, value, _, buffer in try texts.read(flow: value, to: &buffer) },
    Topics.documents.name: { _, texts, value, _, buffer in try texts.read(document: value, to: &buffer) },
    Topics.documentChunks.name: { _, texts, value, _, buffer in try texts.read(chunk: value, to: &buffer) },
  ]
  private var buffers: [(partition: TopicPartition, read: Read, buffer: PartitionBuffer)] = []
  private var current: (lease: Lease, index: Int)?

  /// - Parameter embedder: of articles and posts; nil gives them no vectors.
  init(
    _ client: RedisClient, policy: SeriesPolicy, limits: RecordReader.Limits, budget: MemoryBudget,
    texts: TextPolicy = TextPolicy(), embedder: (any Embedder)? = nil,
    features: FeatureSet? = nil, now: @escaping @Sendable () -> Int64 = WallClock.milliseconds
  ) {
    writer = HotWriter(client: client, tail: limits.tail)
    let set = features ?? .none
    reader = RecordReader(policy, limits: limits, features: FeatureEngine(set), now: now)
    self.features = FeatureRefresh(client, set, now: now)
    memory = MemoryWatch(client, budget)
    indexes = HotIndexes(client, embedder)
    var texts = texts
    texts.hasVectors = embedder != nil
    self.texts = TextReader(policy: texts, skew: Int64(limits.skew / .milliseconds(1)), now: now)
  }

  /// Every partition starts at the group's committed offset.
  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] { [:] }

  package func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    let index: Int
    if let current, current.lease == record.lease {
      index = current.index
    } else {
      index = place(of: record.topicPartition)
      current = (record.lease, index)
    }
    return append(record.value, at: record.offset, produced: record.timestamp, toPlace: index)
  }

  /// - Parameter produced: milliseconds since 1970, below zero when unknown.
  func append(_ value: RawSpan, at offset: Int64, produced: Int64, of partition: TopicPartition) -> Disposition {
    append(value, at: offset, produced: produced, toPlace: place(of: partition))
  }

  private func append(_ value: RawSpan, at offset: Int64, produced: Int64, toPlace index: Int) -> Disposition {
    let read = buffers[index].read
    let disposition: Disposition
    do {
      disposition = try read(&reader, texts, value, offset, &buffers[index].buffer)
    } catch {
      let code = (error as? DecodingFailure)?.code ?? "undecodable"
      return .reject(Rejection(code: code, stage: "decode", "\(error)"))
    }
    guard disposition == .keep else { return disposition }
    buffers[index].buffer.records += 1
    if produced >= 0, produced < buffers[index].buffer.earliest { buffers[index].buffer.earliest = produced }
    return .keep
  }

  private func place(of partition: TopicPartition) -> Int {
    if let known = buffers.firstIndex(where: { $0.partition == partition }) { return known }
    guard let read = Self.reads[partition.topic] else { preconditionFailure("hot-writer does not read \(partition)") }
    buffers.append((partition, read, PartitionBuffer()))
    return buffers.count - 1
  }

  package var load: SinkLoad {
    buffers.reduce(into: SinkLoad()) { load, entry in
      // A status has no sample, and is in the tail all the same.
      load.rows += max(entry.buffer.samples.count + entry.buffer.barSamples, entry.buffer.records)
      load.bytes += entry.buffer.bytes
    }
  }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    for index in buffers.indices { await indexes.embed(&buffers[index].buffer) }
    let waiting = buffers.filter { $0.buffer.records > 0 }.map { (partition: $0.partition, buffer: $0.buffer) }
    let rows = load.rows
    try await indexes.require(waiting)
    let outcome = try await write(waiting)
    metrics.computed(try await features.refresh(waiting, reader.table))
    metrics.wrote(outcome, series: reader.table.ready)
    metrics.visible(waiting.map(\.buffer.earliest), at: WallClock.milliseconds())
    try await memory.look(series: reader.table.series)
    try await indexes.look()
    var report = FlushReport(durable: positions, rows: rows - outcome.refused.count)
    for (index, refused) in outcome.refused {
      let partition = waiting[index].partition
      report.durable[partition] = min(report.durable[partition] ?? refused.offset, refused.offset)
      report.poison.append(PoisonRecord(
        partition: partition, offset: refused.offset, rejection: Rejection(refused.error, stage: "write")))
    }
    for index in buffers.indices { buffers[index].buffer.clear() }
    reader.table.forgetPending()
    reader.forgetClock()
    return report
  }

  /// Scripts and series that a server has lost are made again at once, each in its turn; after that it is an outage.
  private func write(_ waiting: [HotWriter.Waiting]) async throws -> HotWriter.Outcome {
    for _ in 0..<2 {
      do {
        return try await writer.write(waiting, &reader.table, digests: &digests)
      } catch let error as RedisError where ["redis_noscript", "redis_series_lost"].contains(error.code) {
        continue
      }
    }
    return try await writer.write(waiting, &reader.table, digests: &digests)
  }

  package func drop(_ partitions: Set<TopicPartition>) {
    buffers.removeAll { partitions.contains($0.partition) }
    current = nil
    // Samples that later ones would replace are perhaps gone.
    reader.table.forgetPending()
  }
}
