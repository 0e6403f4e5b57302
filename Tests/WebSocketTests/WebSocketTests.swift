import Core
import Foundation
import Synchronization
import Testing
import TestSupport
import WebSocket

/// The client against an independent server.
@Suite(.enabled(if: PythonServer.isThere, ".souk/venv/bin/python has no websockets (make deps)"))
struct WebSocketTests {
  /// The error of a connection from which everything is read.
  private func failure(
    _ server: PythonServer, _ path: String, _ change: (inout WebSocketConfiguration) -> Void = { _ in }
  ) async throws -> WebSocketError? {
    await #expect(throws: WebSocketError.self, "\(path)") {
      try await server.client(path, change).connect(decoding: PlainMessages()) { socket in
        while try await socket.next() != nil {}
      }
    }
  }

  @Test(.timeLimit(.minutes(10))) func messagesGoBothWaysAsTheyAre() async throws {
    try await PythonServer.serving { server in
      let sent: [WebSocketMessage] = [
        .text(""), .text("بنك 🏦"), .binary([]), .binary([0xff, 0, 0xc3]),
        .text(String(repeating: "long ", count: 40_000)),
      ]
      let received = try await server.client("/echo").connect(decoding: PlainMessages()) { socket in
        var received: [WebSocketMessage] = []
        for message in sent {
          try await socket.send(message)
          if let answer = try await socket.next() { received.append(answer) }
        }
        return received
      }
      #expect(received == sent)
      try await eventually("the close frame") {
        try await server.events().contains { $0.path == "echo" && $0.code == 1_000 }
      }
    }
  }

  @Test(.timeLimit(.minutes(10))) func headersAreThoseOfTheConfiguration() async throws {
    try await PythonServer.serving { server in
      let client = server.client("/headers") {
        $0.headers = [("Origin", "https://here"), ("Authorization", "Bearer x")]
      }
      let text = try await client.connect(decoding: PlainMessages()) { try await $0.next()?.bytes ?? [] }
      let headers = try JSONDecoder().decode([String: String].self, from: Data(text))
      #expect(headers["Origin"] == "https://here" && headers["Authorization"] == "Bearer x")
      #expect(headers["Host"] == "127.0.0.1:\(server.port)")
    }
  }

  @Test(.timeLimit(.minutes(10))) func fragmentsAreJoinedAndPingsAnsweredBothWays() async throws {
    try await PythonServer.serving { server in
      let joined = try await server.client("/fragments/10/300")
        .connect(decoding: PlainMessages()) { try await $0.next() }
      #expect(joined == .text(String(repeating: "y", count: 3_000)))
      let pinged = try await server.client("/pings/3") { $0.pingInterval = .milliseconds(20) }
        .connect(decoding: PlainMessages()) { try await $0.next() }
      #expect(pinged == .text("True"))
    }
  }

  /// A decoder answers before its reader asks for anything.
  @Test(.timeLimit(.minutes(10))) func aDecoderRepliesAtOnce() async throws {
    struct Doubling: WebSocketDecoder {
      mutating func decode(
        _ message: WebSocketMessage, reply: (WebSocketMessage) -> Void
      ) throws(WebSocketError) -> [Int] {
        guard let number = Int(String(decoding: message.bytes, as: UTF8.self)) else {
          throw WebSocketError(.protocolBroken, "no number")
        }
        if number < 100 { reply(.text("\(number * 2)")) }
        return [number, -number]
      }
    }
    try await PythonServer.serving { server in
      let numbers = try await server.client("/echo").connect(decoding: Doubling()) { socket in
        try await socket.send(.text("30"))
        var numbers: [Int] = []
        while numbers.count < 6, let number = try await socket.next() { numbers.append(number) }
        return numbers
      }
      #expect(numbers == [30, -30, 60, -60, 120, -120])
      let error = await #expect(throws: WebSocketError.self) {
        try await server.client("/echo").connect(decoding: Doubling()) { socket in
          try await socket.send(.text("x"))
          _ = try await socket.next()
        }
      }
      #expect(error?.kind == .protocolBroken)
      try await eventually("code 1002") { try await server.events().contains { $0.code == 1_002 } }
    }
  }

  // MARK: - how it ends

  @Test(.timeLimit(.minutes(10)), arguments: [1_000, 1_008, 1_012, 4_001])
  func theServersCloseCodeIsTold(_ code: Int) async throws {
    try await PythonServer.serving { server in
      let error = try await failure(server, "/close/\(code)")
      #expect(error?.kind == .closed(code: code) && error?.isTransient == true)
      #expect(error?.message.contains("code \(code): 'because '") == true, "\(error as Any)")
    }
  }

  @Test(.timeLimit(.minutes(10))) func aMessageAboveTheLimitEndsTheConnection() async throws {
    try await PythonServer.serving { server in
      for path in ["/large/1001", "/fragments/11/100"] {
        let error = try await failure(server, path) { $0.maxMessageBytes = 1_000 }
        #expect(error?.kind == .tooLarge, "\(path)")
      }
      let count = try await server.client("/large/1000") { $0.maxMessageBytes = 1_000 }
        .connect(decoding: PlainMessages()) { try await $0.next()?.bytes.count }
      #expect(count == 1_000)
      try await eventually("both were told") { try await server.events().count { $0.code == 1_009 } == 2 }
    }
  }

  @Test(.timeLimit(.minutes(10))) func aSilentServerIsGivenUp() async throws {
    try await PythonServer.serving { server in
      let error = try await failure(server, "/silent") {
        $0.pingInterval = .milliseconds(50)
        $0.idleLimit = .milliseconds(200)
        $0.closeTime = .milliseconds(50)
      }
      #expect(error?.kind == .lost && error?.message.contains("silent") == true, "\(error as Any)")
    }
  }

  @Test(.timeLimit(.minutes(10))) func aServerThatReadsNothingIsGivenUp() async throws {
    try await PythonServer.serving { server in
      let client = server.client("/deaf") {
        $0.pingInterval = .milliseconds(100)
        $0.idleLimit = .seconds(8)
        $0.closeTime = .milliseconds(50)
      }
      let error = await #expect(throws: WebSocketError.self) {
        try await client.connect(decoding: PlainMessages()) { socket in
          let message = WebSocketMessage.binary([UInt8](repeating: 7, count: 1 << 20))
          while true { try await socket.send(message) }
        }
      }
      #expect(error?.kind == .lost && error?.message.contains("read nothing") == true, "\(error as Any)")
    }
  }

  /// In the packet that ends the handshake, which is before the client has set up the connection, and later.
  @Test(.timeLimit(.minutes(10))) func aHalfClosedConnectionIsLost() async throws {
    try await PythonServer.serving { server in
      let early = try await failure(server, "/half")
      #expect(early?.kind == .lost && early?.message.contains("without a close frame") == true, "\(early as Any)")
      let later = await #expect(throws: WebSocketError.self) {
        try await server.client("/half/later").connect(decoding: PlainMessages()) { socket in
          try await socket.send(.text("go"))
          while try await socket.next() != nil {}
        }
      }
      #expect(later?.kind == .lost && later?.message.contains("without a close frame") == true, "\(later as Any)")
    }
  }

  /// What its reader does not take stays with the server, and the pause is not taken for the server's silence.
  @Test(.timeLimit(.minutes(10))) func aSlowReaderHoldsTheServerBack() async throws {
    try await PythonServer.serving { server in
      let count = 1_000
      let client = server.client("/burst/\(count)/65536") {
        $0.pingInterval = .milliseconds(50)
        $0.idleLimit = .seconds(8)
      }
      try await client.connect(decoding: PlainMessages()) { socket in
        // Ten waits of a second each are longer than the server may be silent.
        try await eventually("the server waits for ten seconds, or is done") {
          let events = try await server.events()
          return events.count { $0.waits != nil } >= 10 || events.contains { $0.sent != nil }
        }
        let isDone = try await server.events().contains { $0.sent != nil }
        #expect(!isDone, "the server has sent everything to a reader that reads nothing")
        for number in 0..<count {
          let message = try #require(try await socket.next())
          #expect(String(decoding: message.bytes.prefix { $0 != 0x20 }, as: UTF8.self) == "\(number)")
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(10))) func aDeadlineEndsTheConnectionUnlessCancelled() async throws {
    try await PythonServer.serving { server in
      let error = await #expect(throws: WebSocketError.self) {
        try await server.client("/echo").connect(decoding: PlainMessages()) { socket in
          socket.deadline(in: .seconds(2), "never").cancel()
          let deadline = socket.deadline(in: .seconds(3), "no answer in time")
          defer { deadline.cancel() }
          while try await socket.next() != nil {}
        }
      }
      #expect(error?.kind == .timedOut && error?.message == "no answer in time")
      try await eventually("the server was told") { try await server.events().contains { $0.code == 1_001 } }
    }
  }

  @Test(.timeLimit(.minutes(10))) func closedFromAnotherTaskItEndsWithoutAnError() async throws {
    try await PythonServer.serving { server in
      let last = try await server.client("/echo").connect(decoding: PlainMessages()) { socket in
        let closer = socket.closer
        Task { closer.close() }
        return try await socket.next()
      }
      #expect(last == nil)
      try await eventually("the close frame") { try await server.events().map(\.code) == [1_000] }
    }
  }

  // MARK: - how it does not begin

  @Test(.timeLimit(.minutes(10)), arguments: [(429, "7", Duration.seconds(7)), (503, nil, nil), (403, "soon", nil)])
  func aRefusedHandshakeSaysWhenToComeAgain(_ status: Int, _ header: String?, _ delay: Duration?) async throws {
    try await PythonServer.serving { server in
      let error = try await failure(server, "/refuse/\(status)" + (header.map { "/\($0)" } ?? ""))
      #expect(error?.kind == .handshakeRefused(status: status) && error?.isTransient == true, "\(error as Any)")
      #expect(error?.retryAfter == delay)
      var backoff = Backoff(base: .milliseconds(1), cap: .seconds(60))
      if let delay { #expect(backoff.next(retryAfter: error?.retryAfter) >= delay) }
    }
  }

  @Test(.timeLimit(.minutes(10))) func noAnswerToTheHandshakeIsATimeOut() async throws {
    let port = try await PythonServer.serving { server in
      let error = try await failure(server, "/never") { $0.connectTime = .seconds(2) }
      #expect(error?.kind == .timedOut)
      return server.port
    }
    let client = WebSocketClient(
      WebSocketConfiguration(url: WebSocketURL(isSecure: false, host: "127.0.0.1", port: port, path: "/")))
    let error = await #expect(throws: WebSocketError.self) {
      try await client.connect(decoding: PlainMessages()) { _ in }
    }
    #expect(error?.kind == .connectFailed, "the server is gone")
  }

  @Test(.timeLimit(.minutes(10))) func onlyAServerThatProvesItsNameIsAsked() async throws {
    try await withTemporaryDirectory { folder in
      let authority = try await TestAuthority(in: folder)
      let right = try await authority.issue("right", for: "DNS:localhost,IP:127.0.0.1")
      let wrong = try await authority.issue("wrong", for: "DNS:elsewhere.example")
      try await PythonServer.serving(certificate: right) { server in
        for host in ["localhost", "127.0.0.1"] {
          var configuration = WebSocketConfiguration(url: server.url("/large/3", host: host))
          configuration.caFile = authority.file
          let text = try await WebSocketClient(configuration).connect(decoding: PlainMessages()) { try await $0.next() }
          #expect(text == .text("xxx"))
        }
        let stranger = try await failure(server, "/large/3")
        #expect(stranger?.kind == .connectFailed && stranger?.message.contains("TLS") == true, "\(stranger as Any)")
        let clear = try await failure(server, "/large/3") { $0.url.isSecure = false }
        #expect(clear?.isTransient == true)
        let unreadable = try await failure(server, "/large/3") { $0.caFile = "\(folder)/nothing" }
        #expect(unreadable?.kind == .misconfigured && unreadable?.errorClass == .configuration)
        let closed = try await failure(server, "/close/1013") { $0.caFile = authority.file }
        #expect(closed?.kind == .closed(code: 1_013))
      }
      try await PythonServer.serving(certificate: wrong) { server in
        let error = try await failure(server, "/large/3") { $0.caFile = authority.file }
        #expect(error?.kind == .connectFailed && error?.message.contains("TLS") == true, "\(error as Any)")
      }
    }
  }

  @Test func urlsAreReadStrictly() {
    let url = WebSocketURL("wss://feed.example:8443/v2/iex?key=secret")
    #expect(url == WebSocketURL(isSecure: true, host: "feed.example", port: 8_443, path: "/v2/iex?key=secret"))
    #expect(url?.description == "wss://feed.example:8443" && url?.authority == "feed.example:8443")
    #expect(WebSocketURL("ws://[::1]")?.authority == "[::1]" && WebSocketURL("ws://h?q")?.path == "/?q")
    #expect(WebSocketURL("wss://h", defaultPath: "/feed")?.path == "/feed" && WebSocketURL("wss://h")?.port == 443)
    for text in ["", "http://h", "ws:/h", "ws://", "ws://u@h", "ws://h:0", "ws://h:70000", "ws://h h", "ws://é"] {
      #expect(WebSocketURL(text) == nil, "\(text)")
    }
  }
}
