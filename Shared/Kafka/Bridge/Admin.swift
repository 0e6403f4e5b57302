import Core
import CRdKafka
import Logging

import Glibc

/// A topic as it should be.
package struct TopicSpecification: Sendable, Hashable {
  package var name: String
  package var partitions: Int
  /// -1 is the cluster's default.
  package var replicationFactor: Int
  /// Broker-side settings, such as `retention.ms`.
  package var settings: [String: String]

  package init(name: String, partitions: Int, replicationFactor: Int = -1, settings: [String: String] = [:]) {
    self.name = name
    self.partitions = partitions
    self.replicationFactor = replicationFactor
    self.settings = settings
  }
}

/// How far a group is behind in one partition.
package struct PartitionLag: Sendable, Hashable {
  package var partition: TopicPartition
  /// nil when the group never committed here.
  package var committed: Int64?
  package var watermarks: Watermarks

  /// Records between the group's position (or, without one, the first record) and the end.
  package var lag: Int64 { max(0, watermarks.high - max(committed ?? watermarks.low, watermarks.low)) }
}

/// A consumer group as its coordinator sees it.
package struct GroupState: Sendable, Hashable {
  /// `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance` or `Dead`.
  package var name: String
  /// `client id @ host` of each, sorted.
  package var members: [String]
}

