import Core
import CoreMetrics
import CRdKafka
import Logging
import Synchronization

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
