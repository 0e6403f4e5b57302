import CRdKafka
import Logging
import Runtime

import Glibc

/// The thread and the handles behind `Admin`.
actor AdminWorker {
  private let executor = ThreadExecutor(name: "kafka-admin")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private let properties: [String: String]
  private let client: ClientHandle
  /// A client for each group that was asked about: the library finds a group's coordinator, and follows it when it
  /// moves, only for the one group that a consumer handle belongs to. None of them joins. (The request that asks about
  /// any group, ListConsumerGroupOffsets, ends the process on a handle without a group as soon as a coordinator
  /// moves.)
  private var groups: [String: ClientHandle] = [:]
  private let logger: Logger

  init(properties: [String: String], logger: Logger) throws {
    self.properties = properties
    self.logger = logger
    client = try ClientHandle(RD_KAFKA_PRODUCER, properties: properties, events: 0)
    client.call { _ = rd_kafka_set_log_queue($0, nil) }
  }

  private func client(of group: String) throws(KafkaError) -> ClientHandle {
    if let known = groups[group] { return known }
    var properties = properties
    properties["group.id"] = group
    properties["enable.auto.commit"] = "false"
    let made: ClientHandle
    do {
      made = try ClientHandle(RD_KAFKA_CONSUMER, properties: properties, events: 0)
    } catch {
      throw KafkaError("group \(group)", RD_KAFKA_RESP_ERR__INVALID_ARG, detail: "\(error)")
    }
    made.call { _ = rd_kafka_set_log_queue($0, nil) }
    groups[group] = made
    return made
  }

  /// - Returns: why connections failed since the last call, which says more than the time-out that follows.
  private func drainEvents(_ client: ClientHandle) -> KafkaError? {
    guard let queue = client.call({ rd_kafka_queue_get_main($0) }) else { return nil }
    defer { rd_kafka_queue_destroy(queue) }
    var trouble: KafkaError?
    while let event = rd_kafka_queue_poll(queue, 0) {
      switch rd_kafka_event_type(event) {
      case RD_KAFKA_EVENT_LOG: LibraryLog.write(event, to: logger)
      case RD_KAFKA_EVENT_ERROR:
        let code = rd_kafka_event_error(event)
        if code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
          trouble = KafkaError("connect", code, detail: String(cString: rd_kafka_event_error_string(event)))
        }
      default: break
      }
      rd_kafka_event_destroy(event)
    }
    return trouble
  }

  /// Asks until there is an answer or the limit is reached: brokers that come and go, and coordinators and controllers
  /// that move, are asked again. Every question here may be repeated.
  ///
  /// - Parameter body: one attempt, given what is left of the limit.
  /// - Throws: the reason why nothing could be reached or logged in to, where it is known, instead of a time-out.
  private func ask<Value>(
    _ client: ClientHandle, within limit: Duration, _ body: (Duration) throws(KafkaError) -> Value
  ) throws(KafkaError) -> Value {
    let deadline = ContinuousClock.now + limit
    var backoff = Backoff(base: .milliseconds(100), cap: .seconds(1))
    var trouble = drainEvents(client)
    trouble = nil
    while true {
      do {
        let value = try body(max(.milliseconds(1), deadline - .now))
        _ = drainEvents(client)
        return value
      } catch {
        trouble = drainEvents(client) ?? trouble
        let wait = backoff.next()
        if error.errorClass == .transient, .now + wait < deadline {
          usleep(UInt32(wait.milliseconds) * 1_000)
          continue
        }
        guard error.errorClass == .transient, var explained = trouble else { throw error }
        explained.operation = error.operation
        throw explained
      }
    }
  }

  func metadata(within limit: Duration) throws(KafkaError) -> Metadata {
    try ask(client, within: limit) { (limit) throws(KafkaError) in try Metadata.all(client, within: limit) }
  }

  func clusterID(within limit: Duration) throws(KafkaError) -> String {
    try ask(client, within: limit) { (limit) throws(KafkaError) in try ClusterID.ask(client, within: limit) }
  }

  func watermarks(
    _ partitions: Set<TopicPartition>, within limit: Duration
  ) throws(KafkaError) -> [TopicPartition: Watermarks] {
    try ask(client, within: limit) { (limit) throws(KafkaError) in
      try OffsetQuestions.watermarks(client, partitions, within: limit)
    }
  }

  func committed(
    group: String, _ partitions: Set<TopicPartition>, within limit: Duration
  ) throws(KafkaError) -> [TopicPartition: CommittedOffset] {
    if partitions.isEmpty { return [:] }
    let client = try client(of: group)
    return try ask(client, within: limit) { (limit) throws(KafkaError) in
      try OffsetQuestions.committed(client, partitions, within: limit)
    }
  }

  func createTopics(_ topics: [TopicSpecification], within limit: Duration) throws(KafkaError) -> [String] {
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
        topic.name, Int32(topic.partitions), Int32(topic.replicationFactor), &text, text.count) else {
        throw KafkaError("create topic \(topic.name)", RD_KAFKA_RESP_ERR__INVALID_ARG, detail: Library.string(text))
      }
      for (name, value) in topic.settings { rd_kafka_NewTopic_set_config(request, name, value) }
      requests.append(request)
    }
    return try ask(client, within: limit) { (limit) throws(KafkaError) in
      let event = try perform("create topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, limit) { client, options, queue in
        rd_kafka_CreateTopics(client, &requests, requests.count, options, queue)
      }
      defer { rd_kafka_event_destroy(event) }
      var count = 0
      let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
      return try outcomes(results, count, accepting: RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, "create topic")
    }
  }

  func deleteTopics(_ names: [String], within limit: Duration) throws(KafkaError) {
    nonisolated(unsafe) var requests = names.map { Optional(rd_kafka_DeleteTopic_new($0)!) }
    defer { for request in requests { rd_kafka_DeleteTopic_destroy(request) } }
    try ask(client, within: limit) { (limit) throws(KafkaError) in
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
      let name = String(cString: rd_kafka_topic_result_name(results![index]))
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
    let (queue, options) = client.call { (rd_kafka_queue_new($0), rd_kafka_AdminOptions_new($0, kind)) }
    defer {
      rd_kafka_AdminOptions_destroy(options)
      rd_kafka_queue_destroy(queue)
    }
    rd_kafka_AdminOptions_set_request_timeout(options, limit.milliseconds, nil, 0)
    client.call { send($0, options, queue) }
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
