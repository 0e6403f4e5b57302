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
