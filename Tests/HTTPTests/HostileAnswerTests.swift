import Core
import Glibc
import HTTP
import LocalServers
import Synchronization
import Testing
import TestSupport

@Suite struct HostileAnswerTests {
  /// How a client handles one scripted answer.
  private func failure(
    limits: HTTPLimits = HTTPLimits(totalTime: .seconds(20)),
    _ script: @escaping @Sendable (HostileServer.Request, HostileServer.Connection) -> Void
  ) async throws -> HTTPError? {
    let server = try HostileServer(script: script)
    let client = try makeClient()
    var request = try HTTPRequest(url: "\(server.url)/f?sig=TOPSECRET")
    request.limits = limits
    let error = await httpError { try await client.execute(request).head.requireSuccess() }
    #expect(error.map { !"\($0)".contains("TOPSECRET") } ?? true)
    return error
  }

  @Test func aBodyShorterThanDeclaredIsTruncated() async throws {
    let error = try await failure { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
      shutdown(connection.socket, Int32(SHUT_RDWR))
    }
    #expect(error?.kind == .truncatedBody && error?.isTransient == true)
  }

  @Test func aChunkedBodyThatStopsIsAnError() async throws {
    let error = try await failure { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
      shutdown(connection.socket, Int32(SHUT_RDWR))
    }
    #expect(error?.isTransient == true)
  }

  @Test func aHangUpBeforeTheAnswerIsTransient() async throws {
    let error = try await failure { _, connection in shutdown(connection.socket, Int32(SHUT_RDWR)) }
    #expect(error?.kind == .connectionLost)
  }

  @Test func whatIsNotHTTPIsMalformed() async throws {
    let error = try await failure { _, connection in
      connection.send("SSH-2.0-OpenSSH_9.2\r\n\r\nmore")
      shutdown(connection.socket, Int32(SHUT_RDWR))
    }
    #expect(error?.kind == .malformedResponse)
  }

  @Test func statusesCarryRetryAfter() async throws {
    let error = try await failure { _, connection in
      connection.answer("503 Busy", headers: ["Retry-After: 7"], body: "later")
    }
    #expect(error?.kind == .status(503) && error?.retryAfter == .seconds(7) && error?.isTransient == true)
    let missing = try await failure { _, connection in connection.answer("404 Not Found") }
    #expect(missing?.code == "http_404" && missing?.errorClass == .data)
  }

  @Test func aDeclaredBodyOverTheLimitIsNotRead() async throws {
    let error = try await failure(limits: HTTPLimits(maxBodyBytes: 1000)) { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
      connection.waitForHangUp()
    }
    #expect(error?.kind == .bodyTooLarge && error?.errorClass == .data)
  }

  @Test func anUndeclaredBodyOverTheLimitIsCutOff() async throws {
    let error = try await failure(limits: HTTPLimits(maxBodyBytes: 100_000)) { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      let piece = "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n"
      while connection.send(piece) {}
    }
    #expect(error?.kind == .bodyTooLarge)
  }

  @Test func anEndlessErrorPageStaysTheErrorItIs() async throws {
    let error = try await failure(limits: HTTPLimits(maxBodyBytes: 100_000)) { _, connection in
      connection.send("HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n")
      let piece = "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n"
      while connection.send(piece) {}
    }
    #expect(error?.kind == .status(502) && error?.isTransient == true)
  }

  @Test func endlessHeadersAreCutOff() async throws {
    let error = try await failure(limits: HTTPLimits(maxHeaderBytes: 10_000)) { _, connection in
      connection.send("HTTP/1.1 200 OK\r\n")
      while connection.send("X-Pad: \(String(repeating: "y", count: 100))\r\n") {}
    }
    #expect(error?.kind == .headersTooLarge)
  }

  @Test func aServerThatNeverAnswersTimesOut() async throws {
    let error = try await failure(limits: HTTPLimits(totalTime: .milliseconds(300))) { _, connection in
      connection.waitForHangUp()
    }
    #expect(error?.kind == .timedOut && error?.isTransient == true)
  }

  @Test func aDripIsTooSlow() async throws {
    let limits = HTTPLimits(totalTime: .seconds(60), lowSpeed: 1000, lowSpeedTime: .seconds(1))
    let error = try await failure(limits: limits) { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
      while connection.send("z") { usleep(50_000) }
    }
    #expect(error?.kind == .tooSlow && error?.isTransient == true)
  }

  /// The server thinks for three times as long as a transfer may be slow, before and after an interim answer.
  @Test(arguments: ["GET", "POST"]) func theWaitForTheFirstByteIsNotSlow(method: String) async throws {
    let limits = HTTPLimits(totalTime: .seconds(60), lowSpeed: 1000, lowSpeedTime: .seconds(1))
    let server = try HostileServer { _, connection in
      usleep(3_000_000)
      connection.send("HTTP/1.1 103 Early Hints\r\n\r\n")
      usleep(3_000_000)
      connection.answer("200 OK", body: "thought of")
    }
    let body = method == "POST" ? HTTPRequest.Body.bytes([UInt8](repeating: 0x61, count: 3_000)) : .none
    let answer = try await makeClient().execute(
      HTTPRequest(method, try HTTPURL(server.url), body: body, limits: limits))
    #expect(answer.text == "thought of")
  }

  @Test func anAnswerThatStopsAfterItsHeadIsTooSlow() async throws {
    let limits = HTTPLimits(totalTime: .seconds(60), lowSpeed: 1000, lowSpeedTime: .seconds(1))
    let error = try await failure(limits: limits) { _, connection in
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
      connection.waitForHangUp()
    }
    #expect(error?.kind == .tooSlow && error?.isTransient == true)
  }

