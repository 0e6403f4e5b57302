import CRdKafka
import Logging
import Runtime

/// The thread and the handle behind `Admin`.
actor AdminWorker {
  private let executor = ThreadExecutor(name: "kafka-admin")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private let client: ClientHandle
  private let logger: Logger
  /// Why the last connection failed, which says more than the time-out that follows.
  private var lastTrouble: KafkaError?

  init(properties: [String: String], logger: Logger) throws {
    self.logger = logger
    client = try ClientHandle(RD_KAFKA_PRODUCER, properties: properties, events: 0)
    rd_kafka_set_log_queue(client.pointer, nil)
  }

  private func drainEvents() {
    guard let queue = rd_kafka_queue_get_main(client.pointer) else { return }
    defer { rd_kafka_queue_destroy(queue) }
    while let event = rd_kafka_queue_poll(queue, 0) {
      switch rd_kafka_event_type(event) {
      case RD_KAFKA_EVENT_LOG: LibraryLog.write(event, to: logger)
      case RD_KAFKA_EVENT_ERROR:
        let code = rd_kafka_event_error(event)
        if code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
          lastTrouble = KafkaError("connect", code, detail: String(cString: rd_kafka_event_error_string(event)))
        }
      default: break
      }
      rd_kafka_event_destroy(event)
    }
  }

  /// Runs a call; when it times out because nobody could be reached or logged in to, throws that reason instead.
  private func explained<Value>(_ body: () throws(KafkaError) -> Value) throws(KafkaError) -> Value {
    lastTrouble = nil
    do {
      let value = try body()
      drainEvents()
      return value
    } catch {
      drainEvents()
      if error.errorClass == .transient, let trouble = lastTrouble {
        var explained = trouble
        explained.operation = error.operation
        throw explained
      }
      throw error
    }
  }

  func metadata(within limit: Duration) throws(KafkaError) -> Metadata {
    try explained { () throws(KafkaError) in try Metadata.all(client, within: limit) }
  }

  func clusterID(within limit: Duration) throws(KafkaError) -> String {
    try explained { () throws(KafkaError) in try ClusterID.ask(client, within: limit) }
  }

  func watermarks(
    _ partitions: Set<TopicPartition>, within limit: Duration
  ) throws(KafkaError) -> [TopicPartition: Watermarks] {
    try explained { () throws(KafkaError) in try OffsetQuestions.watermarks(client, partitions, within: limit) }
  }

  func committed(
    group: String, _ partitions: Set<TopicPartition>, within limit: Duration
  ) throws(KafkaError) -> [TopicPartition: CommittedOffset] {
    if partitions.isEmpty { return [:] }
    let list = PartitionList(partitions)
    nonisolated(unsafe) var request = rd_kafka_ListConsumerGroupOffsets_new(group, list.pointer)
    defer { rd_kafka_ListConsumerGroupOffsets_destroy(request) }
    return try explained { () throws(KafkaError) in
      let event = try perform("committed offsets of \(group)", RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, limit) {
        rd_kafka_ListConsumerGroupOffsets(client.pointer, &request, 1, $0, $1)
      }
      defer { rd_kafka_event_destroy(event) }
      var count = 0
      guard let groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &count), count > 0 else { return [:] }
      if let error = rd_kafka_group_result_error(groups[0]) {
        throw KafkaError("committed offsets of \(group)", rd_kafka_error_code(error))
      }
      return OffsetQuestions.committed(PartitionList.elements(
        UnsafeMutablePointer(mutating: rd_kafka_group_result_partitions(groups[0]))))
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
    return try explained { () throws(KafkaError) in
      let event = try perform("create topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, limit) {
        rd_kafka_CreateTopics(client.pointer, &requests, requests.count, $0, $1)
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
    try explained { () throws(KafkaError) in
      let event = try perform("delete topics", RD_KAFKA_ADMIN_OP_DELETETOPICS, limit) {
        rd_kafka_DeleteTopics(client.pointer, &requests, requests.count, $0, $1)
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
    _ send: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void
  ) throws(KafkaError) -> OpaquePointer {
    let queue = rd_kafka_queue_new(client.pointer)
    defer { rd_kafka_queue_destroy(queue) }
    let options = rd_kafka_AdminOptions_new(client.pointer, kind)
    defer { rd_kafka_AdminOptions_destroy(options) }
    rd_kafka_AdminOptions_set_request_timeout(options, limit.milliseconds, nil, 0)
    send(options, queue)
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
