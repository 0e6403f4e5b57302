import Core
import Foundation
import HTTP
import LocalServers
import Portals
import Testing
import TestSupport

@testable import CrawlerService

/// Against real servers: pyftpdlib and ProFTPD, of Debian.
@Suite struct FTPEngineTests {
  private static let user = "souk_chain"
  private static let password = "s3 cret/@"

  @Test(arguments: ["tls", "proftpd"])
  func listsByMachineReadableListingOverTLSAndTheLinksCanBeFetched(mode: String) async throws {
    try await withServer(mode) { port, folder, authority in
      let engine = try FTPEngine(context(port, authority))
      let files = try await allFiles(engine).sorted { $0.fileName < $1.fileName }
      #expect(files.map(\.fileName) == [
        "PriceFull7290000000017-001-202601020300.gz", "Stores7290000000017-202601020300.xml",
      ])
      #expect(files.map(\.size) == [5, 3] && files.allSatisfy { $0.chain == "ftp_chain" })

      let link = try #require(try await engine.link(to: files[0]))
      #expect(link == "ftps://localhost:\(port)/in/PriceFull7290000000017-001-202601020300.gz")
      let login = FTPRequest.Login(user: Self.user, password: Self.password)
      let client = try client(authority)
      let bytes = try await client.stream(FTPRequest(.retrieve, FTPURL(link), login: login)) { body in
        var bytes: [UInt8] = []
        while let chunk = try await body.next() { bytes += chunk }
        return bytes
      }
      #expect(String(decoding: bytes, as: UTF8.self) == "hello")

      // The same name with other bytes is another publication.
      try Data("longer".utf8).write(to: URL(fileURLWithPath: folder + "/in/" + files[0].fileName))
      let again = try await allFiles(engine).first { $0.fileName == files[0].fileName }
      #expect(again?.fingerprint != files[0].fingerprint && again?.size == 6)
    }
  }

  @Test func aServerWithoutMachineListingsIsReadByNames() async throws {
    try await withServer("names") { port, _, authority in
      let files = try await allFiles(FTPEngine(context(port, authority, pattern: "*PRICEF*")))
      #expect(files.map(\.fileName) == ["PriceFull7290000000017-001-202601020300.gz"])
      #expect(files.first?.size == nil)
    }
  }

  @Test(arguments: ["tls", "proftpd"]) func aWrongPasswordIsReported(mode: String) async throws {
    try await withServer(mode) { port, _, authority in
      let engine = try FTPEngine(context(port, authority, password: "wrong"))
      let error = await #expect(throws: PortalError.self) { try await allFiles(engine) }
      #expect(error?.kind == .loginRefused)
      #expect("\(String(describing: error))".contains("wrong") == false)
    }
  }

  /// A password is never sent in the clear, also when a server, or an attacker in between, claims not to support TLS.
  @Test func withoutTLSNothingIsSent() async throws {
    try await withServer("plain") { port, _, authority in
      await #expect(throws: HTTPError.self) { try await allFiles(FTPEngine(context(port, authority))) }
      let clear = try FTPEngine(context(port, authority, scheme: "ftp"))
      #expect(try await allFiles(clear).count == 2)
    }
  }

  @Test func machineListingsAreReadAsTheirStandardSays() {
    let body = """
      Type=file;Size=12;Modify=20260102030405;UNIX.mode=0644; a name.gz\r\ntype=dir; d\r\n type\r\nrubbish\r\n
      """
    let (entries, malformed) = FTPListing.machine(Array(body.utf8))
    #expect(entries == [
      FTPEntry(name: "a name.gz", size: 12, modified: "20260102030405"), FTPEntry(name: "d", isFile: false),
      FTPEntry(name: "type"),
    ])
    #expect(malformed == 1)
    #expect(FTPListing.names(Array("in/a.gz\r\nb.gz\n".utf8)).map(\.name) == ["a.gz", "b.gz"])
  }

  private func context(
    _ port: Int, _ authority: String, password: String = password, pattern: String? = nil, scheme: String = "ftps"
  ) throws -> EngineContext {
    var chain = Chain(
      slug: "ftp_chain", engine: "ftp", locator: "\(scheme)://localhost:\(port)", path: "/in", user: Self.user,
      password: Secret(password))
    chain.options["pattern"] = pattern
    return try engineContext(chain, attempts: 1, client: client(authority))
  }

  private func client(_ authority: String) throws -> HTTPClient {
    try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", certificateAuthorityFile: authority))
  }

  private func withServer(
    _ mode: String, _ body: (_ port: Int, _ folder: String, _ authority: String) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { folder in
      let certificate = folder + "/server.pem"
      let openssl = try Program.require("openssl", package: "the Debian package openssl")
      let made = try await ChildProcess.run(
        Launch(openssl, [
          "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", certificate, "-out", folder + "/cert.pem",
          "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        ]), atMost: .seconds(120))
      #expect(made.status.isSuccess)
      let authority = try Data(contentsOf: URL(fileURLWithPath: folder + "/cert.pem"))
      var both = try Data(contentsOf: URL(fileURLWithPath: certificate))
      both.append(authority)
      try both.write(to: URL(fileURLWithPath: certificate))
      let files = folder + "/files/in"
      try FileManager.default.createDirectory(atPath: files + "/below", withIntermediateDirectories: true)
      for (name, text) in [
        ("PriceFull7290000000017-001-202601020300.gz", "hello"), ("Stores7290000000017-202601020300.xml", "abc"),
        ("readme.txt", "no price file"),
      ] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: files + "/" + name))
      }

      if mode == "proftpd" {
        let server = try await ProFTPD.start(
          root: folder + "/files", user: Self.user, password: Self.password, certificate: certificate, folder: folder)
        do {
          try await body(Int(server.port), folder + "/files", folder + "/cert.pem")
        } catch {
          await server.stop()
          throw error
        }
        return await server.stop()
      }
      let server = try await LocalFTPServer.start(
        root: folder + "/files", user: Self.user, password: Self.password,
        certificate: mode == "plain" ? nil : certificate, namesOnly: mode == "names")
      do {
        try await body(server.port, folder + "/files", folder + "/cert.pem")
      } catch {
        await server.stop()
        throw error
      }
      await server.stop()
    }
  }
}
