import Core
import Glibc
import HTTP
import Synchronization
import Testing
import TestSupport

@Suite struct HTTPClientTests {
  @Test func collectsAnAnswerAndReusesTheConnection() async throws {
    let server = try HostileServer { request, connection in
      connection.answer("200 OK", headers: ["X-Test: yes"], body: "hello \(request.path)")
    }
    let client = try makeClient()
    for index in 0..<5 {
      let answer = try await client.execute(HTTPRequest(url: "\(server.url)/\(index)?q=1"))
      #expect(answer.status == 200 && answer.headers["x-test"] == "yes")
      #expect(answer.text == "hello /\(index)?q=1")
    }
    #expect(server.connections == 1)
    #expect(server.requests[0].headers["user-agent"] == "souk-tests")
    #expect(server.requests[0].headers["accept-encoding"] == nil)
  }

  @Test func hundredsOfRequestsAreInFlightTogether() async throws {
    // Every answer waits until all requests have come: fewer at once would never end.
    let count = 200
    let arrived = Mutex(0)
    let server = try HostileServer { _, connection in
      arrived.withLock { $0 += 1 }
      while arrived.withLock({ $0 }) < count { usleep(1_000) }
      connection.answer("200 OK", body: "ok")
    }
    let client = try makeClient()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<count {
        group.addTask { try await client.execute(HTTPRequest(url: server.url)).status }
      }
      for try await status in group { #expect(status == 200) }
    }
  }

