import Kafka
import Logging
import Runtime
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
  /// Nil when there is nothing to write.
  let contents: Contents?
}

/// Takes generations through their closing, each in a task of its own. Waits outages out, until it is told that
/// there is no time for another attempt.
final class GenerationCloser<Sink: GenerationSink>: Sendable {
  enum Outcome: Sendable {
    case committed
    /// All is written, but the commit did not go through.
    case stored
    /// The partition left, or an outage outlasted it: its next owner repeats it.
    case givenUp
    case failed(any Error)
  }

  private let results = Mutex<[(Lease, Outcome)]>([])
  let readiness: ReadinessCondition
  private let sink: Sink
  private let consumer: Consumer
  private let producer: Producer
  private let deadLetters: DeadLetterQueue
  private let metrics: PipelineMetrics
  private let backoff: Backoff
  private let logger: Logger

  init(
    sink: Sink, consumer: Consumer, producer: Producer, deadLetters: DeadLetterQueue, metrics: PipelineMetrics,
    backoff: Backoff, readiness: ReadinessCondition, logger: Logger
  ) {
    self.sink = sink
    self.consumer = consumer
    self.producer = producer
    self.deadLetters = deadLetters
    self.metrics = metrics
    self.backoff = backoff
    self.readiness = readiness
    self.logger = logger
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
    let outcome = await outcome(of: generation, lastCall)
    results.withLock { $0.append((generation.lease, outcome)) }
  }

  private func outcome(of generation: Generation<Sink.Draft.Contents>, _ lastCall: Interruption) async -> Outcome {
    let start = ContinuousClock.now
    let lease = generation.lease
    do {
      if !generation.letters.isEmpty {
        guard try await retrying("dead letters", lease, lastCall, {
          try await self.deadLetters.send(generation.letters, through: self.producer)
        }) else { return .givenUp }
      }
      if let contents = generation.contents {
        if generation.isMarked, !generation.isRepeat {
          let mark = ClosingMark(next: generation.next, format: generation.format).text
          guard try await commit(generation.first, mark: mark, lease, lastCall) else { return .givenUp }
        }
        guard consumer.owns(lease) else { return .givenUp }
        guard try await retrying("store", lease, lastCall, { try await self.sink.store(contents) }) else {
          return .givenUp
        }
        metrics.flushed(rows: generation.outputs, in: .now - start)
      }
      return try await commit(generation.next, mark: nil, lease, lastCall) ? .committed : .stored
    } catch {
      return .failed(error)
    }
  }

  /// - Returns: false when it was given up, or came too late: then the partition is another's, and its mark too.
  private func commit(
    _ offset: Int64, mark: String?, _ lease: Lease, _ lastCall: Interruption
  ) async throws -> Bool {
    var left: Set<TopicPartition> = []
    let metadata = mark.map { [lease.partition: $0] } ?? [:]
    let done = try await retrying(mark == nil ? "commit" : "mark", lease, lastCall) {
      left = try await self.consumer.commit([lease: offset], metadata: metadata)
    }
    return done && left.isEmpty
  }

  /// Repeats `operation` through outages.
  /// - Returns: false when it was given up.
  private func retrying(
    _ what: String, _ lease: Lease, _ lastCall: Interruption, _ operation: () async throws -> Void
  ) async throws -> Bool {
    var backoff = backoff
    while true {
      do {
        try await operation()
        readiness.set(ready: true)
        return true
      } catch let error {
        guard ErrorClass(of: error) == .transient else { throw error }
        let classified = error as? any ClassifiedError
        let delay = backoff.next(retryAfter: classified?.retryAfter)
        metrics.retried(classified?.code ?? "unknown")
        readiness.failed(error, at: what)
        logger.log(
          level: backoff.attempt <= 3 ? .warning : .debug, "retrying",
          metadata: [
            "step": "\(what)", "partition": "\(lease.partition)", "attempt": "\(backoff.attempt)",
            "delay": "\(delay)", "reason": "\(error)",
          ])
        if !consumer.owns(lease) { return false }
        if await lastCall.sleep(for: delay) { return false }
      }
    }
  }
}

extension GenerationCloser.Outcome: Equatable {
  static func == (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.committed, .committed), (.stored, .stored), (.givenUp, .givenUp), (.failed, .failed): true
    default: false
    }
  }
}
