import Core
import CoreMetrics
import CRdKafka
import Logging

/// The one thread that touches a consumer's handle: carries out what `ConsumerMachine` decides.
///
/// Two queues: every assigned partition is forwarded to `records`, which is read only while the worker has room;
/// rebalances, errors and logs arrive on `control`, which is read all the time.
final class ConsumerThread {
  enum Outgoing {
    case element(Consumer.Element)
    case failure(any ClassifiedError)
  }
  enum CommitPurpose {
    case reply(ConsumerMailbox.Reply<Set<TopicPartition>>, late: Set<TopicPartition>)
    case revoke(UInt64)
    case start
  }
  /// Start offsets that are still to be looked up.
  struct Lookup {
    var id: UInt64
    var partitions: Set<TopicPartition>
    var given: [TopicPartition: Int64]
    var retryAt: ContinuousClock.Instant
    var backoff = Backoff(base: .milliseconds(100), cap: .seconds(2))
  }

  let configuration: Consumer.Configuration
  let mailbox: ConsumerMailbox
  let client: ClientHandle
  let control: OpaquePointer
  let records: OpaquePointer
  /// Receives the rebalances while the member leaves the group: the library forwards `control` to it.
  var closeQueue: OpaquePointer?
  let waker: QueueWaker
  /// Never asked of the library, whose answer is not safe to read from another thread.
  let cooperative: Bool
  let logger: Logger

  var machine: ConsumerMachine
  var outbox: [Outgoing] = []
  var timers: [(id: UInt64, at: ContinuousClock.Instant)] = []
  var lookups: [Lookup] = []
  var commits: [UInt: (purpose: CommitPurpose, positions: [TopicPartition: Int64])] = [:]
  var lastCommit: UInt = 0
  typealias Held = (event: OpaquePointer, message: UnsafePointer<rd_kafka_message_t>)
  /// Records taken from the library but not yet handed over: the one a full batch had no room for, and those
  /// that came over `control`.
  var held: [Held] = []
  var refusedPositions: [TopicPartition] = []
  var ends = PartitionEnds()
  /// Texts that say with how many partitions the group began on each topic; beside every commit that has none.
  var beginnings: [String: Int32] = [:]
  /// When partitions were last restarted, and when their routes are looked after next.
  var reroutedAt: ContinuousClock.Instant?
  var nextReroute = ContinuousClock.now
  var leaveDeadline: ContinuousClock.Instant?
  var missingSince: ContinuousClock.Instant?
  let access: ClientAccess
  var failed = false
  let statistics = Statistics(kind: "consumer")
  let meters: ConsumerMeters

  static func start(_ configuration: Consumer.Configuration, mailbox: ConsumerMailbox) throws {
    nonisolated(unsafe) let thread = try ConsumerThread(configuration, mailbox: mailbox)
    startThread(named: "kafka-consumer") { thread.run() }
  }

  private init(_ configuration: Consumer.Configuration, mailbox: ConsumerMailbox) throws {
    self.configuration = configuration
    self.mailbox = mailbox
    logger = configuration.logger
    machine = ConsumerMachine(externalOffsets: configuration.externalOffsets)
    cooperative = configuration.properties["partition.assignment.strategy"] == "cooperative-sticky"
    meters = ConsumerMeters(group: configuration.groupID)
    client = try ClientHandle(RD_KAFKA_CONSUMER, properties: configuration.properties, events: RD_KAFKA_EVENT_REBALANCE)
    access = ClientAccess(client, onChange: configuration.onAccessProblem)
    let queues = client.call { client in
      rd_kafka_poll_set_consumer(client)
      let control = rd_kafka_queue_get_consumer(client)!
      rd_kafka_set_log_queue(client, control)
      return (control: control, records: rd_kafka_queue_new(client)!)
    }
    (control, records) = (queues.control, queues.records)
    // Answers and rebalances arrive on `control` while the thread waits for records.
    rd_kafka_queue_cb_event_enable(
      control, { _, records in records.map { rd_kafka_queue_yield(OpaquePointer($0)) } },
      UnsafeMutableRawPointer(records))
    waker = QueueWaker([records, control])
    let waker = waker
    mailbox.attach { waker.wake() }
  }

