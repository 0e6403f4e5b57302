import Core
import Kafka
import Logging
import ServiceKit

extension JobPipeline {
  /// One job from its turn to its end. Returns with its record unfinished when the partition is taken away.
  func work(on job: Job) async {
    // In every case: records of a partition that left must not fill the table until the loop forgets it.
    defer {
      if !consumer.owns(job.lease) { metrics.returned(by: table.close(job.lease)) }
      noteInFlight()
    }
    guard mayWork(on: job) else { return }
    table.becameActive()
    defer { table.becameInactive() }
    await pipeline.traced(job) { job in
      let start = ContinuousClock.now
      guard let disposition = await retrying(job, { try await attempt(job) }) else { return nil }
      if case .reject(let rejection) = disposition {
        guard await deadLetter(job, rejection) else { return nil }
      }
      guard table.finish(job) else { return nil }
      metrics.handled(in: .now - start)
      metrics.ended(job, disposition)
      return disposition
    }
  }

  private func mayWork(on job: Job) -> Bool {
    !Task.isCancelled && table.mayWork(job.lease) && consumer.owns(job.lease)
  }

  /// Repeats `operation` through outages. A permit is held while it works, not while it waits for an outage to end: one
  /// dead host must not keep the other jobs from running.
  /// - Returns: nil when the job was abandoned, or the service stops.
  private func retrying<Value>(_ job: Job, _ operation: () async throws -> Value) async -> Value? {
    var isRetrying = false
    defer { if isRetrying { table.endedRetry() } }
    do {
      return try await pipeline.options.backoff.retry {
        guard await permits.acquire() else { throw Abandoned() }
        defer { permits.release() }
        return try await operation()
      } pause: { failed in
        guard !(failed.error is Abandoned), !Task.isCancelled else { throw Abandoned() }
        if !isRetrying { table.beganRetry() }
        isRetrying = true
        await pause(job, failed)
        guard mayWork(on: job) else { throw Abandoned() }
      }
    } catch {
      if !(error is Abandoned), !Task.isCancelled { stop(because: error) }
      return nil
    }
  }

  private func pause(_ job: Job, _ failed: FailedAttempt) async {
    metrics.retried(failed.code)
    pipeline.logger.log(
      level: failed.number == 1 ? .warning : .debug, "retrying",
      metadata: [
        "topic": "\(job.topic)", "partition": .stringConvertible(job.partition),
        "offset": .stringConvertible(job.offset),
        "attempt": .stringConvertible(failed.number), "delay_seconds": .stringConvertible(failed.delay / .seconds(1)),
        "reason": "\(failed.error)",
      ])
    _ = await consumer.revokeWaiting.sleep(for: failed.delay)
    // A revoke of other partitions interrupts too; while it lasts there is nothing to gain from hurrying.
    if consumer.revokeWaiting.isRaised, mayWork(on: job) { try? await Task.sleep(for: .milliseconds(50)) }
  }

  /// Runs the handler once and waits until everything it emitted is acknowledged.
  private func attempt(_ job: Job) async throws -> Disposition {
    // The wait for a permit may have been long: a drain or a revoke could have come meanwhile.
    guard mayWork(on: job) else { throw Abandoned() }
    let output = JobOutput(producer: pipeline.producer, metrics: metrics)
    let emitter = Emitter { batch in
      guard consumer.owns(job.lease) else { throw Abandoned() }
      try await output.send(batch)
    } acknowledged: {
      try await output.acknowledged()
    }
    do {
      let disposition = try await handler.handle(job, emit: emitter)
      try await output.acknowledged()
      return disposition
    } catch let error as any ClassifiedError where error.errorClass == .data {
      try await output.acknowledged()
      return .reject(Rejection(error, stage: "handle"))
    }
  }

  /// - Returns: false when the job was abandoned, or the service stops.
  private func deadLetter(_ job: Job, _ rejection: Rejection) async -> Bool {
    var batch = OutgoingBatch()
    do { try pipeline.deadLetters.add(DeadLetter(job, rejection), to: &batch) } catch {
      stop(because: error)
      return false
    }
    let letter = batch
    let sent: Void? = await retrying(job) {
      guard consumer.owns(job.lease) else { throw Abandoned() }
      try await pipeline.deadLetters.send(letter, through: pipeline.producer)
    }
    return sent != nil
  }
}

/// What one attempt at a job has sent and not yet seen acknowledged.
private actor JobOutput {
  private let producer: Producer
  private let metrics: PipelineMetrics
  private var sent: [(acks: PendingAcks, counts: [String: Int])] = []

  init(producer: Producer, metrics: PipelineMetrics) {
    self.producer = producer
    self.metrics = metrics
  }

  func send(_ batch: OutgoingBatch) async throws {
    let acks = try await producer.enqueue(batch)
    sent.append((acks, batch.countsByTopic))
  }

  /// Waits for all of it, also behind a failure: nothing may be in flight when the record's disposition is decided.
  func acknowledged() async throws {
    let waiting = sent
    sent = []
    var failure: KafkaError?
    for (acks, counts) in waiting {
      if let error = await refusal(of: acks) {
        // A refused message dead-letters the record, but only when no outage kept it from being produced.
        if failure.map({ $0.errorClass == .data }) ?? true { failure = error }
      } else {
        for (topic, count) in counts { metrics.produced(topic, by: count) }
      }
    }
    if let failure { throw failure }
  }

  private func refusal(of acks: PendingAcks) async -> KafkaError? {
    do { try await acks.value } catch { return error }
    return nil
  }
}
