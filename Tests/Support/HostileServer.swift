import Core
import Glibc
import Synchronization

/// An HTTP server on raw sockets, which can break the protocol: each connection is a thread that runs the script. It
/// listens until the process ends, also when the test keeps only its URL.
package final class HostileServer: Sendable {
  /// One request as it came in.
  package struct Request: Sendable {
    package var line: String
    package var headers: [String: String]
    package var body: [UInt8]
    /// Of the request line, query included.
    package var path: String { line.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
  }

  /// The script's operations on a connection.
  package struct Connection {
    package let socket: Int32

    /// - Returns: false when the other side is gone.
    @discardableResult
    package func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
      var sent = 0
      while sent < bytes.count {
        let count = bytes.withUnsafeBytes {
          Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
        }
        if count <= 0 { return false }
        sent += count
      }
      return true
    }

    package func answer(_ status: String, headers: [String] = [], body: String = "") {
      send((["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers).joined(separator: "\r\n")
        + "\r\n\r\n" + body)
    }

    package func hangUp() { shutdown(socket, Int32(SHUT_RDWR)) }

    /// Blocks until the client closes, so that the client's behaviour ends the test.
    package func waitForHangUp() {
      var byte: UInt8 = 0
      while recv(socket, &byte, 1, 0) > 0 {}
    }
  }

  package let port: Int
  package let address: String
  private let log = Mutex<[Request]>([])
  private let accepted = Mutex(0)

  package var url: String { "http://\(address):\(port)" }
  package var requests: [Request] { log.withLock { $0 } }
  /// Connections opened so far.
  package var connections: Int { accepted.withLock { $0 } }

  package init(address: String = "127.0.0.1", script: @escaping @Sendable (Request, Connection) -> Void) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    inet_pton(AF_INET, address, &name.sin_addr)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw -> Bool in
        guard bind(listener, raw, size) == 0, listen(listener, 256) == 0 else { return false }
        var length = size
        return getsockname(listener, raw, &length) == 0
      }
    }
    struct CannotListen: Error {}
    guard bound else { throw CannotListen() }
    self.address = address
    port = Int(name.sin_port.byteSwapped)
    startThread(named: "hostile-server") { [self] in
      while true {
        let socket = accept(listener, nil, nil)
        guard socket >= 0 else { return }
        accepted.withLock { $0 += 1 }
        startThread(named: "hostile-server") { [self] in
          while let request = Self.read(socket) {
            log.withLock { $0.append(request) }
            script(request, Connection(socket: socket))
            if request.headers["connection"] == "close" { break }
          }
          shutdown(socket, Int32(SHUT_RDWR))
          close(socket)
        }
      }
    }
  }

  private static func read(_ socket: Int32) -> Request? {
    var head: [UInt8] = []
    while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
      var byte: UInt8 = 0
      guard recv(socket, &byte, 1, 0) == 1 else { return nil }
      head.append(byte)
    }
    let lines = String(decoding: head.dropLast(4), as: UTF8.self).split(separator: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    var body = [UInt8](repeating: 0, count: headers["content-length"].flatMap { Int($0) } ?? 0)
    var count = 0
    while count < body.count {
      let got = body.withUnsafeMutableBytes { recv(socket, $0.baseAddress! + count, $0.count - count, 0) }
      guard got > 0 else { return nil }
      count += got
    }
    return Request(line: String(lines[0]), headers: headers, body: body)
  }
}