  private func run() {
    subscribe()
    while !hasLeft {
      for command in mailbox.takeCommands() { execute(command) }
      serveControl(wait: .zero)
      handOverEnds()
      let now = ContinuousClock.now
      fireTimers(now)
      lookUpStarts(now)
      watch(now)
      client.renewLogin()
      mailbox.expireReader(now: now)
      guard mailbox.hasRoom else {
        serveControl(wait: pollLimit(now))
        continue
      }
      if !outbox.isEmpty {
        switch outbox.removeFirst() {
        case .element(let element): mailbox.deliver(element)
        case .failure(let error): mailbox.fail(error)
        }
      } else if !refusedPositions.isEmpty {
        examine(refusedPositions.removeFirst())
      } else if machine.mayFetch && !machine.owned.isEmpty {
        if let batch = collect(wait: pollLimit(now)) { mailbox.deliver(.batch(batch)) }
      } else {
        serveControl(wait: pollLimit(now))
      }
    }
    end()
  }

  private func subscribe() {
    let wanted = PartitionList(client, configuration.topics.map { TopicPartition($0, RD_KAFKA_PARTITION_UA) })
    let code = wanted.call { rd_kafka_subscribe($0, $1) }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { fail(KafkaError("subscribe", code)) }
  }

  /// How long a poll may wait before something of ours is due.
  private func pollLimit(_ now: ContinuousClock.Instant) -> Duration {
    var limit = configuration.idlePoll
    for timer in timers { limit = min(limit, timer.at - now) }
    for lookup in lookups { limit = min(limit, lookup.retryAt - now) }
    if let deadline = mailbox.readerDeadline { limit = min(limit, deadline - now) }
    // Rounded up: a time-out of 0 ms would spin until the moment has come.
    return max(.zero, limit) + .milliseconds(1)
  }

  private func fireTimers(_ now: ContinuousClock.Instant) {
    let due = timers.filter { $0.at <= now }
    guard !due.isEmpty else { return }
    timers.removeAll { $0.at <= now }
    for timer in due {
      let actions = machine.deadlinePassed(timer.id)
      if !actions.isEmpty {
        logger.warning("kafka: no answer before the deadline", metadata: ["phase": "\(machine.phase)"])
      }
      carryOut(actions)
    }
  }

  /// Checks problems that have to last before they count, and records gauges.
  private func watch(_ now: ContinuousClock.Instant) {
    if case .draining(_, _, .some, _) = machine.phase, isAssignmentLost {
      carryOut(machine.assignmentVoid())
    }
    if let error = access.lastingError() { fail(error) }
    if let since = missingSince, since + configuration.missingTopicGrace <= now { confirmMissingTopics(now) }
    if now >= nextReroute {
      // A partition that is stopped and started at once loses its queue forwarding when the stop takes effect, some
      // time later; forwarding again also moves what arrived meanwhile, and costs nothing where it was not lost.
      forward(Set(machine.owned.keys))
      let isRecent = reroutedAt.map { now - $0 < .seconds(3) } ?? false
      nextReroute = now + (isRecent ? .milliseconds(20) : .seconds(1))
    }
    meters.recordLag(client, machine.owned, now)
  }

  /// Ends the stream with an error, after what is already on its way, and drains.
  func fail(_ error: any ClassifiedError) {
    guard !failed else { return }
    failed = true
    logger.critical("kafka consumer stops", metadata: ["error": "\(error)"])
    outbox.append(.failure(error))
    carryOut(machine.close())
  }

  // MARK: Leaving

  var hasLeft: Bool {
    guard let leaveDeadline else { return false }
    guard outbox.isEmpty else { return false }
    return isClosed || ContinuousClock.now >= leaveDeadline
  }

  /// The library has left the group.
  private var isClosed: Bool { client.call { rd_kafka_consumer_closed($0) } != 0 }
  /// The group has taken the whole assignment away without asking.
  var isAssignmentLost: Bool { client.call { rd_kafka_assignment_lost($0) } != 0 }

  func leave() {
    leaveDeadline = .now + configuration.closeDeadline
    let queue = client.call { rd_kafka_queue_new($0) }
    closeQueue = queue
    let refusal = client.call { rd_kafka_consumer_close_queue($0, queue) }
    if let error = refusal {
      logger.warning("kafka: leaving the group failed", metadata: ["error": "\(KafkaError("close", consuming: error))"])
      leaveDeadline = .now
    }
  }

  private func end() {
    if !isClosed {
      logger.warning("kafka: the group was not left in time; the broker will notice by the session time-out")
    }
    dropHeld(of: nil)
    for (purpose, _) in commits.values {
      if case .reply(let reply, _) = purpose { reply(.failure(.closed("commit"))) }
    }
    meters.forgetAll()
    rd_kafka_queue_cb_event_enable(control, nil, nil)
    waker.destroy()
    if let closeQueue { rd_kafka_queue_destroy(closeQueue) }
    mailbox.finish()
  }
}

