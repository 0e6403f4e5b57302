import Core
import CoreMetrics
import CRdKafka
import Logging
import Synchronization

/// The one thread that touches a table reader's handle.
final class TableThread {
  private let configuration: TableReader.Configuration
  private let mailbox: TableReader.Mailbox
  private let apply: @Sendable (RecordBatch) -> Void
  private let client: ClientHandle
  private let queue: OpaquePointer
  private let waker: QueueWaker
  private let logger: Logger
  private let meters: TableMeters
  private var progress = TableProgress()
  /// Records, ends and errors of partitions that came while something else was waited for, in their order.
  private var held: [OpaquePointer] = []
  private var refusedPositions: [TopicPartition] = []
  private let access: ClientAccess
  private var backoff = Backoff(base: .milliseconds(100), cap: .seconds(5))
  private var hasFailed = false

  static func start(
    _ configuration: TableReader.Configuration, mailbox: TableReader.Mailbox,
    apply: @escaping @Sendable (RecordBatch) -> Void
  ) throws {
    nonisolated(unsafe) let thread = try TableThread(configuration, mailbox: mailbox, apply: apply)
    startThread(named: "kafka-table") { thread.run() }
  }

  private init(
    _ configuration: TableReader.Configuration, mailbox: TableReader.Mailbox,
    apply: @escaping @Sendable (RecordBatch) -> Void
  ) throws {
    self.configuration = configuration
    self.mailbox = mailbox
    self.apply = apply
    logger = configuration.logger
    meters = TableMeters(topic: configuration.topic)
    client = try ClientHandle(RD_KAFKA_CONSUMER, properties: configuration.properties, events: 0)
    access = ClientAccess(client)
    queue = client.call { client in
      rd_kafka_poll_set_consumer(client)
      let queue = rd_kafka_queue_get_consumer(client)!
      rd_kafka_set_log_queue(client, queue)
      return queue
    }
    waker = QueueWaker([queue])
    let waker = waker
    mailbox.content.withLock { $0.wake = { waker.wake() } }
  }

  private var isClosing: Bool { hasFailed || mailbox.content.withLock { $0.isClosing } }

  private func run() {
    begin()
    while !isClosing {
      if !refusedPositions.isEmpty { examine(refusedPositions.removeFirst()) }
      poll()
      client.renewLogin()
      if let error = access.lastingError() { fail(error) }
    }
    client.call { _ = rd_kafka_assign($0, nil) }
    dropHeld()
    waker.destroy()
    mailbox.content.withLock {
      $0.wake = nil
      if !hasFailed { $0.state = .closed }
    }
    mailbox.settled.raise()
    mailbox.ended.raise()
  }

  // MARK: - Beginning

  /// Finds the partitions and their ends; retries until it succeeds or is closed.
  private func begin() {
    let deadline = ContinuousClock.now + configuration.missingTopicGrace
    // Short at first, so that a refusal, which arrives on the queue, is heard at once.
    var attemptLimit: Duration = .milliseconds(250)
    while !isClosing {
      if let error = access.lastingError() { return fail(error) }
      do throws(KafkaError) {
        let topic = try Metadata.topic(client, configuration.topic, within: attemptLimit)
        access.wasLetIn()
        guard !topic.partitions.isEmpty else {
          let name = client.names.onCluster(configuration.topic)
          let error = topic.error ?? KafkaError("table", RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, detail: name)
          if ContinuousClock.now >= deadline || error.errorClass == .configuration {
            return fail(error.asConfiguration("create topic \(name) first"))
          }
          throw error
        }
        let wanted = topic.partitions.filter { configuration.partitions?.contains($0) ?? true }
        let partitions = Set(wanted.map { TopicPartition(configuration.topic, $0) })
        let marks = try OffsetQuestions.watermarks(client, partitions, within: .seconds(10))
        // Compaction leaves holes but never moves the beginning: where it has moved, rows are lost.
        for (partition, mark) in marks where mark.low > 0 && !configuration.isTrimmed { lose(partition, from: 0, mark) }
        progress = TableProgress(marks, atEnd: configuration.beginsAtEnd, starts: configuration.starts)
        try assign()
        return settleIfCurrent()
      } catch {
        if error.errorClass == .configuration || error.errorClass == .fatal { return fail(error) }
        logger.warning(
          "kafka: a table cannot be read yet", metadata: ["topic": "\(configuration.topic)", "error": "\(error)"])
        attemptLimit = min(attemptLimit * 2, .seconds(5))
        wait(backoff.next())
      }
    }
  }

  /// Serves the queue meanwhile, so that a close and a refused login are heard; what is about a partition keeps its
  /// order.
  private func wait(_ duration: Duration) {
    let end = ContinuousClock.now + duration
    while !isClosing, ContinuousClock.now < end {
      guard let event = rd_kafka_queue_poll(queue, max(.milliseconds(1), end - .now).milliseconds) else { continue }
      let isOfPartition = rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH
        || (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR && ConsumerThread.place(of: event, client) != nil)
      if isOfPartition { held.append(event) } else { handle(event) }
    }
  }

