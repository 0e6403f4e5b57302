import Core

extension ErrorClass {
  /// The one table that says what a Kafka error means for the caller. Names are librdkafka's; those that start
  /// with an underscore are made by the library. A name that is not here is `fatal`: what it means for
  /// the data is unknown, so nothing is retried blindly and nothing is dropped.
  package init(kafkaErrorName name: String) {
    self = Self.kafkaTable[name] ?? .fatal
  }

  private static let kafkaTable: [String: ErrorClass] = {
    var table: [String: ErrorClass] = [:]
    for (errorClass, names) in kafkaClasses {
      for name in names { table[name] = errorClass }
    }
    return table
  }()

  private static let kafkaClasses: [(ErrorClass, [String])] = [
    (.transient, transportErrors + brokerErrors + groupErrors + producerErrors),
    (.data, recordErrors),
    (.configuration, operatorErrors),
  ]

  /// Sockets, names, time-outs, and requests that the library gave up because of them.
  private static let transportErrors = [
    "_TRANSPORT", "_ALL_BROKERS_DOWN", "_RESOLVE", "_TIMED_OUT", "_MSG_TIMED_OUT", "_TIMED_OUT_QUEUE", "_SSL",
    "_FAIL", "_RETRY", "_INTR", "_QUEUE_FULL", "_WAIT_CACHE", "_NODE_UPDATE", "_ISR_INSUFF", "_PARTIAL",
    "_IN_PROGRESS", "_PREV_IN_PROGRESS", "_OUTDATED", "_CONFLICT", "_PURGE_QUEUE", "_PURGE_INFLIGHT", "_DESTROY",
    "_DESTROY_BROKER",
    "_UNKNOWN_BROKER", "_CRIT_SYS_RESOURCE", "_CANCELLED", "NETWORK_EXCEPTION", "REQUEST_TIMED_OUT",
  ]

  /// Brokers that move leadership, restart, throttle or have a failing disk. An unknown topic is here because
  /// metadata lags behind creation; callers that wait for a topic turn it into a configuration error after a while.
  private static let brokerErrors = [
    "UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION", "LEADER_NOT_AVAILABLE",
    "NOT_LEADER_FOR_PARTITION", "BROKER_NOT_AVAILABLE", "REPLICA_NOT_AVAILABLE", "STALE_CTRL_EPOCH",
    "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "NOT_CONTROLLER", "KAFKA_STORAGE_ERROR",
    "LOG_DIR_NOT_FOUND", "REASSIGNMENT_IN_PROGRESS", "FETCH_SESSION_ID_NOT_FOUND", "INVALID_FETCH_SESSION_EPOCH",
    "LISTENER_NOT_FOUND", "FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "STALE_BROKER_EPOCH",
    "OFFSET_NOT_AVAILABLE", "PREFERRED_LEADER_NOT_AVAILABLE", "ELIGIBLE_LEADERS_NOT_AVAILABLE",
    "THROTTLING_QUOTA_EXCEEDED", "UNSTABLE_OFFSET_COMMIT", "OPERATION_NOT_ATTEMPTED",
  ]

  /// The group rebalances: the partition's next owner repeats the work.
  private static let groupErrors = [
    "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "_WAIT_COORD",
    "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "REBALANCE_IN_PROGRESS", "MEMBER_ID_REQUIRED",
    "_ASSIGNMENT_LOST", "_MAX_POLL_EXCEEDED", "_STATE", "_NO_OFFSET", "GROUP_MAX_SIZE_REACHED",
  ]

  /// Idempotent and transactional producing: librdkafka recovers from these by a new epoch, or the caller by
  /// aborting; when it cannot, the error arrives flagged fatal instead.
  private static let producerErrors = [
    "OUT_OF_ORDER_SEQUENCE_NUMBER", "UNKNOWN_PRODUCER_ID", "INVALID_PRODUCER_ID_MAPPING",
    "CONCURRENT_TRANSACTIONS", "_GAPLESS_GUARANTEE", "_INCONSISTENT",
  ]

  /// The record itself can never be accepted.
  private static let recordErrors = [
    "MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_MSG_SIZE", "INVALID_RECORD", "INVALID_TIMESTAMP",
    "RECORD_LIST_TOO_LARGE", "_BAD_MSG", "_BAD_COMPRESSION", "_KEY_SERIALIZATION", "_VALUE_SERIALIZATION",
    "_KEY_DESERIALIZATION", "_VALUE_DESERIALIZATION", "OFFSET_METADATA_TOO_LARGE", "INVALID_COMMIT_OFFSET_SIZE",
  ]

  /// Passwords, permissions, settings and versions: a person has to act.
  private static let operatorErrors = [
    "_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE",
    "TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "SECURITY_DISABLED", "TOPIC_EXCEPTION", "INVALID_GROUP_ID",
    "INVALID_SESSION_TIMEOUT", "INCONSISTENT_GROUP_PROTOCOL", "INVALID_PARTITIONS", "INVALID_REPLICATION_FACTOR",
    "INVALID_REPLICA_ASSIGNMENT", "INVALID_CONFIG", "POLICY_VIOLATION", "INVALID_TRANSACTION_TIMEOUT",
    "INVALID_REQUIRED_ACKS", "UNSUPPORTED_VERSION", "UNSUPPORTED_FOR_MESSAGE_FORMAT",
    "UNSUPPORTED_COMPRESSION_TYPE", "_UNSUPPORTED_FEATURE", "_INVALID_ARG", "_NOT_CONFIGURED",
    "_NOT_IMPLEMENTED", "_UNKNOWN_GROUP", "_UNKNOWN_PROTOCOL", "TOPIC_DELETION_DISABLED",
    "UNACCEPTABLE_CREDENTIAL", "DELEGATION_TOKEN_AUTH_DISABLED", "DELEGATION_TOKEN_NOT_FOUND",
    "DELEGATION_TOKEN_OWNER_MISMATCH", "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED",
    "DELEGATION_TOKEN_AUTHORIZATION_FAILED", "DELEGATION_TOKEN_EXPIRED", "INVALID_PRINCIPAL_TYPE",
  ]
}
