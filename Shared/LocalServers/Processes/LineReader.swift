import Runtime

import Glibc

/// Splits what comes out of a pipe into lines, on a thread of its own until the pipe ends.
final class LineReader: Sendable {
  private let descriptor: Int32
  private let handler: @Sendable (String) -> Void
  private let finished = Semaphore()

  init(descriptor: Int32, handler: @escaping @Sendable (String) -> Void) {
    self.descriptor = descriptor
    self.handler = handler
  }

  /// Blocks until every line was handed over.
  func waitUntilFinished() { finished.wait() }

  /// Reads to the end; for a thread of its own.
  func run() {
    var line: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      for byte in chunk[..<count] {
        if byte == UInt8(ascii: "\n") {
          handler(String(decoding: line, as: UTF8.self))
          line.removeAll(keepingCapacity: true)
        } else {
          line.append(byte)
        }
      }
    }
    if !line.isEmpty { handler(String(decoding: line, as: UTF8.self)) }
    close(descriptor)
    finished.signal()
  }
}
