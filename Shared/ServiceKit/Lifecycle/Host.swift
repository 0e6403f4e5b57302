import Core
import Glibc

/// The process around a command: replaced by tests, so that settings, output and exit codes need no real process.
package struct Host: Sendable {
  /// Without the program's name.
  package var arguments: [String]
  package var environment: [String: String] = [:]
  package var standardOutput: @Sendable (String) -> Void
  package var standardError: @Sendable ([UInt8]) -> Void
  /// Whether a person reads standard error.
  package var isTerminal = false
  /// Whether signals, the drain deadline and the process-wide log and metric systems are this command's.
  package var ownsProcess = false

  package static var current: Host {
    Host(
      arguments: Array(CommandLine.arguments.dropFirst()),
      environment: processEnvironment(),
      standardOutput: { writeAll(STDOUT_FILENO, Array(($0 + "\n").utf8)) },
      standardError: { writeAll(STDERR_FILENO, $0) },
      isTerminal: isatty(STDERR_FILENO) == 1,
      ownsProcess: true)
  }

  private static func processEnvironment() -> [String: String] {
    var result: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let line = String(cString: text)
      if let equals = line.firstIndex(of: "=") {
        result[String(line[..<equals])] = String(line[line.index(after: equals)...])
      }
      entry += 1
    }
    return result
  }
}

/// Writes all bytes in order, waiting when a pipe is full. A closed reader ends the attempt: output
/// without a reader must not stop a service.
func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) {
  bytes.withUnsafeBytes { buffer in
    var rest = buffer[...]
    while !rest.isEmpty {
      let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&waiting, 1, 1_000)
      } else if errno != EINTR {
        return
      }
    }
  }
}

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
