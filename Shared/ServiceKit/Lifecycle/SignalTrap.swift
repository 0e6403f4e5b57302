import Dispatch
import Glibc
import Synchronization

/// Hears SIGTERM and SIGINT, until cancelled: the first asks for a drain, the second ends the process at once.
///
/// The same mechanism as swift-service-lifecycle's signal sequence, without its hop to a task: a program whose
/// tasks are all stuck can still be told to stop.
package final class SignalTrap: Sendable {
  /// Signals this close together are one: `timeout`, `make` and terminals tell the process and its group.
  private static let sameSignal = Duration.milliseconds(250)

  private let first = Mutex<ContinuousClock.Instant?>(nil)
  private let sources: Mutex<[any DispatchSourceSignal]>
  private static let signals = [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")]

  /// - Parameters:
  ///   - onFirst: told the signal's name.
  ///   - onSecond: told the exit code, 128 + signal; expected not to return.
  package init(onFirst: @escaping @Sendable (String) -> Void, onSecond: @escaping @Sendable (Int32) -> Void) {
    let queue = DispatchQueue(label: "souk.signals")
    sources = Mutex(Self.signals.map { DispatchSource.makeSignalSource(signal: $0.0, queue: queue) })
    sources.withLock { sources in
      for (source, (number, name)) in zip(sources, Self.signals) {
        // Holds on to the trap, which holds on to its sources.
        source.setEventHandler { @Sendable [self] in
          let now = ContinuousClock.now
          let earlier = first.withLock { instant in
            defer { instant = instant ?? now }
            return instant
          }
          guard let earlier else { return onFirst(name) }
          if now - earlier >= Self.sameSignal { onSecond(128 + number) }
        }
        source.resume()
      }
    }
  }

  func cancel() {
    sources.withLock { sources in
      for source in sources { source.cancel() }
      sources = []
    }
  }
}