/// Administrative requests to a cluster. All of them run on a thread of their own, one after the other.
package actor Admin {
  private let executor = ThreadExecutor(name: "kafka-admin")
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private let properties: [String: String]
  /// A client with the queue its errors arrive on, and the last error it reported since its last success.
  private final class Client {
    let handle: ClientHandle
    let queue: OpaquePointer
    var lastError: KafkaError?

    init(_ kind: rd_kafka_type_t, _ properties: [String: String]) throws {
      handle = try ClientHandle(kind, properties: properties, events: 0)
      queue = handle.call { client in
        if kind == RD_KAFKA_CONSUMER { rd_kafka_poll_set_consumer(client) }
        let queue = kind == RD_KAFKA_CONSUMER ? rd_kafka_queue_get_consumer(client) : rd_kafka_queue_get_main(client)
        rd_kafka_set_log_queue(client, queue)
        return queue!
      }
    }

    deinit { rd_kafka_queue_destroy(queue) }
  }

  private let client: Client
  /// What the cluster calls the topics and groups of this fleet.
  package nonisolated let names: ClusterNames
  /// A client for each group that was asked about: the library finds a group's coordinator, and follows it when it
  /// moves, only for the one group that a consumer handle belongs to. None of them joins. (The request that asks about
  /// any group, ListConsumerGroupOffsets, ends the process on a handle without a group as soon as a coordinator
  /// moves.)
  private var groups: [String: Client] = [:]
  private let logger: Logger

  /// - Throws: `Failure(.configuration)` for a property librdkafka refuses.
  package init(properties: [String: String], logger: Logger) throws {
    self.properties = properties
    self.logger = logger
    client = try Client(RD_KAFKA_PRODUCER, properties)
    names = client.handle.names
  }

  private func client(of group: String) throws(KafkaError) -> Client {
    if let known = groups[group] { return known }
    var properties = properties
    properties["group.id"] = group
    properties["enable.auto.commit"] = "false"
    properties["allow.auto.create.topics"] = "false"
    do {
      let made = try Client(RD_KAFKA_CONSUMER, properties)
      groups[group] = made
      return made
    } catch {
      throw KafkaError("group \(group)", RD_KAFKA_RESP_ERR__INVALID_ARG, detail: "\(error)")
    }
  }

  private func drainEvents(_ client: Client) {
    while let event = rd_kafka_queue_poll(client.queue, 0) {
      switch rd_kafka_event_type(event) {
      case RD_KAFKA_EVENT_LOG:
        let hangUp = LibraryLog.write(event, to: logger)
        if let hangUp, client.lastError?.refusal == nil { client.lastError = hangUp }
      case RD_KAFKA_EVENT_ERROR:
        let error = client.handle.error("connect", event)
        // The more specific error is kept: a refused connection to one of several addresses hides no wrong password.
        let saysLess = error.rawCode == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue
          || (error.refusal == nil && client.lastError?.refusal != nil)
        if !saysLess { client.lastError = error }
      default: break
      }
      rd_kafka_event_destroy(event)
    }
  }

  /// Asks until there is an answer or the limit is reached; brokers restart, and coordinators and controllers move. All
  /// requests made here may be repeated.
  ///
  /// - Parameters:
  ///   - first: how long the first attempt may take; each next one twice that. Between two attempts a refusal is heard,
  ///     which arrives as an event and not as an answer.
  ///   - body: one attempt, given what it may take.
  /// - Throws: the reason why nothing could be reached or logged in to, where it is known, instead of a time-out: a
  ///   certain refusal at once, one that a restart may look like when it still holds five seconds later.
  private func ask<Value>(
    _ client: Client, within limit: Duration, first: Duration = .milliseconds(250),
    _ body: (Duration) throws(KafkaError) -> Value
  ) throws(KafkaError) -> Value {
    let deadline = ContinuousClock.now + limit
    var backoff = Backoff(base: .milliseconds(50), cap: .seconds(1))
    var attemptLimit = first
    var repeated = RepeatedRefusal()
    while true {
      do {
        let value = try body(max(.milliseconds(1), min(attemptLimit, deadline - .now)))
        drainEvents(client)
        client.lastError = nil
        return value
      } catch {
        drainEvents(client)
        guard error.errorClass == .transient else { throw error }
        var explained = client.lastError ?? error
        explained.operation = error.operation
        if explained.refusal?.isCertain == true { throw explained }
        if let age = repeated.note(explained.refusal), age >= .seconds(5) { throw explained }
        attemptLimit = attemptLimit * 2
        let wait = backoff.next()
        guard .now + wait < deadline else { throw explained }
        usleep(UInt32(wait.milliseconds) * 1_000)
      }
    }
  }

  package func metadata(within limit: Duration = .seconds(10)) throws(KafkaError) -> Metadata {
    try ask(client, within: limit) { (limit) throws(KafkaError) in try Metadata.all(client.handle, within: limit) }
  }

  /// All topics with their partitions; never creates one.
  package func topics(within limit: Duration = .seconds(10)) throws(KafkaError) -> [String: [Int32]] {
    let topics = try metadata(within: limit).topics
    return Dictionary(topics.map { ($0.name, $0.partitions) }, uniquingKeysWith: { first, _ in first })
  }

  /// Names one cluster; embedded brokers differ at every start.
  package func clusterID(within limit: Duration = .seconds(10)) throws(KafkaError) -> String {
    try ask(client, within: limit) { (limit) throws(KafkaError) in try ClusterID.ask(client.handle, within: limit) }
  }

  package func watermarks(
    _ partitions: Set<TopicPartition>, within limit: Duration = .seconds(10)
  ) throws(KafkaError) -> [TopicPartition: Watermarks] {
    try ask(client, within: limit, first: .seconds(2)) { (limit) throws(KafkaError) in
      try OffsetQuestions.watermarks(client.handle, partitions, within: limit)
    }
  }

  /// What a group committed; partitions without a committed offset are missing.
  package func committed(
    group: String, _ partitions: Set<TopicPartition>, within limit: Duration = .seconds(10)
  ) throws(KafkaError) -> [TopicPartition: CommittedOffset] {
    if partitions.isEmpty { return [:] }
    let client = try client(of: group)
    return try ask(client, within: limit) { (limit) throws(KafkaError) in
      try OffsetQuestions.committed(client.handle, partitions, within: limit)
    }
  }

  /// How far a group is behind in every partition of these topics, sorted; topics that do not exist are left out.
  package func lag(
    group: String, topics: [String], within limit: Duration = .seconds(10)
  ) throws(KafkaError) -> [PartitionLag] {
    let known = try self.topics(within: limit)
    let partitions = Set(topics.flatMap { topic in (known[topic] ?? []).map { TopicPartition(topic, $0) } })
    let committed = try committed(group: group, partitions, within: limit)
    let marks = try watermarks(partitions, within: limit)
    return partitions.sorted().compactMap { partition in
      marks[partition].map {
        PartitionLag(partition: partition, committed: committed[partition]?.offset, watermarks: $0)
      }
    }
  }

  /// One topic as a consumer of this group is shown it: tells a denied topic, which a list of all topics leaves out,
  /// from one that does not exist. Never creates it on a real cluster; an embedded broker makes every topic it is asked
  /// about.
  package func topic(_ name: String, group: String, within limit: Duration) throws(KafkaError) -> Metadata.Topic {
    let client = try client(of: group)
    return try ask(client, within: limit) { (limit) throws(KafkaError) in
      try Metadata.topic(client.handle, name, within: limit)
    }
  }

  /// Who is in a group now: `client id @ host` of each member, sorted; empty for a group that does not exist. The
  /// embedded broker cannot say.
  package func members(of group: String, within limit: Duration = .seconds(10)) throws(KafkaError) -> [String] {
    try state(of: group, within: limit).members
  }

  /// What the brokers say of a group; of one that does not exist, the state `Dead` without members. The embedded broker
  /// cannot say.
  package func state(of group: String, within limit: Duration = .seconds(10)) throws(KafkaError) -> GroupState {
    try ask(client, within: limit, first: .seconds(2)) { (limit) throws(KafkaError) in
      var answer: UnsafePointer<rd_kafka_group_list>?
      let code = client.handle.call { rd_kafka_list_groups($0, names.onCluster(group), &answer, limit.milliseconds) }
      defer { if let answer { rd_kafka_group_list_destroy(answer) } }
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else { throw KafkaError("members of \(group)", code) }
      var state = GroupState(name: "Dead", members: [])
      for index in 0..<Int(answer.pointee.group_cnt) {
        let info = answer.pointee.groups[index]
        guard info.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("members of \(group)", info.err) }
        state.name = String(cString: info.state)
        for member in 0..<Int(info.member_cnt) {
          state.members.append(
            String(cString: info.members[member].client_id) + " @ " + String(cString: info.members[member].client_host))
        }
      }
      state.members.sort()
      return state
    }
  }

  /// The first offsets at or after a time (milliseconds since 1970), the end where there is none. The embedded broker
  /// cannot look up times.
  package func offsets(
    _ partitions: Set<TopicPartition>, at time: Int64, within limit: Duration = .seconds(10)
  ) throws(KafkaError) -> [TopicPartition: Int64] {
    let times = Dictionary(uniqueKeysWithValues: partitions.map { ($0, time) })
    return try ask(client, within: limit, first: .seconds(2)) { (limit) throws(KafkaError) in
      try OffsetQuestions.offsets(client.handle, at: times, within: limit)
    }
  }

  /// Commits offsets for a group that has no members; the text beside each stays.
  /// - Throws: `UNKNOWN_MEMBER_ID` while the group has members: the brokers refuse to move what they read.
  package func commit(
    group: String, _ offsets: [TopicPartition: Int64], within limit: Duration = .seconds(10)
  ) throws(KafkaError) {
    if offsets.isEmpty { return }
    let kept = try committed(group: group, Set(offsets.keys), within: limit).mapValues(\.metadata)
    let client = try client(of: group)
    try ask(client, within: limit, first: .seconds(2)) { (_) throws(KafkaError) in
      let list = PartitionList(client.handle, offsets, metadata: kept.filter { !$0.value.isEmpty })
      let code = list.call { rd_kafka_commit($0, $1, 0) }
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("commit for \(group)", code) }
      for element in list.elements where element.error != RD_KAFKA_RESP_ERR_NO_ERROR {
        throw KafkaError("commit of \(element.partition) for \(group)", element.error)
      }
    }
  }

  /// Creates those that are missing and leaves existing ones as they are.
  /// - Returns: the names that were created.
  /// - Throws: class `configuration` where the cluster does not create topics on request (the embedded broker: use
  ///   `EmbeddedBroker.createTopic`) or refuses.
  @discardableResult
  package func createTopics(
    _ topics: [TopicSpecification], within limit: Duration = .seconds(30)
  ) throws(KafkaError) -> [String] {
    let existing = Set(try metadata(within: limit).topics.filter { !$0.partitions.isEmpty }.map(\.name))
    let missing = topics.filter { !existing.contains($0.name) }
    if missing.isEmpty { return [] }
    if try clusterID(within: limit).hasPrefix(EmbeddedBroker.clusterIDPrefix) {
      // It has no controller, so the request would only time out.
      throw KafkaError(
        "create topics", RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
        detail: "an embedded broker does not create topics on request, its owner does")
    }
    nonisolated(unsafe) var requests: [OpaquePointer?] = []
    defer { for request in requests { rd_kafka_NewTopic_destroy(request) } }
    for topic in missing {
      var text = [CChar](repeating: 0, count: 256)
      guard let request = rd_kafka_NewTopic_new(
        names.onCluster(topic.name), Int32(topic.partitions), Int32(topic.replicationFactor), &text, text.count) else {
        throw KafkaError("create topic \(topic.name)", RD_KAFKA_RESP_ERR__INVALID_ARG, detail: Library.string(text))
      }
      for (name, value) in topic.settings { rd_kafka_NewTopic_set_config(request, name, value) }
      requests.append(request)
    }
    return try ask(client, within: limit, first: limit) { (limit) throws(KafkaError) in
      let event = try perform("create topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, limit) { client, options, queue in
        rd_kafka_CreateTopics(client, &requests, requests.count, options, queue)
      }
      defer { rd_kafka_event_destroy(event) }
      var count = 0
      let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
      return try outcomes(results, count, accepting: RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, "create topic")
    }
  }

  package func deleteTopics(_ topics: [String], within limit: Duration = .seconds(30)) throws(KafkaError) {
    nonisolated(unsafe) var requests = topics.map { Optional(rd_kafka_DeleteTopic_new(names.onCluster($0))!) }
    defer { for request in requests { rd_kafka_DeleteTopic_destroy(request) } }
    try ask(client, within: limit, first: limit) { (limit) throws(KafkaError) in
      let event = try perform("delete topics", RD_KAFKA_ADMIN_OP_DELETETOPICS, limit) { client, options, queue in
        rd_kafka_DeleteTopics(client, &requests, requests.count, options, queue)
      }
      defer { rd_kafka_event_destroy(event) }
      var count = 0
      let results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count)
      _ = try outcomes(results, count, accepting: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "delete topic")
    }
  }

  /// - Returns: the topics that changed; those that already were as wanted are left out.
  private func outcomes(
    _ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int, accepting benign: rd_kafka_resp_err_t,
    _ operation: String
  ) throws(KafkaError) -> [String] {
    var changed: [String] = []
    for index in 0..<count {
      let name = names.topic(rd_kafka_topic_result_name(results![index]))
      let code = rd_kafka_topic_result_error(results![index])
      if code == RD_KAFKA_RESP_ERR_NO_ERROR {
        changed.append(name)
      } else if code != benign {
        let detail = rd_kafka_topic_result_error_string(results![index]).map { String(cString: $0) }
        throw KafkaError("\(operation) \(name)", code, detail: detail)
      }
    }
    return changed
  }

  /// Sends an admin request and waits for its event, which the caller frees.
  private func perform(
    _ operation: String, _ kind: rd_kafka_admin_op_t, _ limit: Duration,
    _ send: (_ client: OpaquePointer, _ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void
  ) throws(KafkaError) -> OpaquePointer {
    let (queue, options) = client.handle.call { (rd_kafka_queue_new($0), rd_kafka_AdminOptions_new($0, kind)) }
    defer {
      rd_kafka_AdminOptions_destroy(options)
      rd_kafka_queue_destroy(queue)
    }
    rd_kafka_AdminOptions_set_request_timeout(options, limit.milliseconds, nil, 0)
    client.handle.call { send($0, options, queue) }
    // The library answers by its own time-out; the extra second only guards against a lost answer.
    guard let event = rd_kafka_queue_poll(queue, limit.milliseconds + 1_000) else {
      throw KafkaError(operation, RD_KAFKA_RESP_ERR__TIMED_OUT)
    }
    let code = rd_kafka_event_error(event)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      let detail = rd_kafka_event_error_string(event).map { String(cString: $0) }
      rd_kafka_event_destroy(event)
      throw KafkaError(operation, code, detail: detail)
    }
    return event
  }
}
