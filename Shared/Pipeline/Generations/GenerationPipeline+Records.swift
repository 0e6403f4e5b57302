import Core
import Kafka
import Logging
import ServiceKit

extension GenerationPipeline {
  // MARK: Taking in

  /// The generation that takes the records of one lease, out of its dictionary while it is appended to.
  private struct Current {
    var lease: Lease?
    var generation: Open?
  }

  package func take(_ batch: RecordBatch) async throws {
    let now = ContinuousClock.now
    var intake = Intake()
    var current = Current()
    batch.forEach { record in
      if intake.failure == nil { take(record, into: &current, &intake, at: now) }
    }
    putBack(&current)
    intake.finish(booking: &account, metrics, at: now)
    recordLoad()
    if let failure = intake.failure { throw failure }
  }

  private func take(
    _ record: borrowing RecordBatch.Record, into current: inout Current, _ intake: inout Intake,
    at now: ContinuousClock.Instant
  ) {
    if current.lease != record.lease {
      putBack(&current)
      intake.enter(record.topicPartition, booking: &account, at: now)
      current.lease = record.lease
      current.generation = open.removeValue(forKey: record.lease)
    }
    if let limit = current.generation?.limit, record.offset >= limit, let whole = current.generation.take() {
      // The last offsets of a range that is repeated hold nothing any more.
      intake.bookKept(in: &account, at: now)
      close(whole, under: record.lease)
    }
    do {
      if current.generation == nil { current.generation = try begin(record.lease, at: record.offset, now) }
      let disposition = try self.disposition(on: record, in: &current.generation!)
      current.generation!.next = record.offset + 1
      current.generation!.records += 1
      if current.generation!.links != nil { current.generation!.links!.add(record) }
      intake.book(disposition, record.offset, in: &account, at: now)
    } catch {
      intake.failure = error
      return
    }
    if isFull(current.generation!), closings[record.lease] == nil, let full = current.generation.take() {
      intake.bookKept(in: &account, at: now)
      close(full, under: record.lease)
    }
  }

  private func putBack(_ current: inout Current) {
    if let lease = current.lease, let generation = current.generation.take() { open[lease] = generation }
    current.lease = nil
  }

  /// - Parameter offset: of the first record there is; a range that is repeated keeps its name all the same.
  private func begin(_ lease: Lease, at offset: Int64, _ now: ContinuousClock.Instant) throws -> Open {
    let partition = lease.partition
    // A range begins where the one before it ended, also when the first offsets in it hold no records. Behind a gap it
    // begins where records are again: that is how each later owner finds it.
    var first =
      ends.removeValue(forKey: lease) ?? closings[lease]?.generation.next
      ?? account.durable(in: [partition])[partition] ?? offset
    var mark = marks.removeValue(forKey: partition)
    if let next = mark?.next, next <= offset {
      // No record of the range is left, so what was written of it stays as it is.
      (first, mark) = (next, nil)
    }
    let format = mark?.format ?? sink.format(of: partition)
    return Open(
      draft: try sink.draft(of: partition, from: first, format: format), format: format, first: first, next: offset,
      links: pipeline.service.tracer.map { _ in SpanLinks() }, since: now, limit: mark?.next)
  }

  private func isFull(_ generation: Open) -> Bool {
    if let limit = generation.limit { return generation.next >= limit }
    return generation.isSealed || generation.records >= policy.records || generation.draft.bytes >= policy.bytes
  }

  private func disposition(on record: borrowing RecordBatch.Record, in generation: inout Open) throws -> Disposition {
    let disposition: Disposition
    do { disposition = try generation.draft.append(record) } catch let error as any ClassifiedError {
      guard error.errorClass == .data else { throw error }
      disposition = .reject(Rejection(error, stage: "decode"))
    }
    // Dead letters of a range that is repeated were acknowledged before its mark was set.
    if case .reject(let rejection) = disposition, generation.limit == nil {
      try pipeline.deadLetters.add(DeadLetter(Job(copying: record), rejection), to: &generation.letters)
    }
    return disposition
  }

