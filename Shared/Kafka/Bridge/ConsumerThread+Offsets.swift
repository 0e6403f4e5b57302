import Core
import CoreMetrics
import CRdKafka
import Logging

extension ConsumerThread {
  /// Looks start offsets up, one bounded attempt at a time, so that rebalances are served in between.
  func lookUpStarts(_ now: ContinuousClock.Instant) {
    lookups.removeAll { !machine.isWaiting($0.id) }
    guard let index = lookups.firstIndex(where: { $0.retryAt <= now }) else { return }
    let lookup = lookups[index]
    do {
      let (offsets, decided) = try starts(lookup.partitions, given: lookup.given)
      lookups.removeAll { $0.id == lookup.id }
      carryOut(machine.startsResolved(lookup.id, offsets))
      // Pinned at once: a crash before the first commit must not start over at another "latest".
      let fresh = machine.admit(decided).admitted
      if !configuration.externalOffsets && !fresh.isEmpty { send(fresh, [:], .start) }
    } catch {
      lookups[index].retryAt = now + lookups[index].backoff.next()
      if error.errorClass == .transient {
        logger.warning("kafka: start offsets not known yet", metadata: ["error": "\(error)"])
      } else {
        lookups.remove(at: index)
        fail(error)
      }
    }
  }

  /// - Returns: where to begin, and the part of it that was not known before.
  private func starts(
    _ partitions: Set<TopicPartition>, given: [TopicPartition: Int64]
  ) throws(KafkaError) -> (all: [TopicPartition: Int64], decided: [TopicPartition: Int64]) {
    let limit: Duration = .seconds(2)
    let decision = StartDecision(
      startFrom: configuration.startFrom, adoptsCommits: !configuration.externalOffsets || configuration.adoptsCommits)
    let open = partitions.subtracting(given.keys)
    if open.isEmpty { return (given, [:]) }
    var counts: [String: Int32] = [:]
    var asked = open
    if configuration.startFrom == .latest {
      for topic in Set(open.map(\.topic)) {
        let known = try Metadata.topic(client, topic, within: limit).partitions
        counts[topic] = Int32(known.count)
        asked.formUnion(known.map { TopicPartition(topic, $0) })
      }
    }
    let committed = try OffsetQuestions.committed(client, asked, within: limit)
    let plan = decision.plan(partitions, given: given, committed: committed, counts: counts)
    var decided: [TopicPartition: Int64] = [:]
    for (start, group) in Dictionary(grouping: plan.fresh, by: \.value) {
      let fresh = Set(group.map(\.key))
      let offsets: [TopicPartition: Int64]
      switch start {
      case .earliest: offsets = try OffsetQuestions.watermarks(client, fresh, within: limit).mapValues(\.low)
      case .latest: offsets = try OffsetQuestions.watermarks(client, fresh, within: limit).mapValues(\.high)
      case .timestamp(let time):
        let times = Dictionary(uniqueKeysWithValues: fresh.map { ($0, time) })
        offsets = try OffsetQuestions.offsets(client, at: times, within: limit)
      }
      decided.merge(offsets) { $1 }
    }
    beginnings.merge(plan.beginnings) { $1 }
    tell(plan, decided)
    return (plan.known.merging(decided) { known, _ in known }, decided)
  }

  private func tell(_ plan: StartDecision.Plan, _ decided: [TopicPartition: Int64]) {
    for (partition, offset) in plan.ignored.sorted(by: { $0.key < $1.key }) {
      meters.ignoredCommits(partition.topic).increment()
      logger.warning(
        "kafka: the sink does not know this partition, and the group's commit is not adopted",
        metadata: [
          "topic": "\(partition.topic)", "partition": .stringConvertible(partition.partition),
          "start": .stringConvertible(decided[partition] ?? -1), "committed": .stringConvertible(offset),
          "advice": "a new or emptied sink is filled from --start-from on",
        ])
    }
    if !plan.added.isEmpty {
      logger.notice(
        "kafka: partitions that were added after the group began are read from their first record",
        metadata: ["partitions": .array(plan.added.sorted().map { .string($0.description) })])
    }
  }

  func seek(_ targets: [TopicPartition: SeekTarget]) throws(KafkaError) {
    var offsets: [TopicPartition: Int64] = [:]
    var times: [TopicPartition: Int64] = [:]
    var edges: Set<TopicPartition> = []
    for (partition, target) in targets {
      guard machine.owned[partition] != nil else {
        throw KafkaError("seek", RD_KAFKA_RESP_ERR__STATE, detail: "\(partition) is not assigned to this member")
      }
      switch target {
      case .offset(let offset): offsets[partition] = offset
      case .timestamp(let time): times[partition] = time
      case .beginning, .end: edges.insert(partition)
      }
    }
    let limit: Duration = .seconds(5)
    offsets.merge(try OffsetQuestions.offsets(client, at: times, within: limit)) { first, _ in first }
    for (partition, marks) in try OffsetQuestions.watermarks(client, edges, within: limit) {
      offsets[partition] = targets[partition] == .end ? marks.high : marks.low
    }
    move(offsets)
  }

  private func move(_ offsets: [TopicPartition: Int64]) {
    let partitions = Set(offsets.keys)
    mailbox.purge(partitions)
    dropHeld(of: partitions)
    refusedPositions.removeAll { partitions.contains($0) }
    for (partition, offset) in offsets { machine.reposition(partition, to: offset) }
    mailbox.publish(epochs: machine.epochs)
    let list = PartitionList(client, offsets)
    var stuck = partitions
    let error = list.call { rd_kafka_seek_partitions($0, $1, 5_000) }
    if let error {
      rd_kafka_error_destroy(error)
    } else {
      stuck = Set(list.elements.filter { $0.error != RD_KAFKA_RESP_ERR_NO_ERROR }.map(\.partition))
    }
    // A partition that is not being fetched cannot be sought in, only started anew.
    restart(stuck)
  }

