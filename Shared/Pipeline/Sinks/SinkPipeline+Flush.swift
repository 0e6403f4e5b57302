import Core
import Kafka
import Logging
import ServiceKit

extension SinkPipeline {
  // MARK: Taking in

  func append(_ batch: RecordBatch, at now: ContinuousClock.Instant) throws {
    if links != nil { batch.forEach { record in links?.add(record) } }
    var intake = Intake()
    batch.forEach { record in
      if intake.failure == nil { take(record, into: &intake, at: now) }
    }
    intake.finish(booking: &account, metrics, at: now)
    if let failure = intake.failure { throw failure }
  }

  private func take(
    _ record: borrowing RecordBatch.Record, into intake: inout Intake, at now: ContinuousClock.Instant
  ) {
    let partition = record.topicPartition
    guard rereading.isEmpty || !rereading.contains(partition) else { return }
    do {
      let disposition = try disposition(on: record)
      if intake.partition != partition { intake.enter(partition, booking: &account, at: now) }
      intake.book(disposition, record.offset, in: &account, at: now)
    } catch {
      intake.failure = error
    }
  }

  private func disposition(on record: borrowing RecordBatch.Record) throws -> Disposition {
    if account.hasLettered, let code = account.lettered(record.topicPartition, record.offset) {
      return .reject(Rejection(code: code, stage: "decode", "dead-lettered before its partition was read again"))
    }
    if account.hasPoison, let rejection = account.poison(record.topicPartition, record.offset) {
      return try deadLetter(record, try sink.salvage(record, refusedFor: rejection))
    }
    do {
      let disposition = try sink.append(record)
      if case .reject(let rejection) = disposition { return try deadLetter(record, rejection) }
      return disposition
    } catch let error as any ClassifiedError where error.errorClass == .data {
      return try deadLetter(record, Rejection(error, stage: "decode"))
    }
  }

  private func deadLetter(_ record: borrowing RecordBatch.Record, _ rejection: Rejection) throws -> Disposition {
    for letter in DeadLetter.all(Job(copying: record), rejection) {
      try pipeline.deadLetters.add(letter, to: &letters)
    }
    return .reject(rejection)
  }

  // MARK: Writing out

  /// Dead letters first (acknowledged), then the sink, then Kafka's offsets, which are advisory for a sink that
  /// keeps its own.
  func writeOut() async throws {
    guard !account.isEmpty else { return }
    guard let links else { return try await write() }
    let span = pipeline.begin(links, account.inFlight, of: account.positions.keys)
    do { try await write() } catch {
      pipeline.end(span, failure: publicCode(of: error))
      throw error
    }
    pipeline.end(span)
    self.links = SpanLinks()
  }

  private func write() async throws {
    if !letters.isEmpty {
      try await pipeline.deadLetters.send(letters, through: pipeline.producer)
      letters = OutgoingBatch()
    }
    let rows = sink.load.rows
    let start = ContinuousClock.now
    let report = try await sink.flush(to: account.positions)
    metrics.flushed(rows: report.rows ?? (report.durable.isEmpty ? 0 : rows), in: .now - start)
    metrics.ended(account.flushed(report.durable))
    giveUp(report)
    metrics.setInFlight(account.inFlight)
    guard !report.durable.isEmpty else { return }
    // Where it is deferred, the next flush or the answer to the revoke commits these offsets too.
    guard let late = try await pipeline.commitOrDefer({ () throws(KafkaError) in
      try await consumer.commit(report.durable)
    }) else { return }
    sink.committed(report.durable.filter { !late.contains($0.key) })
  }

  /// Partitions that another writer moved, or that hold a refused record, are to be read again from where the
  /// sink stands; nothing of theirs is buffered any more.
  private func giveUp(_ report: FlushReport) {
    account.mark(report.poison)
    for record in report.poison {
      pipeline.logger.warning(
        "refused by the sink, reading its partition again",
        metadata: [
          "topic": "\(record.partition.topic)", "partition": .stringConvertible(record.partition.partition),
          "offset": .stringConvertible(record.offset), "reason": "\(record.rejection)",
        ])
    }
    if !report.fenced.isEmpty {
      pipeline.logger.warning("fenced by another writer", metadata: [
        "partitions": .array(report.fenced.map(\.description).sorted().map { .string($0) })
      ])
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
