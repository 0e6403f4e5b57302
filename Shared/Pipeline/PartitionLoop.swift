import Core
import Kafka
import Logging
import ServiceKit

/// What a `PartitionLoop` runs in.
package struct LoopContext: Sendable {
  package let consumer: Consumer
  package let service: ServiceContext
  package let heartbeat: Heartbeat
  package let retry: OutageRetry
  /// The longest wait for an element; shows that the poll thread is alive.
  var tick: Duration = .seconds(15)

  /// - Parameters:
  ///   - readiness: the condition of `/readyz` that is false while an outage is waited out.
  ///   - count: counts one failed attempt by the code of its error.
  package init(
    consumer: Consumer, service: ServiceContext, readiness: String, heartbeat: Heartbeat, backoff: Backoff,
    count: @escaping @Sendable (_ code: String) -> Void
  ) {
    self.consumer = consumer
    self.service = service
    self.heartbeat = heartbeat
    retry = OutageRetry(
      backoff, readiness: service.health.readiness(readiness), heartbeat: heartbeat, logger: service.logger,
      count: count)
  }

  package var readiness: ReadinessCondition { retry.readiness }
  /// How soon what gave way to a revoke is tried again.
  package var pauseAfterGivingWay: Duration { min(retry.backoff.base, .milliseconds(100)) }
}

/// What is committed with the answer to a revoke.
package struct Handover: Sendable {
  /// Next offsets.
  package var positions: [TopicPartition: Int64]
  /// Texts to keep beside them.
  package var metadata: [TopicPartition: String]

  package init(_ positions: [TopicPartition: Int64] = [:], metadata: [TopicPartition: String] = [:]) {
    self.positions = positions
    self.metadata = metadata
  }
}

/// What a service does with the partitions it owns. `PartitionLoop` makes the calls, one at a time.
package protocol PartitionStrategy: AnyObject {
  var loop: LoopContext { get }

  /// Where partitions that the group offers start; a partition that is left out starts at `--start-from`. Asked only
  /// when the consumer keeps its offsets elsewhere.
  /// - Throws: `ClassifiedError`; a transient one is retried.
  func starts(of partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64]

  /// These partitions are read from these offsets on.
  /// - Parameter unknown: those of them that `starts(of:)` left out. Where they start has to be kept at once: a crash
  ///   before the first flush must not start over at another "latest".
  func assigned(_ positions: [TopicPartition: Int64], unknown: [TopicPartition: Int64]) async throws

  func take(_ batch: RecordBatch) async throws

  /// No record lies between the last one that was taken under these leases and these offsets.
  func passed(_ ends: [Lease: Int64])

  /// Records are gone before they could be read, and reading goes on behind them.
  func skip(_ gap: Gap) async throws

  /// Does what is due before the loop waits for the next element.
  /// - Returns: when it has to be called again if no element comes; nil when only an element gives it work.
  func work() async throws -> ContinuousClock.Instant?

  /// Makes durable what was taken from partitions that the group takes back. Tries once: what an outage keeps from
  /// being written is repeated by the next owner.
  func settle(_ partitions: Set<TopicPartition>) async throws -> Handover

  /// The service stops because of a failure, and these partitions go back to the group.
  /// - Returns: what is to be committed all the same.
  func abandon(_ partitions: Set<TopicPartition>) async -> Handover

  /// Forgets partitions that are not ours any more.
  /// - Returns: how many of their records are given back undone, for the log.
  func leave(_ partitions: Set<TopicPartition>) -> Int
}

extension PartitionStrategy {
  package func starts(of partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] { [:] }
  package func assigned(_ positions: [TopicPartition: Int64], unknown: [TopicPartition: Int64]) async throws {}
  package func skip(_ gap: Gap) async throws {}
  /// Nothing: a failure means that it is not known what is durable.
  package func abandon(_ partitions: Set<TopicPartition>) async -> Handover { Handover() }
}

