import Core
import Foundation
import Glibc
import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
@testable import ServiceKit
import Testing
import TestSupport

/// Connections to the endpoint that send half a request and then nothing.
@Suite struct EndpointLimitTests {
  /// Half of a request, on a connection of its own.
  private func halfOpen(_ port: Int) throws -> Int32 {
    let descriptor = try #require(connection(to: port))
    let text = Array("GET /livez HTTP/1.1\r\nHost: x\r\nX-Half".utf8)
    _ = send(descriptor, text, text.count, Int32(MSG_NOSIGNAL))
    return descriptor
  }

  private func isClosed(_ descriptor: Int32) -> Bool {
    var byte: UInt8 = 0
    let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT))
    return count == 0 || count < 0 && errno == ECONNRESET
  }

  private func endpoint(_ limits: ConnectionLimits) -> HTTPServer {
    HTTPServer(
      host: "127.0.0.1", port: 0, routes: ServerRoutes(Health(), PrometheusRegistry()), limits: limits,
      logger: Logger(label: "test"))
  }

  @Test(.timeLimit(.minutes(10))) func halfOpenRequestsNeverBlockProbes() async throws {
    let endpoint = endpoint(ConnectionLimits())
    let port = try await endpoint.start()
    let base = try #require(URL(string: "http://127.0.0.1:\(port)"))
    var open: [Int32] = []
    defer { for descriptor in open { close(descriptor) } }
    for round in 0..<4 {
      for _ in 0..<100 { open.append(try halfOpen(port)) }
      #expect(try await get(base, "livez").status == 200, "round \(round)")
    }
    // The oldest were closed: no more are open than the limit allows.
    let descriptors = open
    try await eventually("all but the newest are closed") {
      descriptors.filter { !isClosed($0) }.count <= ConnectionLimits().maxConnections
    }
    _ = await endpoint.stop()
  }

  @Test(.timeLimit(.minutes(10))) func halfOpenRequestsTimeOut() async throws {
    var limits = ConnectionLimits()
    limits.requestTime = .milliseconds(300)
    let endpoint = endpoint(limits)
    let port = try await endpoint.start()
    let descriptor = try halfOpen(port)
    defer { close(descriptor) }
    // More bytes do not extend its time.
    try await eventually("it is closed") {
      _ = send(descriptor, "a", 1, Int32(MSG_NOSIGNAL))
      return isClosed(descriptor)
    }
    let base = try #require(URL(string: "http://127.0.0.1:\(port)"))
    #expect(try await get(base, "livez").status == 200)
    _ = await endpoint.stop()
  }

  @Test(.timeLimit(.minutes(10))) func connectionsThatComeDuringAStopAreRefusedOrClosed() async throws {
    for _ in 0..<10 {
      let endpoint = endpoint(ConnectionLimits())
      let port = try await endpoint.start()
      let isRefused = Interruption()
      Thread.detachNewThread {
        while let descriptor = connection(to: port) { close(descriptor) }
        isRefused.raise()
      }
      #expect(await endpoint.stop() == nil)
      await isRefused.wait()
    }
  }

  /// A server that has stopped drops what it still accepts.
  @Test func aConnectionIsHeldUntilItsChannelCloses() throws {
    final class Writer: Sendable {}
    struct Value: ServerChildChannelValue {
      let channel: any Channel
      let writer = Writer()
    }
    struct Base: ServerChildChannel {
      func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeSucceededFuture(Value(channel: channel))
      }
      func handle(value: Value, logger: Logger) async {}
    }
    let channel = EmbeddedChannel()
    weak var writer = try HeldConnections(base: Base())
      .setup(channel: channel, logger: Logger(label: "test")).wait().writer
    #expect(writer != nil, "no task has taken the connection")
    try channel.close().wait()
    // The channel says that it is closed in the next round of its loop.
    channel.embeddedEventLoop.run()
    #expect(writer == nil)
  }
}

/// A socket that is connected to a port of this machine.
/// - Returns: nil when nothing listens.
func connection(to port: Int) -> Int32? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(port).bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  let connected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  if connected == 0 { return descriptor }
  close(descriptor)
  return nil
}
