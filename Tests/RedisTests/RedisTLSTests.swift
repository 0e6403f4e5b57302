import Core
import LocalServers
import Redis
import Testing
import TestSupport

/// `rediss://` against a real server that speaks TLS.
@Suite struct RedisTLSTests {
  /// A server whose TLS port has a certificate for 127.0.0.1; its plain port stays open beside it.
  private func withServer(
    _ body: (_ server: PrivateRedis, _ port: UInt16, _ authority: TestAuthority) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { folder in
      let authority = try await TestAuthority(in: folder)
      let (chain, key) = try await authority.issue("redis", for: "IP:127.0.0.1")
      let port = try FreePort.next()
      let server = try await PrivateRedis.start([
        "--tls-port", "\(port)", "--tls-cert-file", chain, "--tls-key-file", key, "--tls-ca-cert-file", authority.file,
        "--tls-auth-clients", "no", "--requirepass", "open sesame",
      ])
      try await body(server, port, authority)
      await server.stop()
    }
  }

  private func client(_ url: String, _ authorities: String?, timeout: Duration = .seconds(5)) throws -> RedisClient {
    var configuration = RedisConfiguration(url: try RedisURL(url), timeout: timeout, clientName: "tls")
    configuration.certificateAuthorityFile = authorities
    return RedisClient(configuration)
  }

  @Test func commandsOfEverySizeAndAReconnect() async throws {
    try await withServer { server, port, authority in
      let client = try client("rediss://:open%20sesame@127.0.0.1:\(port)/2", authority.file)
      // Larger than any buffer on the way, and many at once.
      let large = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      _ = try await client.send(RedisCommand("SET", [Array("large".utf8), large]))
      #expect(try await client.send(RedisCommand("GET", "large")).bytes == large)
      let replies = try await client.sendAll((0..<5_000).map { RedisCommand("APPEND", "log", "\($0 % 10)") })
      #expect(replies.last?.integer == 5_000)
      let listed = try await client.send(RedisCommand("CLIENT", "LIST")).text ?? ""
      #expect(listed.contains("name=tls") && listed.contains("db=2"))
      await server.halt()
      await #expect { try await client.ping() } throws: { ($0 as? RedisError)?.errorClass == .transient }
      try await server.resume()
      try await eventually("the server answers again") { (try? await client.ping()) != nil }
    }
  }

  @Test func onlyATrustedCertificateForTheHostIsAccepted() async throws {
    try await withServer { server, port, authority in
      func failure(_ url: String, _ authorities: String?) async throws -> RedisError? {
        let client = try client(url, authorities)
        return await #expect(throws: RedisError.self) { try await client.ping() }
      }
      // Not signed by an authority of the system; for another name; a file that is not there.
      for (url, authorities, code) in [
        ("rediss://:open%20sesame@127.0.0.1:\(port)", nil, "redis_certificate_refused"),
        ("rediss://:open%20sesame@localhost:\(port)", authority.file, "redis_certificate_refused"),
        ("rediss://:open%20sesame@127.0.0.1:\(port)", "/nowhere.pem", "redis_ca_unreadable"),
      ] as [(String, String?, String)] {
        let error = try await failure(url, authorities)
        #expect(error?.code == code && error?.errorClass == .configuration, "\(String(describing: error))")
        #expect(error.map { "\($0)" }?.contains("sesame") == false)
      }
      // A port without TLS answers with something else, or with nothing.
      let plain = try await failure("rediss://:open%20sesame@127.0.0.1:\(server.port)", authority.file)
      let expected = ["redis_tls_refused", "redis_timeout", "redis_closed"]
      #expect(expected.contains(plain?.code ?? ""), "\(String(describing: plain))")
      let wrong = try await failure("rediss://:wrong@127.0.0.1:\(port)", authority.file)
      #expect(wrong?.code == "redis_wrongpass" && wrong?.errorClass == .configuration)
    }
  }

  @Test func aServerThatFallsSilentTimesOut() async throws {
    try await withServer { server, port, authority in
      let client = try client(
        "rediss://:open%20sesame@127.0.0.1:\(port)", authority.file, timeout: .seconds(2))
      try await client.ping()
      await #expect {
        _ = try await client.send(RedisCommand("BLPOP", "nothing", "600"))
      } throws: { ($0 as? RedisError)?.code == "redis_timeout" }
      try await client.ping()
    }
  }
}