  // MARK: Writing out

  /// Closes generations that are full, old, or the largest when memory is short. One that waits behind another of
  /// its partition waits on.
  func closeWhatIsDue() {
    let now = ContinuousClock.now
    for (lease, generation) in open where closings[lease] == nil {
      if isFull(generation) || generation.limit == nil && now - generation.since >= policy.age {
        close(lease)
      }
    }
    // Half of the budget for what is collected, half for what is on its way.
    var collected = open.values.reduce(0) { $0 + $1.draft.bytes }
    while collected > policy.budget / 2 {
      let candidates = open.filter { closings[$0.key] == nil && $0.value.limit == nil && $0.value.draft.bytes > 0 }
      guard let (lease, largest) = candidates.max(by: { $0.value.draft.bytes < $1.value.draft.bytes }) else { break }
      collected -= largest.draft.bytes
      close(lease)
    }
  }

  func close(_ lease: Lease) {
    guard let generation = open.removeValue(forKey: lease) else { return }
    close(generation, under: lease)
  }

  private func close(_ generation: Open, under lease: Lease) {
    var open = generation
    let bytes = open.draft.bytes
    let outputs = open.draft.outputs
    let closing = Generation(
      lease: lease, first: open.first, next: open.limit ?? open.next, format: open.format, bytes: bytes,
      outputs: outputs, isMarked: !open.isSealed, isRepeat: open.limit != nil, letters: open.letters,
      records: open.records, links: open.links, contents: open.draft.finish())
    let lastCall = Interruption()
    let closer = closer
    let task = Task { await closer.close(closing, lastCall: lastCall) }
    closings[lease] = Closing(generation: closing, task: task, lastCall: lastCall)
    recordLoad()
  }

  /// Takes note of the closings that have ended.
  func absorb() throws {
    let ended = closer.takeResults()
    for (lease, outcome) in ended {
      // Of a partition that has left: counted as returned already.
      guard let closing = closings.removeValue(forKey: lease) else { continue }
      let partition = lease.partition
      switch outcome {
      case .stored(let isCommitted):
        uncommitted[partition] = isCommitted ? nil : closing.generation.next
        metrics.ended(account.flushed([partition: closing.generation.next]))
        metrics.setInFlight(account.inFlight)
      case .givenUp:
        // What lies behind it must not be committed before it: both are the next owner's.
        open[lease] = nil
        ends[lease] = nil
      case .failed(let error): throw error
      }
    }
    if !ended.isEmpty { recordLoad() }
  }

  // MARK: Offsets without records

  /// Markers of transactions and gaps belong to the range that is open, or else move the position alone.
  package func passed(_ passed: [Lease: Int64]) {
    for (lease, end) in passed {
      if let generation = open[lease] {
        open[lease]?.next = max(generation.next, min(end, generation.limit ?? end))
        if end <= generation.limit ?? end { continue }
      }
      ends[lease] = end
    }
  }

  /// Positions with nothing before them that is not committed.
  var passable: [Lease: Int64] {
    ends.filter { lease, end in
      open[lease] == nil && closings[lease] == nil && marks[lease.partition].map { $0.next <= end } ?? true
    }
  }

  func commitEnds() async throws {
    let due = passable
    guard !due.isEmpty else { return }
    // Where it is deferred, the next round commits them, or the next range does.
    guard try await pipeline.commitOrDefer({ () throws(KafkaError) in try await consumer.commit(due) }) != nil else {
      return
    }
    for (lease, end) in due {
      ends[lease] = nil
      // No record of the range is left, so what was written of it stays as it is.
      marks[lease.partition] = nil
      uncommitted[lease.partition] = nil
      _ = account.flushed([lease.partition: end])
    }
  }

  func recordLoad() {
    meters.record(
      open: open.count, closing: closings.count, outputs: open.values.reduce(0) { $0 + $1.draft.outputs }, bytes: load)
  }
}
