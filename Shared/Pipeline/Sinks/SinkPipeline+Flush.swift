import Kafka
import Logging
import Runtime
import ServiceKit

extension SinkPipeline {
  // MARK: Taking in

  func append(_ batch: RecordBatch) async throws {
    let now = ContinuousClock.now
    try take(batch, at: now)
    metrics.setInFlight(account.inFlight)
    let load = sink.load
    if load.rows >= policy.rows || load.bytes >= policy.bytes || now - (account.oldest ?? now) >= policy.linger {
      try await flush()
    }
  }

  private func take(_ batch: RecordBatch, at now: ContinuousClock.Instant) throws {
    var intake = Intake()
    batch.forEach { record in
      if intake.failure == nil { take(record, into: &intake, at: now) }
    }
    intake.book(in: &account, at: now)
    for (topic, count) in intake.consumed { metrics.consumed(topic, by: count) }
    if let failure = intake.failure { throw failure }
  }

  private func take(
    _ record: borrowing RecordBatch.Record, into intake: inout Intake, at now: ContinuousClock.Instant
  ) {
    let partition = record.topicPartition
    guard rereading.isEmpty || !rereading.contains(partition) else { return }
    let verdict: Verdict
    do { verdict = try self.verdict(on: record) } catch {
      intake.failure = error
      return
    }
    if verdict == .keep {
      if intake.partition == partition, intake.kept.upperBound == record.offset {
        intake.kept = intake.kept.lowerBound..<(record.offset + 1)
        return
      }
      intake.book(in: &account, at: now)
      intake.partition = partition
      intake.kept = record.offset..<(record.offset + 1)
    } else {
      intake.book(in: &account, at: now)
      intake.consumed[partition.topic, default: 0] += 1
      account.took(partition, offset: record.offset, verdict: verdict, at: now)
    }
  }

  private func verdict(on record: borrowing RecordBatch.Record) throws -> Verdict {
    if account.hasLettered, let code = account.lettered(record.topicPartition, record.offset) {
      return .reject(Rejection(code: code, stage: "decode", "dead-lettered before its partition was read again"))
    }
    if account.hasPoison,
      let rejection = account.poison(record.topicPartition, record.offset)
    {
      return try deadLetter(record, try sink.salvage(record, refusedFor: rejection))
    }
    do {
      let verdict = try sink.append(record)
      if case .reject(let rejection) = verdict { return try deadLetter(record, rejection) }
      return verdict
    } catch let error as any ClassifiedError where error.errorClass == .data {
      return try deadLetter(record, Rejection(error, stage: "decode"))
    }
  }

  private func deadLetter(_ record: borrowing RecordBatch.Record, _ rejection: Rejection) throws -> Verdict {
    for letter in DeadLetter.all(Job(copying: record), rejection) { try deadLetters.add(letter, to: &letters) }
    return .reject(rejection)
  }

  // MARK: Writing out

  /// Flushes, waiting out any outage, unless a revoke is waiting.
  func flush() async throws {
    if try await retrying("flush", { try await self.writeOut() }) == nil { pausedUntil = .now + calm }
  }

  /// Flushes without waiting out an outage.
  /// - Returns: false when an outage kept something from being written.
  func flushOnce() async throws -> Bool {
    do {
      try await writeOut()
      return account.isEmpty
    } catch let error where ErrorClass(of: error) == .transient {
      context.logger.warning("not flushed", metadata: ["reason": "\(error)"])
      return false
    }
  }

  /// Dead letters first (acknowledged), then the sink, then Kafka's offsets, which are advisory for a sink that
  /// keeps its own.
  private func writeOut() async throws {
    guard !account.isEmpty else { return }
    if !letters.isEmpty {
      try await deadLetters.send(letters, through: producer)
      letters = OutgoingBatch()
    }
    let rows = sink.load.rows
    let start = ContinuousClock.now
    let report = try await sink.flush(to: account.positions)
    metrics.flushed(rows: report.rows ?? (report.durable.isEmpty ? 0 : rows), in: .now - start)
    for (partition, tally) in account.flushed(report.durable) {
      metrics.kept(partition.topic, by: tally.kept)
      for (reason, count) in tally.skipped { metrics.skipped(reason, by: count) }
      for (code, count) in tally.deadLettered { metrics.deadLettered(code, by: count) }
    }
    giveUp(report)
    metrics.setInFlight(account.inFlight)
    try await commit(report.durable)
  }

  private func commit(_ positions: [TopicPartition: Int64]) async throws {
    guard !positions.isEmpty else { return }
    do {
      let late = try await consumer.commit(positions)
      sink.committed(positions.filter { !late.contains($0.key) })
    } catch {
      // The next flush, or the answer to the revoke, commits these offsets too.
      guard error.isTransient else { throw error }
      context.logger.debug("commit put off", metadata: ["reason": "\(error)"])
    }
  }

  /// Partitions that another writer moved, or that hold a refused record, are to be read again from where the
  /// sink stands; nothing of theirs is buffered any more.
  private func giveUp(_ report: FlushReport) {
    account.mark(report.poison)
    for record in report.poison {
      context.logger.warning(
        "refused by the sink, reading its partition again",
        metadata: ["partition": "\(record.partition)", "offset": "\(record.offset)", "reason": "\(record.rejection)"])
    }
    if !report.fenced.isEmpty {
      context.logger.warning("fenced by another writer", metadata: ["partitions": "\(report.fenced)"])
    }
    let moved = report.fenced.union(report.poison.map(\.partition))
    guard !moved.isEmpty else { return }
    let durable = account.durable(in: moved)
    forget(moved, isReread: true)
    rereading.formUnion(moved)
    for partition in moved { lastDurable[partition] = durable[partition] }
  }

  /// Moves the consumer back for every partition that is to be read again. Until that worked their records are
  /// not looked at; a partition that left meanwhile is its next owner's.
  func seekRereading() async throws {
    let owned = rereading.intersection(consumer.leases.map(\.partition))
    if !owned.isEmpty {
      let starts = try await sink.start(owned)
      var targets: [TopicPartition: SeekTarget] = [:]
      for partition in owned {
        let offset = starts[partition] ?? lastDurable[partition]
        targets[partition] = offset.map { .offset($0) } ?? .beginning
      }
      try await consumer.seek(targets)
      account.started(lastDurable.filter { owned.contains($0.key) }.merging(starts) { $1 })
    }
    rereading = []
    lastDurable = [:]
  }
}

/// What is noted while one batch is taken in.
private struct Intake {
  var consumed: [String: Int] = [:]
  var failure: (any Error)?
  /// Consecutive kept records of one partition, booked together.
  var partition: TopicPartition?
  var kept: Range<Int64> = 0..<0

  mutating func book(in account: inout SinkAccount, at now: ContinuousClock.Instant) {
    guard let partition, !kept.isEmpty else { return }
    account.took(partition, kept: kept, at: now)
    consumed[partition.topic, default: 0] += kept.count
    kept = kept.upperBound..<kept.upperBound
  }
}