  @Test func aGateBoundsWhatOneHostGetsAtOnce() async throws {
    let busy = Mutex((now: 0, most: 0))
    let server = try HostileServer { _, connection in
      busy.withLock { $0.now += 1; $0.most = max($0.most, $0.now) }
      usleep(5_000)
      busy.withLock { $0.now -= 1 }
      connection.answer("200 OK")
    }
    let client = try makeClient(maxPerOrigin: 3)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<30 { group.addTask { _ = try await client.execute(HTTPRequest(url: server.url)) } }
      try await group.waitForAll()
    }
    #expect(busy.withLock { $0.most } <= 3)
    #expect(server.requests.count == 30)
  }

  @Test func aBodyIsSentFromMemoryAndFromAFile() async throws {
    let server = try HostileServer { _, connection in connection.answer("200 OK") }
    let client = try makeClient()
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    _ = try await client.execute(HTTPRequest("POST", HTTPURL(server.url), body: .bytes(bytes)))
    try await withTemporaryDirectory { folder in
      let descriptor = open("\(folder)/body", O_RDWR | O_CREAT, 0o600)
      defer { close(descriptor) }
      #expect(write(descriptor, bytes, bytes.count) == bytes.count)
      let body = HTTPRequest.Body.file(descriptor: descriptor, offset: 1000, length: 200_000)
      _ = try await client.execute(HTTPRequest("PUT", HTTPURL(server.url), body: body))
      // Declared longer than it is: an error of ours, and not a short upload.
      let short = HTTPRequest.Body.file(descriptor: descriptor, offset: 0, length: 300_001)
      let error = await httpError { _ = try await client.execute(HTTPRequest("PUT", HTTPURL(server.url), body: short)) }
      #expect(error?.kind == .internalFailure)
    }
    _ = try await client.execute(HTTPRequest("PUT", HTTPURL(server.url)))
    #expect(server.requests.map(\.line) == ["POST / HTTP/1.1", "PUT / HTTP/1.1", "PUT / HTTP/1.1"])
    #expect(server.requests[0].body == bytes)
    #expect(server.requests[1].body == Array(bytes[1000..<201_000]))
    #expect(server.requests[2].headers["content-length"] == "0")
    #expect(server.requests[0].headers["expect"] == nil)
  }

  @Test func contentEncodingIsLeftAsItIs() async throws {
    let server = try HostileServer { _, connection in
      connection.answer("200 OK", headers: ["Content-Encoding: gzip"], body: "not gzip at all")
    }
    let answer = try await makeClient().execute(HTTPRequest(url: server.url))
    #expect(answer.text == "not gzip at all")
  }

  @Test func aSlowConsumerMakesTheServerWait() async throws {
    let total = 64 << 20
    let sent = Mutex(0)
    let server = try HostileServer { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
      let piece = [UInt8](repeating: 7, count: 64 << 10)
      for _ in 0..<(total / piece.count) {
        guard connection.send(piece) else { return }
        sent.withLock { $0 += piece.count }
      }
    }
    let client = try makeClient()
    var request = try HTTPRequest(url: server.url)
    request.limits.maxBodyBytes = total
    request.limits.bufferBytes = 256 << 10
    let count = try await client.stream(request) { _, body in
      var count = try await body.next()?.count ?? 0
      // The kernel's socket buffers take a few MiB; then the server has to wait for the consumer, which reads nothing.
      var before = -1
      try await eventually("the server stands still", interval: .milliseconds(100)) {
        let now = sent.withLock { $0 }
        defer { before = now }
        return now == before
      }
      #expect(sent.withLock { $0 } < 32 << 20)
      while let chunk = try await body.next() {
        #expect(chunk.count <= (256 << 10) + (128 << 10))
        count += chunk.count
      }
      return count
    }
    #expect(count == total)
  }

  /// A connection that is cut before the answer is complete is lost, wherever it was cut: the request is repeated.
  @Test(arguments: ["", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\n"])
  func aCutAnswerIsTransient(answer: String) async throws {
    let server = try HostileServer { _, connection in
      connection.send(answer)
      connection.hangUp()
    }
    let client = try makeClient()
    let error = await #expect(throws: HTTPError.self) { try await client.execute(HTTPRequest(url: server.url)) }
    #expect(error?.errorClass == .transient, "\(String(describing: error))")
  }

  @Test func cancellationAbortsTheTransfer() async throws {
    let gone = Mutex(false)
    let server = try HostileServer { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
      connection.waitForHangUp()
      gone.withLock { $0 = true }
    }
    let client = try makeClient()
    let url = server.url
    let task = Task { try await client.execute(HTTPRequest(url: url)) }
    try await eventually("the request arrives") { server.requests.count == 1 }
    task.cancel()
    let result = await task.result
    #expect(throws: CancellationError.self) { try result.get() }
    try await eventually("the server sees the connection go") { gone.withLock { $0 } }
  }

  @Test func whatIsNotReadIsGivenUp() async throws {
    let gone = Mutex(false)
    let server = try HostileServer { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
      while connection.send([UInt8](repeating: 1, count: 65_536)) {}
      gone.withLock { $0 = true }
    }
    var request = try HTTPRequest(url: server.url)
    request.limits.maxBodyBytes = .max
    let first = try await makeClient().stream(request) { _, body in try await body.next()?.first }
    #expect(first == 1)
    try await eventually("the server sees the connection go") { gone.withLock { $0 } }
  }

  @Test func aClosedClientEndsWhatIsInFlightAndTakesNothingNew() async throws {
    let server = try HostileServer { _, connection in connection.waitForHangUp() }
    let client = try makeClient()
    let url = server.url
    let task = Task { try await client.execute(HTTPRequest(url: url)) }
    try await eventually("the request arrives") { server.requests.count == 1 }
    client.close()
    let first = await httpError { _ = try await task.value }
    #expect(first?.kind == .clientClosed)
    let second = await httpError { _ = try await client.execute(HTTPRequest(url: url)) }
    #expect(second?.kind == .clientClosed)
  }

  @Test func anUnreadableCertificateFileIsAConfigurationError() {
    #expect {
      try HTTPClient(HTTPConfiguration(userAgent: "t", certificateAuthorityFile: "/nowhere/ca.pem"))
    } throws: { ($0 as? HTTPError)?.errorClass == .configuration }
  }
}

extension HTTPRequest {
  init(url: String) throws { self.init("GET", try HTTPURL(url)) }
}
