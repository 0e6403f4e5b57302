import Synchronization

/// The simulator's changing state: faults and request counts.
final class ProviderState: Sendable {
  private struct Value {
    var faults: [Misbehaviour]
    var latency: Duration
    var meters: [String: RequestMeter] = [:]
  }
  private let value: Mutex<Value>

  init(_ options: ProviderOptions) {
    value = Mutex(Value(faults: options.faults, latency: options.latency))
  }

  var meters: [String: RequestMeter] { value.withLock { $0.meters } }

  func add(_ fault: Misbehaviour) { value.withLock { $0.faults.append(fault) } }
  func clearFaults() { value.withLock { $0.faults = [] } }
  func set(latency: Duration) { value.withLock { $0.latency = latency } }

  /// Counts a request and returns the first fault that applies to the provider.
  func began(_ provider: String) -> (fault: Misbehaviour?, latency: Duration) {
    value.withLock { value in
      value.meters[provider, default: RequestMeter()].began(at: .now)
      guard let index = value.faults.firstIndex(where: { $0.provider == nil || $0.provider == provider }) else {
        return (nil, value.latency)
      }
      let fault = value.faults[index]
      if let remaining = fault.remaining {
        if remaining == 1 { value.faults.remove(at: index) } else { value.faults[index].remaining = remaining - 1 }
      }
      return (fault, value.latency)
    }
  }

  func ended(_ provider: String, _ status: Int) {
    value.withLock { $0.meters[provider, default: RequestMeter()].ended(status) }
  }
}
