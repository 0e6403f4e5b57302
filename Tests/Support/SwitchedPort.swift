import Foundation
import Glibc
import Synchronization

/// A local port that forwards to another one. Tests redirect it while it is in use, which cuts open connections, and
/// slow it down or hold what passes.
package final class SwitchedPort: Sendable {
  package let port: Int
  /// How bytes pass: at once, some 12 KiB a second in each direction of a connection, or not at all.
  package enum Pace: Sendable { case full, slow, held }
  private struct State {
    var target: Int
    var pace = Pace.full
    var accepted = 0
    var open: Set<Int32> = []
  }
  private let state: Mutex<State>

  package var url: String { "http://127.0.0.1:\(port)" }

  /// Listens until the process ends.
  /// - Parameter target: port of 127.0.0.1.
  package init(to target: Int) throws {
    struct CannotListen: Error {}
    state = Mutex(State(target: target))
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    var name = Self.address(0)
    let bound = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(listener, raw, length) == 0 && listen(listener, 256) == 0 && getsockname(listener, raw, &length) == 0
      }
    }
    guard bound else { throw CannotListen() }
    port = Int(name.sin_port.byteSwapped)
    Thread.detachNewThread { [self] in
      while case let client = accept(listener, nil, nil), client >= 0 { join(client) }
    }
  }

  /// Cuts every open connection and forwards new ones to another port.
  package func lead(to target: Int) {
    state.withLock { state in
      state.target = target
      for descriptor in state.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
  }

  /// Connections that were opened so far.
  package var connections: Int { state.withLock { $0.accepted } }

  package var pace: Pace {
    get { state.withLock { $0.pace } }
    set { state.withLock { $0.pace = newValue } }
  }

  private func join(_ client: Int32) {
    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var name = Self.address(state.withLock { state in
      state.accepted += 1
      return state.target
    })
    let isConnected = withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else {
      close(server)
      close(client)
      return
    }
    state.withLock { $0.open.formUnion([client, server]) }
    Thread.detachNewThread { [self] in
      let ended = DispatchSemaphore(value: 0)
      Thread.detachNewThread { [self] in
        copy(from: server, to: client)
        ended.signal()
      }
      copy(from: client, to: server)
      ended.wait()
      state.withLock { $0.open.subtract([client, server]) }
      close(client)
      close(server)
    }
  }

  private func copy(from source: Int32, to target: Int32) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    reading: while case let count = recv(source, &buffer, pace == .slow ? 256 : buffer.count, 0), count > 0 {
      var sent = 0
      if pace == .slow { usleep(20_000) }
      while pace == .held { usleep(5_000) }
      while sent < count {
        let more = buffer.withUnsafeBytes { send(target, $0.baseAddress! + sent, count - sent, Int32(MSG_NOSIGNAL)) }
        if more <= 0 { break reading }
        sent += more
      }
    }
    // One end closes both directions: no test uses a half-closed connection.
    shutdown(source, Int32(SHUT_RDWR))
    shutdown(target, Int32(SHUT_RDWR))
  }

  private static func address(_ port: Int) -> sockaddr_in {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = UInt16(port).bigEndian
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return name
  }
}
