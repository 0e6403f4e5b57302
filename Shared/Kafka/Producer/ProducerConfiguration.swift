import Logging

extension Producer {
  package struct Configuration: Sendable {
    /// Everything librdkafka is told, from `ClientProperties`.
    package var properties: [String: String]
    /// Turns transactions on. Never the same in two running processes: each would fence the other.
    package var transactionalID: String?
    /// Bytes that may wait for acknowledgement before `enqueue` waits; a larger batch goes alone.
    package var maxInFlightBytes = 64 << 20
    /// How long a topic may be unknown before that is a configuration error.
    package var missingTopicGrace: Duration = .seconds(30)
    /// How old the number of partitions of a topic may be before it is asked for again.
    package var partitionCountAge: Duration = .seconds(300)
    /// Told why the cluster does not let this client in, as soon as that is known, and nil once it does again. Called
    /// on the client's thread.
    package var onTrouble: @Sendable (KafkaError?) -> Void = { _ in }
    package var logger: Logger

    package init(properties: [String: String], transactionalID: String? = nil, logger: Logger) {
      self.properties = properties
      self.transactionalID = transactionalID
      self.logger = logger
    }
  }
}
