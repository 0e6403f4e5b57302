import Core
import HTTP
import Synchronization
import Testing
import TestSupport

@testable import CrawlerService

@Suite struct ListingClientTests {
  private func client(attempts: Int = 4, cacheBytes: Int = 1 << 20, userAgent: String? = nil) throws -> ListingClient {
    ListingClient(
      source: "c",
      client: try HTTPClient(HTTPConfiguration(addresses: AddressPolicy(allowsPrivate: true), userAgent: "plain")),
      limits: HTTPLimits(), userAgent: userAgent,
      retries: .init(attempts: attempts, backoff: Backoff(base: .milliseconds(1), cap: .milliseconds(5))),
      cache: ListingCache(limit: cacheBytes), logger: quietLogger())
  }

  @Test func anUnchangedListingIsNotSentAgain() async throws {
    let server = try HostileServer { request, connection in
      if request.headers["if-none-match"] == "\"v1\"" {
        connection.answer("304 Not Modified", headers: ["ETag: \"v1\""])
      } else {
        connection.answer("200 OK", headers: ["ETag: \"v1\""], body: "rows")
      }
    }
    let url = try HTTPURL(server.url + "/listing?page=1")
    let client = try client()
    for _ in 0..<3 { #expect(try await client.get(url).text == "rows") }
    #expect(server.requests.map { $0.headers["if-none-match"] } == [nil, "\"v1\"", "\"v1\""])
    // Another page and another session are other listings.
    #expect(try await client.get(HTTPURL(server.url + "/listing?page=2")).text == "rows")
    #expect(try await client.get(url, headers: ["Cookie": "user=2"]).text == "rows")
    #expect(server.requests.suffix(2).allSatisfy { $0.headers["if-none-match"] == nil })
  }

  @Test func aChangedListingReplacesTheOneThatWasKept() async throws {
    let version = Mutex(1)
    let server = try HostileServer { request, connection in
      let now = version.withLock { $0 }
      let date = "Thu, 0\(now) Jan 2026 00:00:00 GMT"
      if request.headers["if-modified-since"] == date {
        connection.answer("304 Not Modified")
      } else {
        connection.answer("200 OK", headers: ["Last-Modified: \(date)"], body: "v\(now)")
      }
    }
    let (client, url) = (try client(), try HTTPURL(server.url + "/"))
    #expect(try await client.get(url).text == "v1")
    #expect(try await client.get(url).text == "v1")
    version.withLock { $0 = 2 }
    #expect(try await client.get(url).text == "v2")
    #expect(try await client.get(url).text == "v2")
  }

  @Test func theCacheIsBounded() async throws {
    let server = try HostileServer { request, connection in
      connection.answer("200 OK", headers: ["ETag: \"e\""], body: String(repeating: "x", count: 60))
    }
    let client = try client(cacheBytes: 100)
    for page in [1, 2, 2, 1] { _ = try await client.get(HTTPURL("\(server.url)/\(page)")) }
    // Two do not fit: the older one was dropped.
    #expect(server.requests.map { $0.headers["if-none-match"] != nil } == [false, false, true, false])
    let none = try self.client(cacheBytes: 0)
    for _ in 0..<2 { _ = try await none.get(HTTPURL("\(server.url)/none")) }
    #expect(server.requests.suffix(2).allSatisfy { $0.headers["if-none-match"] == nil })
  }

  @Test func transientErrorsAreRetriedAndRefusalsAreNot() async throws {
    let server = try HostileServer { request, connection in
      switch request.path {
      case "/busy": connection.answer("429 Too Many Requests", headers: ["Retry-After: 0"])
      default: connection.answer("403 Forbidden")
      }
    }
    let client = try client(attempts: 3)
    let busy = await #expect(throws: HTTPError.self) { try await client.get(HTTPURL(server.url + "/busy")) }
    #expect(busy?.kind == .status(429) && server.requests.count == 3)
    let refused = await #expect(throws: HTTPError.self) { try await client.get(HTTPURL(server.url + "/no")) }
    #expect(refused?.kind == .status(403) && server.requests.count == 4)
  }

  @Test func formsAndUserAgents() async throws {
    let server = try HostileServer { _, connection in
      connection.answer("302 Found", headers: ["Location: /elsewhere"])
    }
    let client = try client(userAgent: "a browser")
    let form = HTTPRequest.form(
      try HTTPURL(server.url + "/login"), [("user name", "a&b=c"), ("p", "ש +")], headers: [:], limits: client.limits)
    let answer = try await client.send(form) { $0 == 302 }
    #expect(answer.status == 302)
    let request = try #require(server.requests.first)
    #expect(String(decoding: request.body, as: UTF8.self) == "user%20name=a%26b%3Dc&p=%D7%A9%20%2B")
    #expect(request.headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") == true)
    #expect(request.headers["user-agent"] == "a browser" && server.requests.count == 1)
  }

  @Test func requestsToOneHostAreSpacedIndependentlyOfOtherHosts() {
    let (pace, start) = (HostRateLimiter(), ContinuousClock.now)
    func turn(_ host: String, after: Duration = .zero) -> Duration {
      pace.reserve(host, gap: .seconds(2), now: start + after) - start
    }
    #expect((turn("a"), turn("a"), turn("b"), turn("a")) == (.zero, .seconds(2), .zero, .seconds(4)))
    #expect(turn("a", after: .seconds(60)) == .seconds(60))
    pace.hold("b", for: .seconds(100), now: start)
    pace.hold("b", for: .seconds(10), now: start)
    #expect((turn("b"), turn("b")) == (.seconds(100), .seconds(102)))
  }
}
