import Core
import CoreMetrics
import CRdKafka
import Logging
import Synchronization

/// Everything of a producer that outlives its `Producer`: the handle, what is in flight, and the poll thread.
final class ProducerCore: Sendable {
  struct State {
    var nextTicket: UInt64 = 1
    var tickets: [UInt64: AckTicket] = [:]
    var topics: [String: TopicHandle] = [:]
    var partitionCounts: [String: (count: Int32, at: ContinuousClock.Instant)] = [:]
    /// Callers that wait for room in the library's queue.
    var roomWaiters: [CheckedContinuation<Void, Never>] = []
    var stopping = false
    var stopped = false
  }
  let client: ClientHandle
  let configuration: Producer.Configuration
  let admission: Admission
  let control = ProducerControl()
  let state = Mutex(State())
  /// Raised when the poll thread has ended.
  private let ended = Interruption()
  let waker: QueueWaker
  nonisolated(unsafe) private let queue: OpaquePointer

  init(_ configuration: Producer.Configuration) throws {
    self.configuration = configuration
    var properties = configuration.properties
    if let id = configuration.transactionalID { properties["transactional.id"] = id }
    client = try ClientHandle(RD_KAFKA_PRODUCER, properties: properties, events: RD_KAFKA_EVENT_DR)
    queue = client.call { client in
      let queue = rd_kafka_queue_get_main(client)!
      rd_kafka_set_log_queue(client, queue)
      return queue
    }
    waker = QueueWaker([queue])
    admission = Admission(budget: configuration.maxInFlightBytes)
  }

  func startPolling() {
    startThread(named: "kafka-producer") { [self] in ProducerThread(self, queue: queue).run() }
  }

  // MARK: Producing

  func enqueue(_ batch: OutgoingBatch) async throws(KafkaError) -> AckTicket {
    let id = state.withLock { state in
      defer { state.nextTicket += 1 }
      return state.nextTicket
    }
    let ticket = AckTicket(id: id, total: batch.count, bytes: batch.byteCount)
    if batch.isEmpty { return ticket }
    try await admission.enter(batch.byteCount)
    defer { admission.leave() }
    state.withLock { $0.tickets[id] = ticket }
    do {
      try await handOver(batch, ticket)
    } catch {
      if settle(ticket) { throw error }
    }
    return ticket
  }

  /// Withdraws a batch of which the library took nothing.
  /// - Returns: false when it took something: then the acknowledgements tell.
  private func settle(_ ticket: AckTicket) -> Bool {
    let untouched = ticket.isUntouched
    if untouched {
      state.withLock { _ = $0.tickets.removeValue(forKey: ticket.id) }
      admission.release(ticket.bytes)
    }
    return untouched
  }

  private func handOver(_ batch: OutgoingBatch, _ ticket: AckTicket) async throws(KafkaError) {
    var counts: [Int32] = []
    if batch.hasRouting {
      for topic in batch.topics { counts.append(try await partitionCount(of: topic)) }
    }
    var next = 0
    while next < batch.count {
      let outcome = produce(batch, from: next, ticket, counts)
      next = outcome.next
      guard let error = outcome.error else { continue }
      if error.rawCode == RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue {
        await room()
        if let closed = admission.closedBy { return refuse(ticket, batch.count - next, closed) }
      } else if error.errorClass == .data {
        refuse(ticket, 1, error)
        next += 1
      } else if next == 0 && ticket.isUntouched {
        throw client.fatalError ?? error
      } else {
        return refuse(ticket, batch.count - next, client.fatalError ?? error)
      }
    }
  }

  private func refuse(_ ticket: AckTicket, _ count: Int, _ error: KafkaError) {
    if ticket.complete(count, failed: count, error) { finish(ticket) }
  }

  func finish(_ ticket: AckTicket) {
    state.withLock { _ = $0.tickets.removeValue(forKey: ticket.id) }
    admission.release(ticket.bytes)
  }

  /// Waits until acknowledgements made room in the library's queue, or a moment passed.
  private func room() async {
    await withCheckedContinuation { continuation in
      let closed = state.withLock { state in
        if !state.stopped { state.roomWaiters.append(continuation) }
        return state.stopped
      }
      if closed { continuation.resume() }
    }
  }

  // MARK: Partitions

  func partitionCount(of topic: String) async throws(KafkaError) -> Int32 {
    let known = state.withLock { $0.partitionCounts[topic] }
    if let known, known.at.duration(to: .now) < configuration.partitionCountAge { return known.count }
    let start = ContinuousClock.now
    var backoff = Backoff(base: .milliseconds(50), cap: .seconds(2))
    while true {
      if let closed = admission.closedBy { throw closed }
      do throws(KafkaError) {
        if let count = try await control.partitionCount(client, topic: topic, within: .seconds(5)) {
          state.withLock { $0.partitionCounts[topic] = (count, .now) }
          return count
        }
        if start.duration(to: .now) > configuration.missingTopicGrace {
          throw KafkaError("produce", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, detail: "topic \(topic) does not exist")
            .asConfiguration("create it first")
        }
      } catch {
        if error.errorClass != .transient { throw error }
        // Partitions are only ever added, so an old count serves while the cluster is away.
        if let known { return known.count }
      }
      do {
        try await Task.sleep(for: backoff.next())
      } catch {
        throw .cancelled("produce")
      }
    }
  }

  // MARK: The end

  func abandon() {
    admission.close(.closed("produce"))
    let all = RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING
    client.call { _ = rd_kafka_purge($0, all) }
    state.withLock { $0.stopping = true }
    waker.wake()
  }

