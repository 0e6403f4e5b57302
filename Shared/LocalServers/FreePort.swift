import Core
import Synchronization

import Glibc

/// Ports of 127.0.0.1 on which no server listens.
///
/// Taken below the range from which the kernel serves outgoing connections, so that none of those can take the port
/// between our look and the server's bind; a port is never handed out twice by one process.
package enum FreePort {
  private static let range: Range<UInt16> = 15_000..<32_000
  private static let taken = Mutex<Set<UInt16>>([])

  /// - Throws: `Failure` of class configuration when 1,000 tries found none.
  package static func next() throws -> UInt16 {
    for _ in 0..<1_000 {
      let port = UInt16.random(in: range)
      guard taken.withLock({ $0.insert(port).inserted }) else { continue }
      if isFree(port) { return port }
    }
    throw Failure(
      .configuration, code: "no_free_port",
      "no free port on 127.0.0.1 from \(range.lowerBound) to \(range.upperBound - 1)")
  }

  private static func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // A child that is forked here holds the socket until it executes its program: the server may bind beside it.
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    return withLoopback(port: port) { bind(descriptor, $0, $1) == 0 }
  }
}

/// Calls `body` with the address 127.0.0.1:`port`.
package func withLoopback<R>(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}