  /// Records that are held are read again.
  private func assign() throws(KafkaError) {
    dropHeld()
    let code = PartitionList(client, progress.positions).call { rd_kafka_assign($0, $1) }
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("assign", code) }
  }

  private func dropHeld() {
    for event in held { rd_kafka_event_destroy(event) }
    held = []
  }

  private func settleIfCurrent() {
    guard progress.isCurrent, !hasFailed else { return }
    let isFirst = mailbox.content.withLock { content in
      guard case .reading = content.state else { return false }
      content.state = .current
      return true
    }
    guard isFirst else { return }
    let applied = mailbox.content.withLock { $0.applied }
    logger.info("kafka: a table is current", metadata: [
      "topic": "\(configuration.topic)", "records": .stringConvertible(applied),
    ])
    mailbox.settled.raise()
  }

  private func fail(_ error: KafkaError) {
    hasFailed = true
    logger.critical("kafka: a table cannot be read", metadata: ["topic": "\(configuration.topic)", "error": "\(error)"])
    mailbox.content.withLock { $0.state = .failed(error) }
  }

  // MARK: - Reading

  private func poll() {
    var events: [OpaquePointer] = []
    var messages: [UnsafePointer<rd_kafka_message_t>] = []
    var runs: [RecordBatch.Run] = []
    var timeout: Int32 = 100
    while messages.count < configuration.maxBatchRecords, let event = nextEvent(timeout) {
      timeout = 0
      guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH, let message = rd_kafka_event_message_next(event) else {
        handle(event)
        continue
      }
      let body = message.pointee
      let partition = TopicPartition(configuration.topic, body.partition)
      guard progress.take(partition, offset: body.offset) else {
        rd_kafka_event_destroy(event)
        continue
      }
      if runs.last?.lease.partition == partition {
        runs[runs.count - 1].range = runs[runs.count - 1].range.lowerBound..<(messages.count + 1)
      } else {
        runs.append(.init(lease: Lease(partition: partition, epoch: 0), range: messages.count..<(messages.count + 1)))
      }
      events.append(event)
      messages.append(message)
    }
    if !messages.isEmpty {
      access.wasLetIn()
      meters.read.increment(by: messages.count)
      apply(RecordBatch(storage: RecordBatch.Storage(events: events, messages: messages, client: client), runs: runs))
      mailbox.content.withLock { $0.applied += messages.count }
    }
    settleIfCurrent()
  }

  private func nextEvent(_ timeout: Int32) -> OpaquePointer? {
    held.isEmpty ? rd_kafka_queue_poll(queue, timeout) : held.removeFirst()
  }

  private func handle(_ event: OpaquePointer) {
    defer { rd_kafka_event_destroy(event) }
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_LOG:
      if let error = LibraryLog.write(event, to: logger) { access.note(error) }
    case RD_KAFKA_EVENT_ERROR: report(event)
    default: break
    }
  }

  private func report(_ event: OpaquePointer) {
    let code = rd_kafka_event_error(event)
    let error = client.error("table", event)
    let place = ConsumerThread.place(of: event, client)
    switch code {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      if let place { progress.reachedEnd(place.partition, at: place.offset) }
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      if let place { refusedPositions.append(place.partition) }
    case RD_KAFKA_RESP_ERR__FATAL:
      fail(error)
    default:
      logger.warning("kafka table", metadata: ["topic": "\(configuration.topic)", "error": "\(error)"])
      if error.refusal != nil || error.errorClass == .configuration { access.note(error) }
    }
  }

  /// The broker refused a position: reports what was deleted and goes on from the first record there is.
  private func examine(_ partition: TopicPartition) {
    let wanted = progress.positions[partition] ?? 0
    do throws(KafkaError) {
      let answer = try OffsetQuestions.watermarks(client, [partition], within: .seconds(5))
      guard let marks = answer[partition] else { return }
      if marks.low > wanted { lose(partition, from: wanted, marks) }
      progress.restart(partition, in: marks)
      try assign()
    } catch {
      refusedPositions.append(partition)
      wait(backoff.next())
    }
  }

  private func lose(_ partition: TopicPartition, from wanted: Int64, _ marks: Watermarks) {
    let gap = Gap(partition: partition, wanted: wanted, available: marks.low, end: marks.high)
    let count = Int(clamping: max(gap.lost, 1))
    meters.lost.increment(by: count)
    mailbox.content.withLock { $0.lost += count }
    logger.error(
      "kafka: rows of a table were deleted before they were read",
      metadata: [
        "gap": "\(gap)", "topic": "\(partition.topic)", "partition": .stringConvertible(partition.partition),
        "advice": "its cleanup.policy should be compact",
      ])
  }
}

/// A table reader's counters.
struct TableMeters {
  let read: Counter
  let lost: Counter

  init(topic: String) {
    read = Counter(label: "souk_kafka_table_records_total", dimensions: [("topic", topic)])
    lost = Counter(label: "souk_kafka_gap_records_total", dimensions: [("group", ""), ("topic", topic)])
  }
}
