import Catalogue
import Core
import Foundation
import HTTP
import Kafka
import LocalServers
import Testing
import TestSupport

extension GatewayProcessTests {
  /// Status of one request; the body is left unread, because that of a stream never ends.
  private func status(_ client: HTTPClient, _ method: String, _ url: String, _ token: String?) async throws -> Int {
    let headers: HTTPHeaders = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
    return try await client.stream(HTTPRequest(method, try HTTPURL(url), headers: headers)) { head, _ in head.status }
  }

  private static func client() throws -> HTTPClient {
    try HTTPClient(HTTPConfiguration(addresses: AddressPolicy(allowsPrivate: true), userAgent: "test"))
  }

  private static func token(_ scope: String) -> String { "0123456789abcdef-\(scope)" }

  /// Each operation of the document with each scope. A parameter that no operation has lets a request through the door
  /// and ends it before its effect: 400 means that the token was enough.
  @Test(.timeLimit(.minutes(15))) func everyOperationWantsItsScopeAndNoOther() async throws {
    let server = try await TestServers.redisWithModules()
    let broker = try EmbeddedBroker(topics: Self.topics.map { ($0.name, 1) })
    defer { broker.close() }
    let scopes = ["read", "write", "jobs", "users"]
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/tokens.yaml"
      try ("tokens:\n" + scopes.map { "  - {name: \($0), token: \(Self.token($0)), scopes: [\($0)]}\n" }.joined())
        .write(toFile: file, atomically: true, encoding: .utf8)
      let (process, base) = try await start(server.url, broker, [
        "TOKENS_FILE": file, "VIEWS_ENABLED": "true", "OBJECT_STORE": "file://\(folder)",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "INFLUX_URL": "http://127.0.0.1:1",
        "INFLUX_DATABASE": "egx",
      ])
      let client = try Self.client()
      let document = try await client.execute(HTTPRequest("GET", try HTTPURL("\(base)/openapi.json"))).body
      let root = try #require(try JSONSerialization.jsonObject(with: Data(document)) as? [String: Any])
      let paths = try #require(root["paths"] as? [String: [String: Any]])
      var seen: Set<String> = []
      for (path, operations) in paths {
        let url = base + path.replacing("/api/v1", with: "").replacing(/\{[^}]*\}/, with: "x") + "?nosuch=1"
        for (method, operation) in operations {
          let security = (operation as? [String: Any])?["security"] as? [[String: [String]]] ?? []
          // The document itself is open to all.
          guard let wanted = security.first?["token"]?.first else { continue }
          seen.insert(wanted)
          let name = "\(method) \(path)"
          if method != "get" { #expect(wanted != "read" || name.hasPrefix("post"), "\(name) changes something") }
          #expect(try await status(client, method.uppercased(), url, nil) == 401, "\(name) without a token")
          #expect(try await status(client, method.uppercased(), url, "0123456789abcdef-other") == 401, "\(name)")
          for scope in scopes {
            let answer = try await status(client, method.uppercased(), url, Self.token(scope))
            #expect(answer == (scope == wanted ? 400 : 403), "\(name) with \(scope)")
          }
        }
      }
      #expect(seen == Set(scopes), "an operation for each scope was tried")
      await process.terminate()
    }
  }

  @Test(.timeLimit(.minutes(15))) func tokensAreReadAgainWithoutARestart() async throws {
    let server = try await TestServers.redisWithModules()
    try await withTemporaryDirectory { folder in
      let (file, secret) = ("\(folder)/tokens.yaml", "\(folder)/token")
      func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
      }
      try write(Self.token("first"), to: secret)
      try write("tokens:\n  - {name: a, token: \"file:\(secret)\"}\n", to: file)
      let (process, base) = try await start(server.url, nil, ["TOKENS_FILE": file])
      let client = try Self.client()
      func status(_ token: String) async throws -> Int {
        try await self.status(client, "GET", "\(base)/system/ingestion/health", Self.token(token))
      }
      try await eventually("the token of the file is let in") { try await status("first") == 200 }
      #expect(try await status("second") == 401)
      // Another secret behind the same entry, then another entry.
      try write(Self.token("second"), to: secret)
      try await eventually("the new one is let in") { try await status("second") == 200 }
      #expect(try await status("first") == 401)
      try write("tokens:\n  - {name: b, token: \(Self.token("third"))}\n", to: file)
      try await eventually("the new entry is let in") { try await status("third") == 200 }
      #expect(try await status("second") == 401)
      // A mistake changes nothing, and is told.
      try write("tokens:\n  - {name: c, token: short}\n", to: file)
      try await eventually("it is told") {
        _ = try await status("third")
        return process.log.contains { $0.contains("the file of tokens cannot be used") }
      }
      #expect(try await status("third") == 200)
      await process.terminate()
    }
  }
}
