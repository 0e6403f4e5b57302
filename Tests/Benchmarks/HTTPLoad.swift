import Core
import Foundation
import Glibc

/// Asks a server on this machine over some connections that stay open, each with one request in flight, from one
/// thread: little of a client, so that most of the processor is the server's.
struct HTTPLoad: Sendable {
  struct Outcome: Sendable {
    /// From the sending of each request to the last byte of its answer, microseconds, ascending.
    var latencies: [Double] = []
    var seconds = 0.0
    /// Answers other than 200.
    var refused = 0

    var rate: Double { Double(latencies.count) / seconds }
    func percentile(_ share: Double) -> Double {
      latencies.isEmpty ? .nan : latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
    }
  }

  var port: UInt16
  var paths: [String]
  var connections = 32

  /// - Parameter rate: requests a second, spread evenly; nil for as many as go.
  func run(seconds: Double, rate: Double? = nil) async throws -> Outcome {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Result { try work(seconds, rate) }) }
    }
  }

  private struct Connection {
    var descriptor: Int32
    var answer: [UInt8] = []
    var sent: UInt64?
  }

  private func work(_ seconds: Double, _ rate: Double?) throws -> Outcome {
    var open = try (0..<connections).map { _ in Connection(descriptor: try connect()) }
    defer { for connection in open { close(connection.descriptor) } }
    let requests = paths.map { Array("GET \($0) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n".utf8) }
    var polled = open.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    var (outcome, sent, idle) = (Outcome(), 0, Array(open.indices))
    let start = Self.now(), end = start + UInt64(seconds * 1e9)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let now = Self.now()
      let due = rate.map { Int(Double(now - start) / 1e9 * $0) } ?? .max
      while now < end, sent < due, let place = idle.popLast() {
        let request = requests[sent % requests.count]
        guard Glibc.send(open[place].descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
          throw Failure(.fatal, code: "load", "the server closed a connection")
        }
        open[place].sent = Self.now()
        sent += 1
      }
      if now >= end, idle.count == open.count { break }
      // Between two requests of a rate, poll(2) waits too coarsely: a latency is 0.1 ms longer than it is, at most.
      if poll(&polled, nfds_t(polled.count), rate == nil ? 50 : 0) <= 0 {
        var pause = timespec(tv_sec: 0, tv_nsec: 20_000)
        if rate != nil { nanosleep(&pause, nil) }
        continue
      }
      for place in polled.indices where polled[place].revents != 0 {
        let count = recv(open[place].descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { throw Failure(.fatal, code: "load", "the server closed a connection") }
        open[place].answer += chunk[..<count]
        guard let isGood = Self.whole(open[place].answer), let begun = open[place].sent else { continue }
        outcome.latencies.append(Double(Self.now() - begun) / 1_000)
        if !isGood { outcome.refused += 1 }
        (open[place].answer, open[place].sent) = ([], nil)
        idle.append(place)
      }
    }
    outcome.seconds = Double(Self.now() - start) / 1e9
    outcome.latencies.sort()
    return outcome
  }

  /// Whether an answer is 200; nil while it is not whole.
  private static func whole(_ bytes: [UInt8]) -> Bool? {
    guard bytes.count > 16, let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let lines = String(decoding: bytes[..<head.lowerBound], as: UTF8.self).lowercased()
    guard let place = lines.firstRange(of: "content-length:") else { return nil }
    let length = Int(lines[place.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }) ?? 0
    return bytes.count - head.upperBound >= length ? lines.hasPrefix("http/1.1 200") : nil
  }

  /// Nanoseconds.
  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  func connect() throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var (address, one) = (sockaddr_in(), Int32(1))
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Failure(.fatal, code: "load", "nothing listens on port \(port)") }
    return descriptor
  }
}
