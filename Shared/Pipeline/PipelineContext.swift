import Kafka
import Logging
import Runtime
import ServiceKit

/// What every consuming loop works with, whatever it does with the records.
struct PipelineContext: Sendable {
  let consumer: Consumer
  let producer: Producer
  let options: PipelineOptions
  let service: ServiceContext
  let metrics = PipelineMetrics()
  let deadLetters: DeadLetterQueue
  let readiness: ReadinessCondition
  let heartbeat: Heartbeat
  let retry: OutageRetry

  /// - Parameters:
  ///   - readiness: the condition of `/readyz` that is false while an outage is waited out.
  ///   - longestRound: the longest time between two rounds of the loop before the process is taken for stuck.
  init(
    _ identity: ServiceIdentity, consumer: Consumer, producer: Producer, options: PipelineOptions,
    service: ServiceContext, readiness: String, longestRound: Duration = .seconds(120)
  ) {
    self.consumer = consumer
    self.producer = producer
    self.options = options
    self.service = service
    deadLetters = DeadLetterQueue(
      service: identity, budget: options.deadLetterBudget, largest: producer.configuration.largestRecord,
      logger: service.logger)
    self.readiness = service.health.readiness(readiness)
    heartbeat = service.health.liveness("worker", maxAge: longestRound)
    retry = OutageRetry(
      options.backoff, readiness: self.readiness, heartbeat: heartbeat, logger: service.logger
    ) { [metrics] in metrics.retried($0) }
  }

  var logger: Logger { service.logger }
  /// How soon what gave way to a revoke is tried again.
  var pauseAfterGivingWay: Duration { min(options.backoff.base, .milliseconds(100)) }

  /// Commits, or leaves it to the next commit while the coordinator is away: positions only grow.
  /// - Returns: what the consumer left out because it came too late; nil when nothing was committed.
  func commitOrDefer(
    _ commit: () async throws(KafkaError) -> Set<TopicPartition>
  ) async throws(KafkaError) -> Set<TopicPartition>? {
    do { return try await commit() } catch {
      guard error.isTransient else { throw error }
      logger.debug("commit deferred", metadata: ["reason": "\(error)"])
      return nil
    }
  }
}

extension ServiceContext {
  /// The heartbeat of a sink's loop. A sink whose flush has long steps beats by it at each of them.
  package var worker: Heartbeat { health.liveness("worker", maxAge: .seconds(120)) }
}
