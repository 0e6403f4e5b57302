/// The order in which transaction calls are allowed. A pure value; what the broker says is in `TransactionRemedy`.
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

  mutating func failed(_ call: Call, _ remedy: TransactionRemedy) {
    switch remedy {
    case .retry: if call == .abort { state = .doomed }
    case .abort: state = .doomed
    case .stop: state = .failed
    }
  }

  /// What has to be called for this call to take place: an abort that is still owed comes before a new transaction.
  func steps(to call: Call) -> [Call] { call == .begin && state == .doomed ? [.abort, .begin] : [call] }
}