  /// More than the socket buffers hold: the upload itself stalls.
  @Test func anUploadThatStopsIsTooSlow() async throws {
    let server = try HostileServer { _, connection in
      connection.answer("200 OK")
      // What comes next over this connection stays unread.
      sleep(120)
    }
    let client = try makeClient()
    _ = try await client.execute(HTTPRequest(url: server.url))
    let limits = HTTPLimits(totalTime: .seconds(60), lowSpeed: 1000, lowSpeedTime: .seconds(1))
    let body = HTTPRequest.Body.bytes([UInt8](repeating: 0x61, count: 64 << 20))
    let error = await httpError {
      _ = try await client.execute(HTTPRequest("PUT", try HTTPURL(server.url), body: body, limits: limits))
    }
    #expect(error?.kind == .tooSlow && server.connections == 1)
  }

  @Test func interimAnswersAreNotTheAnswer() async throws {
    let server = try HostileServer { _, connection in
      connection.send("HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n")
      connection.answer("200 OK", headers: ["X-Real: 2"], body: "ok")
    }
    let answer = try await makeClient().execute(HTTPRequest(url: server.url))
    #expect(answer.status == 200 && answer.text == "ok")
    #expect(answer.headers["x-hint"] == nil && answer.headers["x-real"] == "2")
  }

  @Test func aHeaderWithALineBreakIsNotSent() async throws {
    let server = try HostileServer { _, connection in connection.answer("200 OK") }
    let request = HTTPRequest("GET", try HTTPURL(server.url), headers: ["X-A": "b\r\nX-Evil: 1"])
    let error = await httpError { _ = try await makeClient().execute(request) }
    #expect(error?.kind == .requestRefused)
    #expect(server.requests.isEmpty)
  }
}

@Suite struct RefusedAddressTests {
  @Test func aNameThatLeadsToThisMachineIsRefused() async throws {
    let server = try HostileServer { _, connection in connection.answer("200 OK") }
    let client = try makeClient(allowing: [])
    for host in ["localhost", "127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"] {
      let error = await httpError { _ = try await client.execute(HTTPRequest(url: "http://\(host):\(server.port)/")) }
      #expect(error?.kind == .addressRefused && error?.errorClass == .data, "\(host): \(String(describing: error))")
    }
    #expect(server.connections == 0)
  }

  @Test func aRedirectToAPrivateAddressIsRefused() async throws {
    let inside = try HostileServer(address: "127.0.0.2") { _, connection in
      connection.answer("200 OK", body: "secret")
    }
    let target = inside.url
    let outside = try HostileServer { _, connection in
      connection.answer("302 Found", headers: ["Location: \(target)/latest/meta-data"])
    }
    let client = try makeClient(allowing: ["127.0.0.1"])
    let error = await httpError { _ = try await client.execute(HTTPRequest(url: outside.url)) }
    #expect(error?.kind == .addressRefused)
    #expect(inside.connections == 0)
    #expect(outside.requests.count == 1)
  }

  @Test func redirectsToOtherSchemesAreRefused() async throws {
    for location in ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:6379/_FLUSHALL"] {
      let server = try HostileServer { _, connection in
        connection.answer("302 Found", headers: ["Location: \(location)"])
      }
      let error = await httpError { _ = try await makeClient().execute(HTTPRequest(url: server.url)) }
      #expect(error?.kind == .urlRefused)
    }
  }

  @Test func aRedirectLoopEndsAtTheLimit() async throws {
    let server = try HostileServer { request, connection in
      connection.answer("302 Found", headers: ["Location: /again"], body: "moved")
    }
    var request = try HTTPRequest(url: server.url)
    request.limits.maxRedirects = 3
    let frozen = request
    let error = await httpError { _ = try await makeClient().execute(frozen) }
    #expect(error?.kind == .tooManyRedirects && error?.errorClass == .data)
    #expect(server.requests.count == 4)
    // Short redirect bodies are read, so that one connection serves them all.
    #expect(server.connections == 1)
  }

  @Test func aRedirectIsFollowedToItsEnd() async throws {
    let server = try HostileServer { request, connection in
      if request.path == "/a" {
        connection.answer("301 Moved", headers: ["Location: b/c?x=1"])
      } else {
        connection.answer("200 OK", body: "at \(request.path)")
      }
    }
    let answer = try await makeClient().execute(HTTPRequest(url: "\(server.url)/a"))
    #expect(answer.text == "at /b/c?x=1")
    #expect(answer.head.url.path == "/b/c")
  }

  @Test func connectingNowhereIsTransient() async throws {
    let client = try makeClient()
    let unused = try FreePort.next()
    let error = await httpError { _ = try await client.execute(HTTPRequest(url: "http://127.0.0.1:\(unused)/")) }
    #expect(error?.kind == .connectFailed && error?.isTransient == true)
    let unknown = await httpError { _ = try await client.execute(HTTPRequest(url: "http://nowhere.invalid/")) }
    #expect(unknown?.kind == .nameUnresolved && unknown?.isTransient == true)
  }

  @Test func behindAProxyLiteralPrivateAddressesStayRefused() async throws {
    let proxy = try HostileServer { request, connection in connection.answer("200 OK", body: request.line) }
    let client = try makeClient(allowing: [], proxy: proxy.url)
    let error = await httpError { _ = try await client.execute(HTTPRequest(url: "http://10.0.0.1/")) }
    #expect(error?.kind == .addressRefused)
    let answer = try await client.execute(HTTPRequest(url: "http://portal.invalid/x"))
    #expect(answer.text == "GET http://portal.invalid/x HTTP/1.1")
  }
}
