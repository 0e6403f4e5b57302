import Core
import Foundation
import Glibc

/// Listens to server-sent events of ticks, and measures from the time that each names as `known_ns` until it is read.
struct EventListener: Sendable {
  var port: UInt16
  var path: String

  func listen(seconds: Double) async throws -> HTTPLoad.Outcome {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Result { try work(seconds) }) }
    }
  }

  private func work(_ seconds: Double) throws -> HTTPLoad.Outcome {
    let descriptor = try HTTPLoad(port: port, paths: []).connect()
    defer { close(descriptor) }
    let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n".utf8)
    guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { throw refused }
    var limit = timeval(tv_sec: 0, tv_usec: 100_000)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let mark = Array("\"known_ns\":".utf8), end = ContinuousClock.now + .seconds(seconds)
    var (outcome, rest, chunk) = (HTTPLoad.Outcome(), [UInt8](), [UInt8](repeating: 0, count: 1 << 18))
    while ContinuousClock.now < end {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count == 0 { throw refused }
      guard count > 0 else { continue }
      let now = WallClock.microseconds()
      rest += chunk[..<count]
      guard let last = rest.lastIndex(of: UInt8(ascii: "\n")) else { continue }
      var place = rest.startIndex
      while place < last {
        let line = rest[place..<last].firstIndex(of: UInt8(ascii: "\n")) ?? last
        if let found = rest[place..<line].firstRange(of: mark) {
          let known = rest[found.upperBound..<line].prefix { 0x30...0x39 ~= $0 }.reduce(Int64(0)) {
            $0 * 10 + Int64($1 - 0x30)
          }
          outcome.latencies.append(Double(now - known / 1_000))
        }
        place = line + 1
      }
      rest.removeSubrange(...last)
    }
    outcome.seconds = seconds
    outcome.latencies.sort()
    return outcome
  }

  private var refused: Failure { Failure(.fatal, code: "listener", "the gateway closed the stream") }
}