  func close(within limit: Duration) async {
    admission.close(.closed("produce"))
    let deadline = ContinuousClock.now + limit
    // Waits for the batch that is still being enqueued.
    while admission.isOccupied && .now < deadline { await room() }
    if (try? await control.flush(client, within: max(.zero, deadline - .now))) == nil {
      await control.purge(client)
    }
    state.withLock { $0.stopping = true }
    waker.wake()
    // Also in a cancelled task: the handle must not go away under the thread.
    await Task { await ended.wait() }.value
  }

  /// The poll thread ended: nothing can be acknowledged any more.
  func stopped() {
    let (tickets, room) = state.withLock { state in
      state.stopped = true
      defer { (state.tickets, state.roomWaiters, state.topics) = ([:], [], [:]) }
      return (Array(state.tickets.values), state.roomWaiters)
    }
    for ticket in tickets {
      ticket.abandon(.closed("produce"))
      admission.release(ticket.bytes)
    }
    for waiter in room { waiter.resume() }
    ended.raise()
  }
}

/// Serves a producer's events: acknowledgements, errors, statistics, logs.
final class ProducerThread {
  private let core: ProducerCore
  private let queue: OpaquePointer
  private let logger: Logger
  private let statistics: Statistics
  private let access: ClientAccess
  private let produced = Counter(label: "souk_kafka_produced_records_total")
  private let refused = Counter(label: "souk_kafka_produce_failures_total")

  init(_ core: ProducerCore, queue: OpaquePointer) {
    self.core = core
    self.queue = queue
    logger = core.configuration.logger
    statistics = Statistics(kind: "producer")
    access = ClientAccess(core.client, onChange: core.configuration.onAccessProblem)
  }

  func run() {
    while !isDone {
      core.client.renewLogin()
      // The loop also goes round without acknowledgements, so that callers waiting for room look again.
      if let event = rd_kafka_queue_poll(queue, 50) { handle(event) }
      var served = 0
      while served < 1_000, let event = rd_kafka_queue_poll(queue, 0) {
        handle(event)
        served += 1
      }
      let waiters = core.state.withLock { state in
        defer { state.roomWaiters = [] }
        return state.roomWaiters
      }
      for waiter in waiters { waiter.resume() }
      if let error = access.lastingError() { core.admission.close(error) }
    }
    core.waker.destroy()
    core.stopped()
  }

  /// Stops when asked to and everything was acknowledged or refused, as a flush or a purge brings about.
  private var isDone: Bool {
    core.state.withLock { $0.stopping } && core.client.call { rd_kafka_outq_len($0) } == 0
  }

  private func handle(_ event: OpaquePointer) {
    defer { rd_kafka_event_destroy(event) }
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_DR: acknowledge(event)
    case RD_KAFKA_EVENT_ERROR: fail(event)
    case RD_KAFKA_EVENT_STATS: statistics.record(event)
    case RD_KAFKA_EVENT_LOG: LibraryLog.write(event, to: logger)
    default: break
    }
  }

  /// Neighbours in a report are nearly always of one batch: they are counted together and settled once.
  private func acknowledge(_ event: OpaquePointer) {
    var current: AckTicket?
    var (count, failed) = (0, 0)
    var worst: KafkaError?
    var lastCode = RD_KAFKA_RESP_ERR_NO_ERROR
    func settle() {
      guard let ticket = current else { return }
      if ticket.complete(count, failed: failed, worst) { core.finish(ticket) }
      produced.increment(by: count - failed)
      if failed > 0 { refused.increment(by: failed) }
      (count, failed, worst, lastCode) = (0, 0, nil, RD_KAFKA_RESP_ERR_NO_ERROR)
    }
    while let message = rd_kafka_event_message_next(event) {
      let id = UInt64(UInt(bitPattern: message.pointee._private))
      if current?.id != id {
        settle()
        current = core.state.withLock { $0.tickets[id] }
      }
      count += 1
      if message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR {
        failed += 1
        // Neighbours fail for one reason, which is worked out once.
        if message.pointee.err != lastCode { worst = .worse(worst, reason(message)) }
        lastCode = message.pointee.err
      }
    }
    settle()
    if failed == 0 { access.wasLetIn() }
  }

  private func reason(_ message: UnsafePointer<rd_kafka_message_t>) -> KafkaError {
    let code = message.pointee.err
    if code == RD_KAFKA_RESP_ERR__FATAL, let fatal = core.client.fatalError { return fatal }
    let error = KafkaError("produce", code)
    guard code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC else {
      return error
    }
    // The library has waited topic.metadata.propagation.max.ms for the topic before it said so.
    let topic = message.pointee.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? "?"
    return error.asConfiguration("topic \(topic) has to be created first")
  }

  private func fail(_ event: OpaquePointer) {
    let code = rd_kafka_event_error(event)
    let error = core.client.error("client", event)
    Counter(label: "souk_kafka_errors_total", dimensions: [("client", "producer"), ("code", error.code)]).increment()
    if code == RD_KAFKA_RESP_ERR__FATAL {
      logger.critical("kafka producer is broken", metadata: ["error": "\(error)"])
      core.admission.close(error)
    } else if error.refusal != nil || error.errorClass == .configuration {
      logger.error("kafka producer", metadata: ["error": "\(error)"])
      access.note(error)
    } else {
      logger.warning("kafka producer", metadata: ["error": "\(error)"])
    }
  }
}
