import Core
import CRdKafka

/// The producer's calls that block, on a thread of their own.
actor ProducerControl {
  enum Transaction: Sendable {
    case initialise(Duration)
    case begin
    case sendOffsets([TopicPartition: Int64], ConsumerGroupMetadata, Duration)
    case commit(Duration)
    case abort(Duration)

    var call: TransactionPhase.Call {
      switch self {
      case .initialise: .initialise
      case .begin: .begin
      case .sendOffsets: .sendOffsets
      case .commit: .commit
      case .abort: .abort
      }
    }

    /// How long the call may take.
    var limit: Duration {
      switch self {
      case .initialise(let limit), .sendOffsets(_, _, let limit), .commit(let limit), .abort(let limit): limit
      case .begin: .seconds(60)
      }
    }
  }

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

  func transact(_ client: ClientHandle, _ transaction: Transaction) throws(TransactionError) {
    for call in phase.steps(to: transaction.call) {
      try make(client, call == .abort ? .abort(transaction.limit) : transaction)
    }
  }

  private func make(_ client: ClientHandle, _ transaction: Transaction) throws(TransactionError) {
    let name = "\(transaction.call)"
    guard phase.allows(transaction.call) else {
      throw TransactionError(
        KafkaError(
          operation: name, name: "_STATE", rawCode: RD_KAFKA_RESP_ERR__STATE.rawValue,
          message: "\(name) cannot follow, the transaction is \(phase.state)"),
        remedy: phase.state == .doomed ? .abort : .stop)
    }
    let failure: OpaquePointer? =
      switch transaction {
      case .initialise(let limit): client.call { rd_kafka_init_transactions($0, limit.milliseconds) }
      case .begin: client.call { rd_kafka_begin_transaction($0) }
      case .sendOffsets(let positions, let metadata, let limit):
        PartitionList(positions, metadata: GroupBeginning.complete([:], positions.keys, metadata.beginnings))
          .call(client) { client, list in
            metadata.call { rd_kafka_send_offsets_to_transaction(client, list, $0, limit.milliseconds) }
          }
      case .commit(let limit): client.call { rd_kafka_commit_transaction($0, limit.milliseconds) }
      case .abort(let limit): client.call { rd_kafka_abort_transaction($0, limit.milliseconds) }
      }
    guard let failure else { return phase.succeeded(transaction.call) }
    let remedy: TransactionError.Remedy =
      if rd_kafka_error_is_fatal(failure) != 0 {
        .stop
      } else if rd_kafka_error_txn_requires_abort(failure) != 0 {
        .abort
      } else if rd_kafka_error_is_retriable(failure) != 0 {
        .retry
      } else {
        .stop
      }
    phase.failed(transaction.call, remedy)
    throw TransactionError(KafkaError(name, consuming: failure), remedy: remedy)
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