/// The loop of every consumer: takes the consumer's elements in their order and hands them to a strategy.
///
/// It owns what all have in common: where assigned partitions start, the answer to a revoke, partitions that are lost,
/// gaps, the drain, the end after a failure, the heartbeat and the readiness of the assignment. A revoke comes before
/// everything else, also before the end of an outage.
package final class PartitionLoop<Strategy: PartitionStrategy> {
  private let strategy: Strategy
  private let context: LoopContext
  private let consumer: Consumer
  /// Partitions that are ours, for `/readyz`: a member that was given nothing (more members than partitions) is ready,
  /// one that was thrown out or waits for a rebalance is not.
  private var held: Set<TopicPartition> = []
  private let assignment: ReadinessCondition
  /// Assignments whose start the strategy has not told yet.
  private var starting: [(partitions: Set<TopicPartition>, answer: Consumer.StartAnswer)] = []
  /// Offered partitions that the strategy does not know.
  private var unknown: Set<TopicPartition> = []

  package init(_ strategy: Strategy) {
    self.strategy = strategy
    context = strategy.loop
    consumer = context.consumer
    assignment = context.service.health.readiness("assignment")
  }

  /// Works until the consumer is closed (by the drain of the service or by a failure) and drained.
  package func run() async throws {
    context.readiness.set(ready: true)
    let (drain, consumer) = (context.service.drain, consumer)
    let closer = Task {
      await drain.wait()
      consumer.close()
    }
    defer {
      closer.cancel()
      _ = strategy.leave(held)
    }
    do {
      try await follow()
    } catch {
      // Leaves the group properly.
      consumer.close()
      try? await giveEverythingBack()
      throw error
    }
  }

  private func follow() async throws {
    while true {
      context.heartbeat.beat()
      try await start()
      let due = try await strategy.work()
      guard let element = try await consumer.next(before: nextLook(due)) else { return }
      switch element {
      case .assigning(let partitions, let answer): starting.append((partitions, answer))
      case .assigned(let positions): try await assigned(positions)
      case .batch(let batch): try await strategy.take(batch)
      case .revoking(let partitions, let answer): try await revoke(partitions, answer)
      case .lost(let partitions): leave(partitions)
      case .gap(let gap): try await skip(gap)
      case .passed(let ends): strategy.passed(ends.filter { consumer.owns($0.key) })
      case .idle: break
      }
    }
  }

  private func nextLook(_ due: ContinuousClock.Instant?) -> ContinuousClock.Instant {
    let tick = ContinuousClock.now + (starting.isEmpty ? context.tick : context.pauseAfterGivingWay)
    return due.map { min($0, tick) } ?? tick
  }

  private func giveEverythingBack() async throws {
    while let element = try await consumer.next(before: nil) {
      switch element {
      case .revoking(let partitions, let answer):
        let handover = await strategy.abandon(partitions)
        answer.done(committing: handover.positions, metadata: handover.metadata)
        leave(partitions)
      case .lost(let partitions): leave(partitions)
      case .assigning, .assigned, .batch, .gap, .passed, .idle: break
      }
    }
  }

  // MARK: Partitions come and go

  /// Tells where offered partitions start. An outage leaves that open while a revoke waits.
  private func start() async throws {
    while let next = starting.first, !consumer.revokeWaiting.isRaised {
      let offsets = try await context.retry("start", until: consumer.revokeWaiting) {
        try await self.strategy.starts(of: next.partitions)
      }
      guard let offsets else { return }
      unknown.formUnion(next.partitions.subtracting(offsets.keys))
      next.answer.start(at: offsets)
      starting.removeFirst()
    }
  }

  private func assigned(_ positions: [TopicPartition: Int64]) async throws {
    held.formUnion(positions.keys)
    assignment.set(ready: true, reason: "\(held.count) partitions")
    context.service.logger.info("assigned", metadata: [
      "positions": .dictionary(Dictionary(
        uniqueKeysWithValues: positions.map { ($0.key.description, .stringConvertible($0.value)) }))
    ])
    let pins = positions.filter { unknown.contains($0.key) }
    unknown.subtract(positions.keys)
    try await strategy.assigned(positions, unknown: pins)
  }

  /// Where the log ends before our position it was deleted and made again: the same offsets are other records now.
  private func skip(_ gap: Gap) async throws {
    guard consumer.configuration.onGap == .continue else { return }
    if gap.isOtherLog, consumer.configuration.externalOffsets {
      throw Failure(
        .fatal, code: "kafka_log_replaced",
        "\(gap); what was written of the old log is kept by its offsets. Give the new one a place of its own: another "
          + "group and, for objects, another prefix")
    }
    try await strategy.skip(gap)
  }

  private func revoke(_ partitions: Set<TopicPartition>, _ answer: Consumer.RevokeAnswer) async throws {
    let handover: Handover
    do { handover = try await strategy.settle(partitions) } catch {
      // Without an answer the whole group waits.
      answer.done(committing: [:])
      throw error
    }
    answer.done(committing: handover.positions, metadata: handover.metadata)
    let undone = leave(partitions)
    context.service.logger.info(
      "handed over",
      metadata: [
        "partitions": .array(partitions.map(\.description).sorted().map { .string($0) }),
        "undone": .stringConvertible(undone),
      ])
  }

  @discardableResult
  private func leave(_ partitions: Set<TopicPartition>) -> Int {
    let undone = strategy.leave(partitions)
    held.subtract(partitions)
    assignment.set(
      ready: !held.isEmpty,
      reason: held.isEmpty ? "waiting for the group to hand out partitions" : "\(held.count) partitions")
    for index in starting.indices { starting[index].partitions.subtract(partitions) }
    starting.removeAll(where: \.partitions.isEmpty)
    unknown.subtract(partitions)
    return undone
  }
}

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
