import Core
import HTTP
import LocalServers
import Testing
import TestSupport

/// Against `nghttpd`, the server of the nghttp2 project, which supports only HTTP/2.
@Suite struct HTTP2Tests {
  private func withServer(
    _ body: (_ url: String, _ authority: String, _ log: String) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { folder in
      let openssl = try Program.require("openssl", package: "the Debian package openssl")
      let made = try await ChildProcess.run(
        Launch(openssl, [
          "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(folder)/key.pem", "-out", "\(folder)/cert.pem",
          "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        ]), atMost: .seconds(120))
      #expect(made.status.isSuccess)
      let shell = try Program.require("sh", package: "nothing")
      let written = try await ChildProcess.run(
        Launch(shell, ["-c", "mkdir \(folder)/www; head -c 100000 /dev/zero > \(folder)/www/zeros"]),
        atMost: .seconds(120))
      #expect(written.status.isSuccess)
      let port = try FreePort.next()
      var launch = Launch(try Program.require("nghttpd", package: "the Debian package nghttp2-server"), [
        "-v", "-a", "127.0.0.1", "-d", "\(folder)/www", "\(port)", "\(folder)/key.pem", "\(folder)/cert.pem",
      ])
      launch.output = .file("\(folder)/log")
      let server = try await ChildProcess.start(launch)
      try await eventually("the server listens") { tail(of: "\(folder)/log").contains("listen 127.0.0.1") }
      try await body("https://localhost:\(port)", "\(folder)/cert.pem", "\(folder)/log")
      await server.stop()
    }
  }

  private func client(_ authority: String, _ protocols: HTTPConfiguration.Protocols) throws -> HTTPClient {
    try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", certificateAuthorityFile: authority,
      protocols: protocols))
  }

  @Test(.timeLimit(.minutes(15))) func manyRequestsShareOneConnection() async throws {
    try await withServer { url, authority, log in
      let client = try client(authority, .http2)
      defer { client.close() }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<60 {
          group.addTask {
            let answer = try await client.execute(HTTPRequest(url: "\(url)/zeros"))
            #expect(answer.status == 200 && answer.body.count == 100_000)
          }
        }
        try await group.waitForAll()
      }
      let missing = try await client.execute(HTTPRequest(url: "\(url)/nothing"))
      #expect(missing.status == 404)
      let text = try readFile(log)
      let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
      let streams = lines.filter { $0.contains("recv HEADERS frame") }
      #expect(streams.count >= 61)
      #expect(Set(streams.compactMap { $0.split(separator: "]").first }).count == 1, "one connection for all")
    }
  }

  @Test(.timeLimit(.minutes(15))) func aClientThatIsNotToldSoDoesNotSpeakIt() async throws {
    try await withServer { url, authority, _ in
      let client = try client(authority, .http1)
      defer { client.close() }
      let error = await httpError { _ = try await client.execute(HTTPRequest(url: "\(url)/zeros")) }
      #expect(error?.isTransient == true)
    }
  }
}
