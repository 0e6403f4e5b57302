import Core
import Foundation
import Glibc
import HTTP
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
@testable import ServiceKit
import Synchronization
import Testing
import TestSupport

/// A server of a service's own: answers, streams, server-sent events, and the drain.
@Suite(.timeLimit(.minutes(10))) struct ServerTests {
  private let drain = Interruption()
  private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func withServer(
    _ declare: (inout ServerRoutes) -> Void, _ body: (URL, HTTPServer) async throws -> Void
  ) async throws {
    var routes = ServerRoutes()
    declare(&routes)
    var limits = ConnectionLimits()
    limits.allowsStreams = true
    let server = HTTPServer(
      host: "127.0.0.1", port: 0, routes: routes, limits: limits, logger: Self.quiet, drain: drain)
    let port = try await server.start()
    try await body(try #require(URL(string: "http://127.0.0.1:\(port)")), server)
    drain.raise()
    _ = await server.stop()
  }

  @Test func answersByPathQueryHeaderAndBody() async throws {
    try await withServer {
      $0.get("/bars/{symbol}") { request in
        ServerAnswer(type: "text/plain", Array("""
          \(request.parameter("symbol") ?? "-") \(request.query("days") ?? "-") \(request.header("X-Who") ?? "-")
          """.utf8))
      }
      $0.post("/echo") { ServerAnswer(try await $0.body(atMost: 5)) }
    } _: { base, _ in
      #expect(try await ask(base, "bars/COMI?days=3", headers: ["X-Who": "me"]).text == "COMI 3 me")
      #expect(try await ask(base, "echo", method: "POST", body: "12345").text == "12345")
      let refused = try await ask(base, "echo", method: "POST", body: "123456")
      #expect(refused.status == 400)
      #expect(refused.text == "{\"error\":\"body_too_large\"}\n")
    }
  }

  @Test func whatNoRouteIsForHasAnAnswerOfItsOwn() async throws {
    try await withServer {
      $0.put("/x") { _ in ServerAnswer(status: 200, []) }
      $0.delete("/x") { _ in ServerAnswer(status: 200, []) }
      $0.get("/refused") { _ in throw Failure(.data, code: "no_luck", "") }
      $0.otherwise = { ServerAnswer(status: 405, Array("\($0.method) \($0.path) \($0.queries.map(\.name))".utf8)) }
    } _: { base, _ in
      for (method, path, status, body) in [
        ("PUT", "x", 200, ""), ("DELETE", "x", 200, ""), ("GET", "x?b=1&a=2", 405, "GET /x [\"b\", \"a\"]"),
        ("OPTIONS", "y", 405, "OPTIONS /y []"), ("GET", "refused", 400, "{\"error\":\"no_luck\"}\n"),
      ] {
        let answer = try await ask(base, path, method: method)
        #expect(answer.status == status)
        #expect(answer.text == body)
      }
    }
  }

  /// An error answer has its code and no details.
  @Test(arguments: [(ErrorClass.data, 400), (.transient, 503), (.configuration, 500), (.fatal, 500)])
  func anErrorAnswersItsClass(_ errorClass: ErrorClass, _ status: Int) async throws {
    try await withServer {
      $0.get("/x") { _ in throw Failure(errorClass, code: "no_luck", "the password of db7 is wrong") }
    } _: { base, _ in
      let answer = try await get(base, "x")
      #expect(answer.status == status)
      #expect(answer.body == "{\"error\":\"no_luck\"}\n")
    }
  }

  /// More than the buffers hold: the writer waits for the reader, and everything arrives.
  @Test func aStreamOfAnyLengthArrivesWhole() async throws {
    let parts = 2_000
    try await withServer {
      $0.get("/export") { _ in
        .stream(type: "application/x-ndjson") { writer in
          for part in 0..<parts {
            try await writer.write(Array("\(part)\n".utf8) + Array(repeating: 0x2e, count: 4_096))
          }
        }
      }
    } _: { base, _ in
      let answer = try await ask(base, "export")
      #expect(answer.headers["content-type"] == "application/x-ndjson")
      #expect(answer.body.count == (0..<parts).reduce(0) { $0 + "\($1)\n".utf8.count + 4_096 })
    }
  }

  /// A truncated answer must not look complete.
  @Test func aStreamThatFailsIsCutOff() async throws {
    try await withServer {
      $0.get("/export") { _ in
        .stream(type: "text/plain") { writer in
          try await writer.write(Array("begun".utf8))
          throw Failure(.transient, code: "store_away", "the store is away")
        }
      }
    } _: { base, _ in
      await #expect(throws: HTTPError.self) { try await ask(base, "export") }
    }
  }

  @Test func eventsArriveAsTheyAreSentAndEndWithTheDrain() async throws {
    let next = Interruption()
    try await withServer {
      $0.get("/events") { _ in
        .events { events in
          try await events.send("one\ntwo\r\nthree\u{2028}four", event: "tick", id: "7")
          await next.wait()
          try await events.send("three")
          await Interruption().wait()
        }
      }
    } _: { base, server in
      let stream = try RawStream(base, "/events")
      try await eventually("the first event, while the answer goes on") {
        stream.text.contains("event: tick\nid: 7\ndata: one\ndata: two\ndata: three\u{2028}four\n\n")
      }
      #expect(stream.text.lowercased().contains("content-type: text/event-stream"))
      next.raise()
      try await eventually("the second") { stream.text.contains("data: three\n\n") }
      drain.raise()
      await server.settle()
      // The chunk of length 0: an orderly end.
      try await eventually("the end") { stream.text.hasSuffix("0\r\n\r\n") }
    }
  }

  @Test func aQuietStreamHasHeartbeats() async throws {
    try await withServer {
      $0.get("/events") { _ in
        .events(heartbeat: .milliseconds(10)) { _ in await Interruption().wait() }
      }
    } _: { base, _ in
      let stream = try RawStream(base, "/events")
      try await eventually("some heartbeats") { stream.text.components(separatedBy: ":\n\n").count > 3 }
    }
  }

  /// In the time of the channel: longer than a connection may be silent, what the client takes keeps it open.
  @Test(arguments: [true, false]) func onlyAStreamThatIsTakenLastsLongerThanARequest(allowsStreams: Bool) throws {
    var limits = ConnectionLimits()
    limits.allowsStreams = allowsStreams
    let channel = EmbeddedChannel(handler: limits.makeHandler())
    let isClosed = Mutex(false)
    channel.closeFuture.whenComplete { _ in isClosed.withLock { $0 = true } }
    for _ in 0..<4 {
      channel.embeddedEventLoop.advanceTime(by: limits.requestTime - .seconds(10))
      _ = try? channel.writeOutbound(HTTPResponsePart.body(ByteBuffer(string: ":\n\n")))
    }
    channel.embeddedEventLoop.run()
    #expect(isClosed.withLock { $0 } == !allowsStreams)
    channel.embeddedEventLoop.advanceTime(by: limits.requestTime)
    channel.embeddedEventLoop.run()
    #expect(isClosed.withLock { $0 }, "nothing was taken any more")
  }

  /// Otherwise a drain would wait for it.
  @Test func aClientThatLeavesEndsItsEvents() async throws {
    let isOver = Atomic(false)
    try await withServer {
      $0.get("/events") { _ in
        .events(heartbeat: .milliseconds(20)) { _ in
          await Interruption().wait()
          isOver.store(true, ordering: .relaxed)
        }
      }
    } _: { base, server in
      let stream = try RawStream(base, "/events")
      try await eventually("it listens") { stream.text.contains(":\n\n") }
      stream.close()
      try await eventually("the events have ended") { isOver.load(ordering: .relaxed) }
      await server.settle()
    }
  }

  /// A request from before the drain is answered before the work ends.
  @Test func workOfAServerSettlesItsAnswers() async throws {
    let (begun, goOn, log) = (Interruption(), Interruption(), LogLines())
    let context = ServiceContext(name: "test", logger: log.logger, drain: drain)
    let work = Work.server(host: "127.0.0.1", port: 0, settings: ("--host", "--port"), in: context) {
      var routes = ServerRoutes()
      routes.get("/slow") { _ in
        begun.raise()
        await goOn.wait()
        return ServerAnswer(Array("done".utf8))
      }
      return routes
    }
    let running = Task { try await work.run() }
    try await eventually("it serves") { log.port != nil }
    let base = try #require(URL(string: "http://127.0.0.1:\(log.port ?? 0)"))
    #expect(context.health.readiness("server").current.ready)
    let asking = Task { try await get(base, "slow").body }
    await begun.wait()
    drain.raise()
    goOn.raise()
    #expect(try await asking.value == "done")
    try await running.value
  }

  @Test func aTakenPortOfAServerNamesItsFlag() async throws {
    let context = ServiceContext(name: "test", logger: Self.quiet, drain: drain)
    try await withServer({ _ in }) { base, _ in
      let port = UInt16(try #require(base.port))
      let work = Work.server(host: "127.0.0.1", port: port, settings: ("--web-host", "--web-port"), in: context) {
        ServerRoutes()
      }
      await #expect { try await work.run() } throws: {
        ($0 as? Failure)?.code == "port_in_use" && "\($0)".contains("choose another --web-port")
      }
    }
  }
}

/// The port that the log line 'serving' names.
private final class LogLines: Sendable {
  private let found = Mutex<Int?>(nil)
  var port: Int? { found.withLock { $0 } }

  private struct Handler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      if "\(event.message)" == "serving", let port = event.metadata?["port"] {
        lines.found.withLock { $0 = Int("\(port)") }
      }
    }
  }

  var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }
}

/// One GET over a socket of its own, with the bytes of the answer as they come.
private final class RawStream: Sendable {
  private let descriptor: Int32
  private let received = Mutex("")

  init(_ base: URL, _ path: String) throws {
    let port = try #require(base.port)
    descriptor = try #require(connection(to: port))
    let request = Array("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
    _ = send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
  }

  deinit { Glibc.close(descriptor) }

  /// Everything so far, head and chunk lengths included, the lengths left out of the lines between.
  var text: String {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    return received.withLock { text in
      if count > 0 { text += String(decoding: buffer[..<count], as: UTF8.self) }
      return text
    }
  }

  func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
