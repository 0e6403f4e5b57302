import Core
import Dispatch

import Glibc

/// Ctrl-C and SIGTERM: the first asks for a drain, the second ends everything at once (the kernel then kills the
/// children).
final class StopSignals: Sendable {
  let requested = Interruption()

  /// For the life of the process.
  init(onFirst: @escaping @Sendable () -> Void) {
    let queue = DispatchQueue(label: "souk.signals")
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { @Sendable [requested] in
        if requested.isRaised { _exit(128 + number) }
        requested.raise()
        onFirst()
      }
      source.activate()
      Self.keepAlive(source)
    }
  }

  private static func keepAlive(_ source: any DispatchSourceSignal) {
    _ = Unmanaged.passRetained(source as AnyObject)
  }
}
