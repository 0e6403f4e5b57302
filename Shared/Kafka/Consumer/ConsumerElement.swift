extension Consumer {
  /// What a worker sees, in order. Each says what to do before asking for the next.
  package enum Element: Sendable {
    /// Only with `externalOffsets`: look up where these partitions start and answer. Nothing of them is fetched
    /// before the answer. Unanswered past the deadline, they are taken later, when the answer comes.
    case assigning(Set<TopicPartition>, StartAnswer)
    /// Ours now, read from these offsets on. Empty when the group has more members than partitions.
    case assigned([TopicPartition: Int64])
    /// Records in the order of their partitions.
    case batch(RecordBatch)
    /// Flush what was taken from these partitions, then answer. They stay ours until the answer or the drain
    /// deadline; when the deadline was first, `.lost` of the same partitions follows.
    case revoking(Set<TopicPartition>, RevokeAnswer)
    /// They belong to another member already, or were never fully ours: drop what is buffered for them, commit
    /// nothing. May name partitions the worker has already forgotten.
    case lost(Set<TopicPartition>)
    /// Records were gone before we could read them; see `GapPolicy`. What was read before them is ours to finish,
    /// under the same lease; with `continue`, `.passed` says where reading goes on.
    case gap(Gap)
    /// Between what was handed over of these partitions and these offsets lies no record: only markers of
    /// transactions, compacted records, or a gap. To be committed once everything before is done.
    case passed([Lease: Int64])
    /// The deadline given to `next(before:)` passed.
    case idle
  }

  /// The way back for `.assigning`. Using it twice, late, or after the partitions left does nothing.
  package struct StartAnswer: Sendable {
    let mailbox: ConsumerMailbox
    let id: UInt64

    /// - Parameter offsets: next offset to read; a partition that is missing starts at `startFrom`, or where the group
    ///   has committed, when the configuration adopts that.
    package func start(at offsets: [TopicPartition: Int64]) {
      mailbox.tell { [id] in $0.carryOut($0.machine.startAnswered(id, offsets)) }
    }
  }

  /// The way back for `.revoking`. Using it twice or past the deadline does nothing.
  package struct RevokeAnswer: Sendable {
    let mailbox: ConsumerMailbox
    let id: UInt64

    /// - Parameter positions: next offset per partition of what is durable; others of the revoke are left as
    ///   they were committed. Only partitions of this revoke are looked at.
    package func done(committing positions: [TopicPartition: Int64], metadata: [TopicPartition: String] = [:]) {
      mailbox.tell { [id] in $0.carryOut($0.machine.revokeAnswered(id, positions, metadata)) }
    }
  }
}
