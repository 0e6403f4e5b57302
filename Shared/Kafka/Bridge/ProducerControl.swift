import Core
import CRdKafka

/// The producer's calls that block, on a thread of their own.
actor ProducerControl {
  private let executor = ThreadExecutor(name: "kafka-control")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private var phase = TransactionPhase()

  func flush(_ client: ClientHandle, within limit: Duration) throws(KafkaError) {
    let code = client.call { rd_kafka_flush($0, limit.milliseconds) }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError("flush", code) }
  }

  /// Gives up what is queued or in flight; its acknowledgements then fail.
  func purge(_ client: ClientHandle) {
    client.call { _ = rd_kafka_purge($0, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT) }
  }

  /// - Returns: nil when the cluster does not know the topic (yet).
  func partitionCount(_ client: ClientHandle, topic: String, within limit: Duration) throws(KafkaError) -> Int32? {
    let info = try Metadata.topic(client, topic, within: limit)
    return info.partitions.isEmpty ? nil : Int32(info.partitions.count)
  }

  /// - Parameter call: of C; returns the error, or nil.
  func transact(
    _ client: ClientHandle, _ step: TransactionPhase.Call, within limit: Duration,
    _ call: @Sendable (OpaquePointer) -> OpaquePointer?
  ) throws(KafkaError) {
    for next in phase.steps(to: step) {
      try make(client, next) { next == step ? call($0) : rd_kafka_abort_transaction($0, limit.milliseconds) }
    }
  }

  private func make(
    _ client: ClientHandle, _ step: TransactionPhase.Call, _ call: (OpaquePointer) -> OpaquePointer?
  ) throws(KafkaError) {
    guard phase.allows(step) else {
      var error = KafkaError(
        "\(step)", RD_KAFKA_RESP_ERR__STATE, detail: "\(step) cannot follow, the transaction is \(phase.state)")
      error.remedy = phase.state == .doomed ? .abort : .stop
      throw error
    }
    let failure = client.call(call)
    guard let failure else { return phase.succeeded(step) }
    let remedy: TransactionRemedy =
      if rd_kafka_error_is_fatal(failure) != 0 {
        .stop
      } else if rd_kafka_error_txn_requires_abort(failure) != 0 {
        .abort
      } else if rd_kafka_error_is_retriable(failure) != 0 {
        .retry
      } else {
        .stop
      }
    phase.failed(step, remedy)
    var error = KafkaError("\(step)", consuming: failure)
    error.remedy = remedy
    throw error
  }
}

extension Producer {
  /// Registers the transactional id, fences older producers of it, and finishes what they left open. Once, first.
  package func initTransactions(within limit: Duration = .seconds(30)) async throws(KafkaError) {
    try await transact(.initialise, within: limit) { rd_kafka_init_transactions($0, limit.milliseconds) }
  }

  package func beginTransaction() async throws(KafkaError) {
    try await transact(.begin, within: .seconds(60)) { rd_kafka_begin_transaction($0) }
  }

  /// Makes the consumer's progress part of the transaction.
  /// - Parameter positions: next offsets.
  package func sendOffsets(
    _ positions: [TopicPartition: Int64], metadata: ConsumerGroupMetadata, within limit: Duration = .seconds(30)
  ) async throws(KafkaError) {
    let texts = GroupBeginning.complete([:], positions.keys, metadata.beginnings)
    let client = core.client
    try await transact(.sendOffsets, within: limit) { _ in
      PartitionList(client, positions, metadata: texts).call { client, list in
        metadata.call { rd_kafka_send_offsets_to_transaction(client, list, $0, limit.milliseconds) }
      }
    }
  }

  /// Flushes and commits. After the remedy `.retry` call it again, after `.abort` abort.
  package func commitTransaction(within limit: Duration = .seconds(60)) async throws(KafkaError) {
    try await transact(.commit, within: limit) { rd_kafka_commit_transaction($0, limit.milliseconds) }
  }

  /// Takes back everything produced since `beginTransaction`.
  package func abortTransaction(within limit: Duration = .seconds(60)) async throws(KafkaError) {
    try await transact(.abort, within: limit) { rd_kafka_abort_transaction($0, limit.milliseconds) }
  }

  private func transact(
    _ step: TransactionPhase.Call, within limit: Duration, _ call: @Sendable (OpaquePointer) -> OpaquePointer?
  ) async throws(KafkaError) {
    try await core.control.transact(core.client, step, within: limit, call)
  }
}

extension Duration {
  /// For C time-outs: whole milliseconds, at least 0.
  var milliseconds: Int32 {
    let (seconds, attoseconds) = components
    let value = seconds.multipliedReportingOverflow(by: 1_000).partialValue + attoseconds / 1_000_000_000_000_000
    return Int32(clamping: max(0, value))
  }
}
