import Runtime

/// How a process ends, as its supervisor sees it. 64, 75 and 78 are those of `sysexits.h`.
package enum ExitStatus: Int32, Sendable {
  /// Drained, or finished its work.
  case drained = 0
  case failed = 1
  /// The command line is wrong.
  case usage = 64
  /// The drain did not end in time.
  case drainDeadlinePassed = 75
  /// The operator must change a setting, or something that it names.
  case configuration = 78

  package init(for error: any Error) {
    self = ErrorClass(of: error) == .configuration ? .configuration : .failed
  }
}
