import Core
import Kafka
import Logging
import ServiceKit
import Synchronization

/// One generation that takes no more records.
package struct Generation<Contents: Sendable>: Sendable {
  package let lease: Lease
  package let first: Int64
  package let next: Int64
  let format: String
  /// Memory.
  let bytes: Int
  let outputs: Int
  /// Its records can be read again, so the mark is set.
  let isMarked: Bool
  /// The mark is there already, and its dead letters were sent.
  let isRepeat: Bool
  let letters: OutgoingBatch
  let records: Int
  let links: SpanLinks?
  /// Nil when there is nothing to write.
  let contents: Contents?
}

/// Closes generations, each in a task of its own. Retries through outages until `lastCall` says that there is no time
/// for another attempt.
final class GenerationCloser<Sink: GenerationSink>: Sendable {
  enum Outcome: Sendable {
    /// All is written; the commit behind it may not have gone through.
    case stored(isCommitted: Bool)
    /// The partition left, or an outage outlasted it: its next owner repeats it.
    case givenUp
    case failed(any Error)
  }

  private let results = Mutex<[(Lease, Outcome)]>([])
  private let sink: Sink
  private let pipeline: PipelineContext
  let retry: OutageRetry

  init(sink: Sink, pipeline: PipelineContext) {
    self.sink = sink
    self.pipeline = pipeline
    // The loop goes on meanwhile, so its heartbeat needs no excuse.
    retry = OutageRetry(
      pipeline.options.backoff, readiness: pipeline.service.health.readiness("sink"), logger: pipeline.logger
    ) { [metrics = pipeline.metrics] in metrics.retried($0) }
  }

  /// How closings ended since the last call.
  func takeResults() -> [(Lease, Outcome)] {
    results.withLock { results in
      defer { results = [] }
      return results
    }
  }

  /// Closes it; how that ended is among the results.
  func close(_ generation: Generation<Sink.Draft.Contents>, lastCall: Interruption) async {
    let span = generation.links.flatMap { pipeline.begin($0, generation.records, of: [generation.lease.partition]) }
    let outcome = await outcome(of: generation, lastCall)
    switch outcome {
    case .stored: pipeline.end(span)
    case .givenUp: pipeline.end(span, failure: "abandoned")
    case .failed(let error): pipeline.end(span, failure: publicCode(of: error))
    }
    results.withLock { $0.append((generation.lease, outcome)) }
  }

  private func outcome(of generation: Generation<Sink.Draft.Contents>, _ lastCall: Interruption) async -> Outcome {
    let start = ContinuousClock.now
    let lease = generation.lease
    do {
      if !generation.letters.isEmpty {
        guard try await retrying("dead letters", lease, lastCall, {
          try await self.pipeline.deadLetters.send(generation.letters, through: self.pipeline.producer)
        }) else { return .givenUp }
      }
      if let contents = generation.contents {
        if generation.isMarked, !generation.isRepeat {
          let mark = ClosingMark(next: generation.next, format: generation.format).text
          guard try await commit(generation.first, mark: mark, lease, lastCall) else { return .givenUp }
        }
        guard pipeline.consumer.owns(lease) else { return .givenUp }
        guard try await retrying("store", lease, lastCall, { try await self.sink.store(contents) }) else {
          return .givenUp
        }
        pipeline.metrics.flushed(rows: generation.outputs, in: .now - start)
      }
      return .stored(isCommitted: try await commit(generation.next, mark: nil, lease, lastCall))
    } catch {
      return .failed(error)
    }
  }

  /// - Returns: false when it was given up, or came too late: then the partition is another's, and its mark too.
  private func commit(_ offset: Int64, mark: String?, _ lease: Lease, _ lastCall: Interruption) async throws -> Bool {
    var left: Set<TopicPartition> = []
    let metadata = mark.map { [lease.partition: $0] } ?? [:]
    let done = try await retrying(mark == nil ? "commit" : "mark", lease, lastCall) {
      left = try await self.pipeline.consumer.commit([lease: offset], metadata: metadata)
    }
    return done && left.isEmpty
  }

  /// - Returns: false when it was given up.
  private func retrying(
    _ step: String, _ lease: Lease, _ lastCall: Interruption, _ operation: () async throws -> Void
  ) async throws -> Bool {
    try await retry(
      step, until: lastCall, metadata: [
        "topic": "\(lease.partition.topic)", "partition": .stringConvertible(lease.partition.partition),
      ],
      while: { pipeline.consumer.owns(lease) }, operation) != nil
  }
}

/// The text beside a committed offset that says: from here up to `next` something is being written. The next owner of
/// the partition repeats exactly this range before anything else.
package struct ClosingMark: Hashable, Sendable {
  /// One past the last offset of the range; its first is the committed offset.
  package var next: Int64
  package var format: String
}

extension ClosingMark {
  /// `closing=4711 format=batch/gzip`
  package var text: String { "closing=\(next) format=\(format)" }

  /// - Returns: nil for any other text.
  package init?(_ text: String) {
    var fields: [Substring: Substring] = [:]
    for part in text.split(separator: " ") {
      guard let equals = part.firstIndex(of: "=") else { return nil }
      fields[part[..<equals]] = part[part.index(after: equals)...]
    }
    guard let next = fields["closing"].flatMap({ Int64($0) }), next >= 0, let format = fields["format"], !format.isEmpty
    else { return nil }
    self.init(next: next, format: String(format))
  }
}
