import CRdKafka

/// Blocking questions about offsets, for the thread that owns the handle.
enum OffsetQuestions {
  static func watermarks(
    _ client: ClientHandle, _ partitions: Set<TopicPartition>, within limit: Duration
  ) throws(KafkaError) -> [TopicPartition: Watermarks] {
    let deadline = ContinuousClock.now + limit
    var marks: [TopicPartition: Watermarks] = [:]
    for partition in partitions {
      var (low, high): (Int64, Int64) = (0, 0)
      let left = max(.milliseconds(1), deadline - .now).milliseconds
      let code = client.call {
        rd_kafka_query_watermark_offsets(
          $0, client.names.onCluster(partition.topic), partition.partition, &low, &high, left)
      }
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("watermarks of \(partition)", code) }
      marks[partition] = Watermarks(low: low, high: high)
    }
    return marks
  }

  static func committed(
    _ client: ClientHandle, _ partitions: Set<TopicPartition>, within limit: Duration
  ) throws(KafkaError) -> [TopicPartition: CommittedOffset] {
    if partitions.isEmpty { return [:] }
    let list = PartitionList(client, partitions)
    let code = list.call { rd_kafka_committed($0, $1, limit.milliseconds) }
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("committed", code) }
    for element in list.elements where element.error != RD_KAFKA_RESP_ERR_NO_ERROR {
      throw KafkaError("committed offset of \(element.partition)", element.error)
    }
    return committed(list.elements)
  }

  static func committed(_ elements: [PartitionList.Element]) -> [TopicPartition: CommittedOffset] {
    var offsets: [TopicPartition: CommittedOffset] = [:]
    for element in elements where element.offset >= 0 {
      offsets[element.partition] = CommittedOffset(offset: element.offset, metadata: element.metadata)
    }
    return offsets
  }

  /// The first offsets at or after these times (milliseconds since 1970); the end where there is none.
  static func offsets(
    _ client: ClientHandle, at times: [TopicPartition: Int64], within limit: Duration
  ) throws(KafkaError) -> [TopicPartition: Int64] {
    if times.isEmpty { return [:] }
    let list = PartitionList(client, times)
    let code = list.call { rd_kafka_offsets_for_times($0, $1, limit.milliseconds) }
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("offsets for times", code) }
    var offsets: [TopicPartition: Int64] = [:]
    var past: Set<TopicPartition> = []
    for element in list.elements {
      guard element.error == RD_KAFKA_RESP_ERR_NO_ERROR else {
        throw KafkaError("offset for time of \(element.partition)", element.error)
      }
      if element.offset >= 0 { offsets[element.partition] = element.offset } else { past.insert(element.partition) }
    }
    for (partition, marks) in try watermarks(client, past, within: limit) { offsets[partition] = marks.high }
    return offsets
  }
}

/// What offsets belong to: the cluster, and the fleet on it.
enum ClusterID {
  static func ask(_ client: ClientHandle, within limit: Duration) throws(KafkaError) -> String {
    let text = client.call { rd_kafka_clusterid($0, limit.milliseconds) }
    guard let text else { throw KafkaError("cluster id", RD_KAFKA_RESP_ERR__TIMED_OUT) }
    defer { client.call { rd_kafka_mem_free($0, text) } }
    let prefix = client.names.prefix
    return String(cString: text) + (prefix.isEmpty ? "" : "/\(prefix)")
  }
}
