import Core
import Foundation
import HTTP
import LocalServers
import Testing
import TestSupport

/// Against a real FTP server, in the clear and with TLS.
@Suite struct FTPTests {
  private func get(
    _ client: HTTPClient, _ action: FTPRequest.Action, _ url: String, _ server: LocalFTPServer?,
    limits: HTTPLimits = HTTPLimits(totalTime: .seconds(60))
  ) async throws -> [UInt8] {
    let login = server.map { FTPRequest.Login(user: $0.user, password: $0.password) }
    let request = try FTPRequest(action, FTPURL(url), login: login, limits: limits)
    return try await client.stream(request) { body in
      var bytes: [UInt8] = []
      while let chunk = try await body.next() { bytes += chunk }
      return bytes
    }
  }

  private func withTree(_ body: (String, [UInt8]) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      let content = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
      try FileManager.default.createDirectory(atPath: "\(folder)/tree/Yuda", withIntermediateDirectories: true)
      try Data(content).write(to: URL(fileURLWithPath: "\(folder)/tree/Yuda/Price-1 (א).gz"))
      try Data().write(to: URL(fileURLWithPath: "\(folder)/tree/empty"))
      try await body("\(folder)/tree", content)
    }
  }

  @Test(.timeLimit(.minutes(10))) func filesAndFoldersAreRead() async throws {
    try await withTree { root, content in
      let server = try await LocalFTPServer.start(root: root)
      let client = try makeClient()
      let path = "/Yuda/Price-1%20(%D7%90).gz"
      let small = HTTPLimits(totalTime: .seconds(60), bufferBytes: 4096)
      for limits in [HTTPLimits(totalTime: .seconds(60)), small] {
        #expect(try await get(client, .retrieve, server.url(path), server, limits: limits) == content)
      }
      #expect(try await get(client, .retrieve, server.url("/empty"), server).isEmpty)
      let names = String(decoding: try await get(client, .listNames, server.url("/"), server), as: UTF8.self)
      #expect(Set(names.split(whereSeparator: \.isNewline)) == ["Yuda", "empty"])
      let facts = String(decoding: try await get(client, .listFacts, server.url("/Yuda/"), server), as: UTF8.self)
      #expect(facts.lowercased().contains("size=700000;") && facts.contains("Price-1 (א).gz"))
      await server.stop()
    }
  }

  @Test(.timeLimit(.minutes(10))) func refusalsHaveTheirKind() async throws {
    try await withTree { root, _ in
      let server = try await LocalFTPServer.start(root: root)
      let client = try makeClient()
      let path = "/Yuda/Price-1%20(%D7%90).gz"
      for (action, path, kind) in [
        (FTPRequest.Action.retrieve, "/missing.gz", HTTPError.Kind.notFound),
        (.retrieve, "/nowhere/f.gz", .notFound), (.retrieve, "/Yuda/", .urlRefused), (.listNames, "/Yuda", .urlRefused),
        (.retrieve, "/x%0d%0aDELE%20empty", .urlRefused),
      ] {
        let error = await httpError { _ = try await get(client, action, server.url(path), server) }
        #expect(error?.kind == kind && error?.errorClass == .data, "\(path): \(error as Any)")
      }
      let stranger = await httpError { _ = try await get(client, .retrieve, server.url("/empty"), nil) }
      #expect(stranger?.kind == .loginRefused)
      let limits = HTTPLimits(totalTime: .seconds(60), maxBodyBytes: 699_999)
      let large = await httpError { _ = try await get(client, .retrieve, server.url(path), server, limits: limits) }
      #expect(large?.kind == .bodyTooLarge)
      for text in ["ftp://u:p@h/f", "ftp://", "ftp://h/f;type=d", "http://h/f"] {
        #expect(throws: HTTPError.self) { try FTPURL(text) }
      }
      #expect(try FTPURL("ftps://Host/f").port == 21 && FTPURL("ftps://host/f").requiresTLS)
      let login = FTPRequest.Login(user: "a\r\nDELE empty", password: "")
      let request = try FTPRequest(.retrieve, FTPURL(server.url("/empty")), login: login)
      let injected = await httpError { try await client.stream(request) { body in _ = try await body.next() } }
      #expect(injected?.kind == .loginRefused && !"\(login) \(request)".contains("DELE"))
      #expect(FileManager.default.fileExists(atPath: "\(root)/empty"))
      await server.stop()
    }
  }

  /// A server may name any address for the data: the client must not connect to one that it may not fetch from.
  @Test(.timeLimit(.minutes(10))) func theAddressOfTheDataIsCheckedToo() async throws {
    try await withTree { root, _ in
      let server = try await LocalFTPServer.start(root: root, masquerade: "10.1.2.3")
      let client = try makeClient()
      let error = await httpError { _ = try await get(client, .retrieve, server.url("/empty"), server) }
      #expect(error?.kind == .addressRefused && error?.message.contains("10.1.2.3") == true)
      let outside = await httpError { _ = try await get(client, .retrieve, "ftp://10.1.2.3/f", nil) }
      #expect(outside?.kind == .addressRefused)
      await server.stop()
    }
  }

  @Test(.timeLimit(.minutes(10))) func withTLSNothingIsSaidInTheClear() async throws {
    try await withTree { root, content in
      let openssl = try Program.require("openssl", package: "the Debian package openssl")
      let made = try await ChildProcess.run(
        Launch(openssl, [
          "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(root)/../key.pem", "-out",
          "\(root)/../cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
        ]), atMost: .seconds(120))
      #expect(made.status.isSuccess)
      let pair = "\(root)/../pair.pem"
      let text = try ["key", "cert"].map { try String(contentsOfFile: "\(root)/../\($0).pem", encoding: .utf8) }
      try text.joined().write(toFile: pair, atomically: true, encoding: .utf8)
      let server = try await LocalFTPServer.start(root: root, certificate: pair)
      let path = "/Yuda/Price-1%20(%D7%90).gz"
      let trusting = try HTTPClient(HTTPConfiguration(
        addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests",
        certificateAuthorityFile: "\(root)/../cert.pem"))
      #expect(try await get(trusting, .retrieve, server.url(path, scheme: "ftps"), server) == content)
      let wary = try makeClient()
      let error = await httpError { _ = try await get(wary, .retrieve, server.url(path, scheme: "ftps"), server) }
      #expect(error?.kind == .certificateRefused)
      await server.stop()
      // One that insists on resumed sessions, and shakes hands for the data only when it was asked for some.
      let strict = try await ProFTPD.start(
        root: root, user: server.user, password: server.password, certificate: pair, folder: "\(root)/..")
      let url = "ftps://127.0.0.1:\(strict.port)"
      for _ in 0..<3 { #expect(try await get(trusting, .retrieve, url + path, server) == content) }
      let facts = String(decoding: try await get(trusting, .listFacts, url + "/Yuda/", server), as: UTF8.self)
      #expect(facts.lowercased().contains("size=700000;") && facts.contains("Price-1 (א).gz"))
      await strict.stop()
      // A server without TLS is not spoken to in the clear when TLS was asked for.
      let plain = try await LocalFTPServer.start(root: root)
      let refused = await httpError { _ = try await get(wary, .retrieve, plain.url("/empty", scheme: "ftps"), plain) }
      #expect(refused?.kind == .tlsFailed)
      await plain.stop()
    }
  }
}
