import Core

/// The order in which transaction calls are allowed. A pure value; what the broker says is in `TransactionError`.
struct TransactionPhase: Equatable {
  enum State: Equatable {
    case uninitialised
    case ready
    case open
    /// Only an abort can follow. Also after an abort that failed: it is owed until one succeeds.
    case doomed
    case failed
  }
  enum Call: Equatable {
    case initialise
    case begin
    case produce
    case sendOffsets
    case commit
    case abort
  }
  private(set) var state = State.uninitialised

  func allows(_ call: Call) -> Bool {
    switch (state, call) {
    case (.uninitialised, .initialise), (.ready, .begin): true
    case (.open, .produce), (.open, .sendOffsets), (.open, .commit), (.open, .abort): true
    case (.doomed, .abort): true
    default: false
    }
  }

  mutating func succeeded(_ call: Call) {
    switch call {
    case .initialise, .commit, .abort: state = .ready
    case .begin: state = .open
    case .produce, .sendOffsets: break
    }
  }

  mutating func failed(_ call: Call, _ remedy: TransactionError.Remedy) {
    switch remedy {
    case .retry: if call == .abort { state = .doomed }
    case .abort: state = .doomed
    case .stop: state = .failed
    }
  }

  /// What has to be called for this call to take place: an abort that is still owed comes before a new transaction.
  func steps(to call: Call) -> [Call] { call == .begin && state == .doomed ? [.abort, .begin] : [call] }
}

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
