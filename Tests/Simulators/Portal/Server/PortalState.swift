import Synchronization

/// The portal's changing state: faults, revealed rounds, revisions and request counts.
final class PortalState: Sendable {
  private struct Value {
    var faults: [Fault]
    var revealed: Int?
    var revisions: [String: Int] = [:]
    var requests: [Fault.Target: Int] = [:]
    var sizes: [String: Int] = [:]
    var withdrawn: Set<String> = []
    var ahead: Duration = .zero
  }
  private let value: Mutex<Value>
  private let interval: Duration?
  private let firstRounds: Int
  private let started = ContinuousClock.now

  init(options: PortalOptions, rounds: Int) {
    value = Mutex(Value(faults: options.faults, revealed: nil))
    interval = options.roundInterval
    firstRounds = options.firstRounds ?? (options.roundInterval == nil ? rounds : 0)
  }

  /// How many rounds of price files are there now.
  var visibleRounds: Int {
    let revealed = value.withLock { $0.revealed }
    guard let interval else { return revealed ?? firstRounds }
    return max(revealed ?? 0, firstRounds + Int((ContinuousClock.now - started) / interval))
  }

  func reveal(rounds: Int) { value.withLock { $0.revealed = rounds } }
  func add(_ fault: Fault) { value.withLock { $0.faults.append(fault) } }
  func clearFaults() { value.withLock { $0.faults = [] } }

  /// Counts the request and returns the fault that applies to it, if any.
  func fault(for target: Fault.Target, prefix: String) -> Fault? {
    value.withLock { value in
      value.requests[target, default: 0] += 1
      let index = value.faults.firstIndex {
        ($0.target == target || $0.target == .any) && ($0.prefix == nil || $0.prefix == prefix)
          && $0.remaining != 0
      }
      guard let index else { return nil }
      if let remaining = value.faults[index].remaining { value.faults[index].remaining = remaining - 1 }
      return value.faults[index]
    }
  }

  func requests(_ target: Fault.Target) -> Int { value.withLock { $0.requests[target, default: 0] } }

  func revision(of key: String) -> Int { value.withLock { $0.revisions[key, default: 0] } }
  func republish(_ key: String) { value.withLock { $0.revisions[key, default: 0] += 1 } }

  func withdraw(_ key: String) { value.withLock { _ = $0.withdrawn.insert(key) } }
  func isWithdrawn(_ key: String) -> Bool { value.withLock { $0.withdrawn.contains(key) } }

  /// How far the portal's clock is ahead of the machine's.
  var ahead: Duration { value.withLock { $0.ahead } }
  func passTime(_ duration: Duration) { value.withLock { $0.ahead += duration } }

  /// The size of a file's bytes, made once and remembered (a number, not the bytes).
  func size(of key: String, revision: Int, make: () -> Int) -> Int {
    let full = "\(key)#\(revision)"
    if let known = value.withLock({ $0.sizes[full] }) { return known }
    let size = make()
    value.withLock { $0.sizes[full] = size }
    return size
  }
}
