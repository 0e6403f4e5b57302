import Core
import Kafka
import Logging
import ServiceKit

/// What the strategies of this module work with, whatever they do with the records.
struct PipelineContext: Sendable {
  var loop: LoopContext
  let producer: Producer
  let options: PipelineOptions
  let metrics: PipelineMetrics
  let deadLetters: DeadLetterQueue

  /// - Parameters:
  ///   - readiness: the condition of `/readyz` that is false while an outage is waited out.
  ///   - longestRound: the longest time between two rounds of the loop before the process is taken for stuck.
  init(
    _ identity: ServiceIdentity, consumer: Consumer, producer: Producer, options: PipelineOptions,
    service: ServiceContext, readiness: String, longestRound: Duration = .seconds(120)
  ) {
    let metrics = PipelineMetrics()
    loop = LoopContext(
      consumer: consumer, service: service, readiness: readiness,
      heartbeat: service.health.liveness("worker", maxAge: longestRound), backoff: options.backoff
    ) { metrics.retried($0) }
    self.producer = producer
    self.options = options
    self.metrics = metrics
    deadLetters = DeadLetterQueue(
      service: identity, budget: options.deadLetterBudget, largest: producer.configuration.largestRecord,
      logger: service.logger)
  }

  var consumer: Consumer { loop.consumer }
  var service: ServiceContext { loop.service }
  var heartbeat: Heartbeat { loop.heartbeat }
  var retry: OutageRetry { loop.retry }
  var logger: Logger { loop.service.logger }

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
