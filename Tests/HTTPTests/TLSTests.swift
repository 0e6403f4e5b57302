import Core
import Foundation
import HTTP
import LocalServers
import Testing
import TestSupport

/// Against a real TLS server: `openssl s_server` with a certificate of its own.
@Suite struct TLSTests {
  @Test(.timeLimit(.minutes(15))) func certificatesAreCheckedAndAnAuthorityCanBeNamed() async throws {
    try await withTemporaryDirectory { folder in
      let openssl = try Program.require("openssl", package: "the Debian package openssl")
      for (key, certificate) in [("key", "cert"), ("other-key", "authorities")] {
        let made = try await ChildProcess.run(
          Launch(openssl, [
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(folder)/\(key).pem", "-out",
            "\(folder)/\(certificate).pem", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost",
          ]), atMost: .seconds(120))
        #expect(made.status.isSuccess)
      }
      let port = try FreePort.next()
      var launch = Launch(openssl, [
        "s_server", "-accept", "127.0.0.1:\(port)", "-cert", "\(folder)/cert.pem", "-key", "\(folder)/key.pem", "-www",
      ])
      launch.output = .file("\(folder)/log")
      let server = try await ChildProcess.start(launch)

      func fetch(_ host: String, authority: String?) async -> (status: Int?, error: HTTPError?) {
        do {
          let client = try HTTPClient(HTTPConfiguration(
            addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests",
            certificateAuthorityFile: authority))
          return (try await client.execute(HTTPRequest(url: "https://\(host):\(port)/")).status, nil)
        } catch {
          return (nil, error as? HTTPError)
        }
      }
      try await eventually("the server listens") {
        await fetch("localhost", authority: nil).error?.kind != .connectFailed
      }
      // A file that is replaced counts for the next connection of the same client.
      let authorities = "\(folder)/authorities.pem"
      let client = try HTTPClient(HTTPConfiguration(
        addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk-tests", certificateAuthorityFile: authorities))
      let url = try HTTPURL("https://localhost:\(port)/")
      let early = await #expect(throws: HTTPError.self) { try await client.execute(HTTPRequest("GET", url)) }
      #expect(early?.kind == .certificateRefused)
      try FileManager.default.removeItem(atPath: authorities)
      try FileManager.default.copyItem(atPath: "\(folder)/cert.pem", toPath: authorities)
      #expect(try await client.execute(HTTPRequest("GET", url)).status == 200)

      let stranger = await fetch("localhost", authority: nil)
      #expect(stranger.error?.kind == .certificateRefused && stranger.error?.isTransient == true)
      let known = await fetch("localhost", authority: "\(folder)/cert.pem")
      #expect(known.status == 200, "\(String(describing: known.error))")
      let otherName = await fetch("127.0.0.1", authority: "\(folder)/cert.pem")
      #expect(otherName.error?.kind == .certificateRefused)
      let noCertificate = await fetch("localhost", authority: "\(folder)/key.pem")
      #expect(noCertificate.error?.errorClass == .configuration)
      await server.stop()
    }
  }
}
