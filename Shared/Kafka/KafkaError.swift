import Core

/// A failure reported by librdkafka or a broker.
///
/// Never holds a payload or a secret: `message` is librdkafka's text for the code plus what it said about the
/// operation (broker name, topic, partition).
package struct KafkaError: ClassifiedError, Hashable {
  /// What was being done: `commit`, `produce`, `metadata`, ...
  package var operation: String
  /// librdkafka's name of the code: `REBALANCE_IN_PROGRESS`, or `_TRANSPORT` for those made inside the library.
  package var name: String
  /// The number behind `name`: positive from the broker, negative from the library.
  package var rawCode: Int32
  package var message: String
  /// The handle is broken for good and must be replaced, which here means: the process ends.
  package var isFatal = false
  /// Set where the circumstances say more than the table: a topic that stays unknown is not a passing outage.
  package var classOverride: ErrorClass?
  /// What the caller does about a transaction call that failed; nil for any other operation.
  package var remedy: TransactionRemedy?

  package var code: String { "kafka_" + name.drop { $0 == "_" }.lowercased() }
  package var description: String {
    "kafka \(operation): \(message) [\(name)]" + (refusal.map { "; \($0.advice)" } ?? "")
      + (remedy.map { "; remedy: \($0)" } ?? "")
  }
  package var errorClass: ErrorClass {
    switch remedy {
    case .retry, .abort: .transient
    case .stop: classOfCode == .configuration ? .configuration : .fatal
    case nil: classOfCode
    }
  }
  private var classOfCode: ErrorClass {
    if isFatal { return .fatal }
    if let classOverride { return classOverride }
    if refusal?.isCertain == true { return .configuration }
    // A login that was interrupted says nothing about the password.
    return name == "_AUTHENTICATION" ? .transient : ErrorClass(kafkaErrorName: name)
  }

  /// The same failure, known to need an operator.
  func asConfiguration(_ advice: String) -> KafkaError {
    var error = self
    error.classOverride = .configuration
    error.message += "; " + advice
    return error
  }

  /// The failure that decides what becomes of a batch: the worst, and the first of equal ones.
  static func worse(_ first: KafkaError?, _ second: KafkaError?) -> KafkaError? {
    guard let first, let second else { return first ?? second }
    let order: [ErrorClass] = [.data, .transient, .configuration, .fatal]
    return order.firstIndex(of: second.errorClass)! > order.firstIndex(of: first.errorClass)! ? second : first
  }
}

/// What the caller of a transaction call that failed has to do.
package enum TransactionRemedy: Hashable, Sendable {
  /// Make the same call again.
  case retry
  /// Abort, then do the transaction's work again from the last committed offsets.
  case abort
  /// The producer is fenced or broken: the process ends.
  case stop
}
