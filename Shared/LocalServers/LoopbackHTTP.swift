import Core

import Glibc

/// Asks servers on this machine one question: health, readiness, metrics. HTTP/1.0, so that the end of the
/// connection is the end of the answer; for anything else use the module HTTP.
package actor LoopbackHTTP {
  package static let shared = LoopbackHTTP()
  private let executor = ThreadExecutor(name: "loopback-http")
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  package struct Response: Sendable {
    package var status: Int
    package var body: String
  }

  /// - Returns: nil when no server listens, or no complete answer came within `timeout` (per read or write).
  package func get(port: UInt16, path: String, timeout: Duration = .seconds(5)) -> Response? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let (seconds, attoseconds) = timeout.components
    var limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    guard withLoopback(port: port, { connect(descriptor, $0, $1) }) == 0 else { return nil }
    let request = Array("GET \(path) HTTP/1.0\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n".utf8)
    guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return nil }

    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count < 0 { return nil }
      if count == 0 { break }
      answer += chunk[..<count]
    }
    return Self.parse(String(decoding: answer, as: UTF8.self))
  }

  static func parse(_ text: String) -> Response? {
    guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
    let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
    return Response(status: status, body: String(text[end.upperBound...]))
  }
}
