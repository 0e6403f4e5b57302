import HTTP
import Testing
import TestSupport

/// A name that does not resolve is an outage of its host, on every attempt, and of no other host.
@Suite struct NameLookupTests {
  @Test func anUnknownHostStaysAnOutageAndOthersGoOn() async throws {
    let server = try HostileServer { request, connection in connection.answer("200 OK", body: request.path) }
    let client = try makeClient()
    for attempt in 1...3 {
      let error = await httpError { _ = try await client.execute(HTTPRequest(url: "http://nowhere.invalid/")) }
      #expect(error?.kind == .nameUnresolved, "attempt \(attempt): \(String(describing: error))")
      #expect(try await client.execute(HTTPRequest(url: "\(server.url)/\(attempt)")).text == "/\(attempt)")
    }
    // Both at once, with buffers of two sizes.
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<24 {
        group.addTask {
          var request = try HTTPRequest(url: index % 2 == 0 ? "http://nowhere.invalid/" : "\(server.url)/\(index)")
          request.limits.bufferBytes = index % 3 == 0 ? 16 << 10 : 1 << 20
          let frozen = request
          if index % 2 == 0 {
            let error = await httpError { _ = try await client.execute(frozen) }
            #expect(error?.kind == .nameUnresolved, "\(index): \(String(describing: error))")
          } else {
            #expect(try await client.execute(frozen).text == "/\(index)")
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
