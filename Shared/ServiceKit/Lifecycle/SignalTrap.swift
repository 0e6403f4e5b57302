import Dispatch
import Glibc
import Synchronization

/// Hears SIGTERM and SIGINT: the first asks for a drain, the second ends the process at once.
///
/// The same mechanism as swift-service-lifecycle's signal sequence, without its hop to a task: a program whose
/// tasks are all stuck can still be told to stop.
final class SignalTrap: Sendable {
  /// Signals this close together are one: `timeout`, `make` and terminals tell the process and its group.
  private static let sameSignal = Duration.milliseconds(250)

  private final class First: Sendable {
    let instant = Mutex<ContinuousClock.Instant?>(nil)
  }
  private let sources: Mutex<[any DispatchSourceSignal]>

  /// - Parameters:
  ///   - onFirst: told the signal's name.
  ///   - onSecond: told the exit code, 128 + signal; expected not to return.
  init(onFirst: @escaping @Sendable (String) -> Void, onSecond: @escaping @Sendable (Int32) -> Void) {
    let queue = DispatchQueue(label: "souk.signals")
    let first = First()
    var sources: [any DispatchSourceSignal] = []
    for (number, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { @Sendable in
        let now = ContinuousClock.now
        let earlier = first.instant.withLock { instant in
          defer { instant = instant ?? now }
          return instant
        }
        guard let earlier else { return onFirst(name) }
        if now - earlier >= Self.sameSignal { onSecond(128 + number) }
      }
      source.resume()
      sources.append(source)
    }
    self.sources = Mutex(sources)
  }

  func cancel() {
    sources.withLock { sources in
      for source in sources { source.cancel() }
      sources = []
    }
  }
}
