extension Producer {
  /// Registers the transactional id, fences older producers of it, and finishes what they left open. Once, first.
  package func initTransactions(within limit: Duration = .seconds(30)) async throws(TransactionError) {
    try await core.control.transact(core.client, .initialise(limit))
  }

  package func beginTransaction() async throws(TransactionError) {
    try await core.control.transact(core.client, .begin)
  }

  /// Makes the consumer's progress part of the transaction.
  /// - Parameter positions: next offsets.
  package func sendOffsets(
    _ positions: [TopicPartition: Int64], metadata: ConsumerGroupMetadata, within limit: Duration = .seconds(30)
  ) async throws(TransactionError) {
    try await core.control.transact(core.client, .sendOffsets(positions, metadata, limit))
  }

  /// Flushes and commits. After `remedy == .retry` call it again, after `.abort` abort.
  package func commitTransaction(within limit: Duration = .seconds(60)) async throws(TransactionError) {
    try await core.control.transact(core.client, .commit(limit))
  }

  /// Takes back everything produced since `beginTransaction`.
  package func abortTransaction(within limit: Duration = .seconds(60)) async throws(TransactionError) {
    try await core.control.transact(core.client, .abort(limit))
  }
}