  /// The broker refused our position: finds out whether records were deleted, and reports the gap.
  func examine(_ partition: TopicPartition) {
    guard let wanted = machine.owned[partition]?.next else { return }
    let marks: Watermarks
    do {
      let answer = try OffsetQuestions.watermarks(client, [partition], within: .seconds(2))
      marks = answer[partition] ?? Watermarks(low: wanted, high: wanted)
    } catch {
      // Asked again on the next round; the poll above has waited already.
      if machine.owned[partition] != nil { refusedPositions.append(partition) }
      return
    }
    if (marks.low...max(marks.low, marks.high)).contains(wanted) {
      logger.notice("kafka: position refused but present, starting again", metadata: [
        "topic": "\(partition.topic)", "partition": .stringConvertible(partition.partition),
      ])
      return restart([partition])
    }
    let gap = Gap(partition: partition, wanted: wanted, available: marks.low, end: marks.high)
    meters.gap(partition.topic).increment(by: Int(clamping: max(gap.lost, 1)))
    logger.error(
      "kafka: records were deleted before they were read",
      metadata: [
        "gap": "\(gap)", "topic": "\(partition.topic)", "partition": .stringConvertible(partition.partition),
        "wanted": .stringConvertible(wanted), "available": .stringConvertible(marks.low),
        "policy": "\(configuration.onGap.rawValue)",
      ])
    outbox.append(.element(.gap(gap)))
    switch configuration.onGap {
    case .stop:
      fail(Failure(
        .fatal, code: "kafka_gap",
        "\(gap); nothing was skipped. Run with --on-gap continue to go on from \(marks.low), or move the group"))
    case .continue where gap.wanted < gap.available:
      // The lease stays: what was read before the gap cannot be read again, so its work has to be finished.
      pass([partition: marks.low])
      restart([partition])
    case .continue:
      machine.reposition(partition, to: marks.low)
      mailbox.publish(epochs: machine.epochs)
      restart([partition])
    }
  }
}

extension ConsumerThread {
  func execute(_ command: ConsumerMailbox.Command) {
    switch command {
    case .abandon: abandon()
    case .call(let body): body(leaveDeadline == nil ? self : nil)
    }
  }

  func committed(_ partitions: Set<TopicPartition>) throws(KafkaError) -> [TopicPartition: CommittedOffset] {
    // The text about the group's beginning is ours, not the worker's.
    try OffsetQuestions.committed(client, partitions, within: .seconds(5)).mapValues { commit in
      GroupBeginning(commit.metadata) == nil ? commit : CommittedOffset(offset: commit.offset)
    }
  }

  func groupMetadata() throws(KafkaError) -> ConsumerGroupMetadata {
    let metadata = client.call { rd_kafka_consumer_group_metadata($0) }
    guard let metadata else { throw KafkaError("group metadata", RD_KAFKA_RESP_ERR__STATE) }
    return ConsumerGroupMetadata(owning: metadata, beginnings: beginnings)
  }

  /// The consumer was released, so each answer that is waited for counts as given.
  private func abandon() {
    carryOut(machine.close())
    while case .draining(let id, _, _, _) = machine.phase { carryOut(machine.deadlinePassed(id)) }
    outbox = []
  }

  func commit(
    _ positions: [TopicPartition: Int64], _ metadata: [TopicPartition: String], _ epochs: [TopicPartition: UInt64],
    _ reply: @escaping ConsumerMailbox.Reply<Set<TopicPartition>>
  ) {
    let (admitted, late) = machine.admit(positions, epochs: epochs)
    if !late.isEmpty {
      meters.late.increment(by: late.count)
      logger.notice("kafka: late commit left out", metadata: [
        "partitions": .array(late.sorted().map { .string($0.description) }),
      ])
    }
    if admitted.isEmpty { return reply(.success(late)) }
    send(admitted, metadata, .reply(reply, late: late))
  }

  /// Commits without waiting; the result comes back on the control queue.
  func send(_ positions: [TopicPartition: Int64], _ metadata: [TopicPartition: String], _ purpose: CommitPurpose) {
    lastCommit += 1
    commits[lastCommit] = (purpose, positions)
    let texts = GroupBeginning.complete(metadata, positions.keys, beginnings)
    let code = PartitionList(client, positions, metadata: texts).call {
      rd_kafka_commit_queue($0, $1, control, nil, UnsafeMutableRawPointer(bitPattern: lastCommit))
    }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { committed(lastCommit, KafkaError("commit", code)) }
  }

  func committed(_ id: UInt, _ error: KafkaError?) {
    guard let (purpose, positions) = commits.removeValue(forKey: id) else { return }
    if let error {
      meters.failedCommits(error.code).increment()
    } else {
      machine.committed(positions)
    }
    switch purpose {
    case .reply(let reply, let late): reply(error.map { .failure($0) } ?? .success(late))
    case .revoke(let id):
      if let error {
        logger.warning(
          "kafka: the commit of a revoke failed; the next owner reads its records again",
          metadata: ["error": "\(error)", "partitions": "\(positions.keys.sorted())"])
      }
      carryOut(machine.revokeCommitted(id))
    case .start:
      if let error { logger.debug("kafka: start offsets not committed yet", metadata: ["error": "\(error)"]) }
    }
  }
}