extension ConsumerThread {
  /// Handles all queued events; waits up to `wait` for the first.
  func serveControl(wait: Duration) {
    let queue = closeQueue ?? control
    if let event = rd_kafka_queue_poll(queue, wait.milliseconds) { handle(event) }
    while let event = rd_kafka_queue_poll(queue, 0) { handle(event) }
  }

  func handle(_ event: OpaquePointer) {
    if rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH, let message = rd_kafka_event_message_next(event) {
      // A record that arrived on the wrong queue counts all the same.
      held.append((event, message))
      return
    }
    defer { rd_kafka_event_destroy(event) }
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_REBALANCE: rebalance(event)
    case RD_KAFKA_EVENT_OFFSET_COMMIT: commitResult(event)
    case RD_KAFKA_EVENT_ERROR: report(event)
    case RD_KAFKA_EVENT_STATS: statistics.record(event)
    case RD_KAFKA_EVENT_LOG:
      if let error = LibraryLog.write(event, to: logger) { access.note(error) }
    default: break
    }
  }

  private func rebalance(_ event: OpaquePointer) {
    let partitions = PartitionList.partitions(client, rd_kafka_event_topic_partition_list(event))
    let code = rd_kafka_event_error(event)
    let isAssign = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
    let isLost = !isAssign && isAssignmentLost
    meters.rebalances(isAssign ? "assign" : isLost ? "lost" : "revoke").increment()
    logger.info(
      "kafka rebalance",
      metadata: [
        "kind": isAssign ? "assign" : isLost ? "lost" : "revoke",
        "partitions": .array(partitions.sorted().map { .string($0.description) }),
      ])
    if isAssign {
      missingSince = nil
      access.wasLetIn()
      carryOut(machine.assignOffered(partitions))
    } else if isLost {
      carryOut(machine.lost(Set(partitions)))
    } else {
      carryOut(machine.revokeOffered(Set(partitions)))
    }
  }

  private func commitResult(_ event: OpaquePointer) {
    let id = UInt(bitPattern: rd_kafka_event_opaque(event))
    var code = rd_kafka_event_error(event)
    if code == RD_KAFKA_RESP_ERR_NO_ERROR {
      let failed = PartitionList.elements(client, rd_kafka_event_topic_partition_list(event))
        .first { $0.error != RD_KAFKA_RESP_ERR_NO_ERROR }
      if let failed { code = failed.error }
    }
    committed(id, code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError("commit", code))
  }

  /// An error event of the client, the group or, with a partition, of fetching.
  func report(_ event: OpaquePointer) {
    if noteEnd(event) { return }
    let code = rd_kafka_event_error(event)
    let error = client.error("consume", event)
    if code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE {
      if let partition = place(of: event)?.partition { refusedPositions.append(partition) }
      return
    }
    meters.errors(error.code).increment()
    if code == RD_KAFKA_RESP_ERR__FATAL {
      fail(error)
    } else if code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC {
      logger.warning("kafka: a subscribed topic is missing", metadata: ["error": "\(error)"])
      if missingSince == nil { missingSince = .now }
    } else if error.refusal != nil || error.errorClass == .configuration {
      logger.error("kafka consumer", metadata: ["error": "\(error)"])
      access.note(error)
    } else if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
      logger.warning("kafka: no broker can be reached; still trying", metadata: ["error": "\(error)"])
    } else {
      logger.warning("kafka consumer", metadata: ["error": "\(error)"])
    }
  }

  func place(of event: OpaquePointer) -> (partition: TopicPartition, offset: Int64)? {
    Self.place(of: event, client)
  }

  static func place(of event: OpaquePointer, _ client: ClientHandle) -> (partition: TopicPartition, offset: Int64)? {
    guard let element = rd_kafka_event_topic_partition(event) else { return nil }
    defer { rd_kafka_topic_partition_destroy(element) }
    let partition = TopicPartition(client.names.topic(element.pointee.topic), element.pointee.partition)
    return (partition, element.pointee.offset)
  }

  /// Topics can be missing because they are about to be created; after the grace the cluster itself is asked.
  func confirmMissingTopics(_ now: ContinuousClock.Instant) {
    guard let metadata = try? Metadata.all(client, within: .seconds(2)) else {
      missingSince = now - configuration.missingTopicGrace + .seconds(5)
      return
    }
    missingSince = nil
    let known = Dictionary(metadata.topics.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let missing = configuration.topics.filter { known[$0]?.partitions.isEmpty ?? true }
    guard !missing.isEmpty else { return }
    let names = missing.map(client.names.onCluster).joined(separator: ", ")
    fail(KafkaError(
      "subscribe", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, detail: "topics do not exist: \(names)"
    ).asConfiguration("create them first"))
  }
}
