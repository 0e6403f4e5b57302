import Runtime

/// A transaction call failed; `remedy` says what the caller has to do.
package struct TransactionError: ClassifiedError {
  package enum Remedy: Hashable, Sendable {
    /// Make the same call again.
    case retry
    /// Abort, then do the transaction's work again from the last committed offsets.
    case abort
    /// The producer is fenced or broken: the process ends.
    case stop
  }
  package var error: KafkaError
  package var remedy: Remedy

  package init(_ error: KafkaError, remedy: Remedy) {
    self.error = error
    self.remedy = remedy
  }

  package var code: String { error.code }
  package var errorClass: ErrorClass {
    switch remedy {
    case .retry, .abort: .transient
    case .stop: error.errorClass == .configuration ? .configuration : .fatal
    }
  }
  package var description: String { "transaction: \(error), remedy: \(remedy)" }
}
