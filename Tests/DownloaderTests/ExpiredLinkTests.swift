import Catalogue
import Core
@testable import DownloaderService
import Kafka
import ObjectStore
import Pipeline
import Synchronization
import Testing
import TestSupport

@Suite struct ExpiredLinkTests {
  private static let signed = "/f?sv=1&sig=SECRET"

  @Test func anExpiredLinkGoesBackUnchanged() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, out in out.answer("403 Server failed to authenticate the request") }
      let fixture = try DownloadFixture(folder: folder)
      var job = DownloadFixture.job(DownloadFixture.file("\(server.url)\(Self.signed)"))
      // A field that this version does not know goes back too.
      job.value = Array(String(decoding: job.value ?? [], as: UTF8.self).dropLast().utf8) + Array(",\"new\":1}".utf8)
      #expect(try await fixture.handle(job) == .skip(reason: "link_expired"))
      let batch = try #require(fixture.emitted.batches.first)
      #expect(batch.countsByTopic == [Topics.filesExpired.name: 1])
      #expect(batch.firstValue == job.value && batch.firstKey == job.key)
      let headers = Dictionary(batch.firstHeaders.map { ($0.name, $0.text) }, uniquingKeysWith: { $1 })
      #expect(headers[HeaderName.reason] == "link_expired" && headers[HeaderName.attempt] == "1")
      #expect(headers[HeaderName.schema] == Topics.filesExpired.schema.name)
    }
  }

  @Test func afterTheLimitItIsDeadLettered() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, out in out.answer("410 Gone") }
      let fixture = try DownloadFixture(folder: folder, maxRelists: 2)
      func disposition(_ attempt: Int?, name: String) async throws -> String {
        let headers = attempt.map { [Header(HeaderName.attempt, "\($0)")] } ?? []
        let file = DownloadFixture.file("\(server.url)\(Self.signed)", name: name)
        switch try await fixture.handle(DownloadFixture.job(file, headers: headers)) {
        case .skip(let reason): return reason
        case .reject(let rejection): return "dead letter: \(rejection.code)"
        case .keep: return "kept"
        }
      }
      // The crawler passes the count on.
      #expect(try await disposition(1, name: "told.gz") == "link_expired")
      #expect(try await disposition(2, name: "told.gz") == "dead letter: link_expired")
      // It does not: the downloader remembers.
      for _ in 0..<2 { #expect(try await disposition(nil, name: "untold.gz") == "link_expired") }
      #expect(try await disposition(nil, name: "untold.gz") == "dead letter: link_expired")
      // A replayed dead letter starts again.
      #expect(try await disposition(nil, name: "untold.gz") == "link_expired")
    }
  }

  @Test func anExpiredLinkIsNotRequested() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, out in out.answer("200 OK", body: "<Root/>") }
      let fixture = try DownloadFixture(folder: folder, now: "2026-08-24T10:00:00Z")
      let late = await fixture.failure("\(server.url)/f?se=2026-08-24T09%3A58%3A59Z&sig=SECRET")
      #expect(late?.error.code == "link_expired" && late?.error.description.contains("SECRET") == false)
      #expect(server.requests.isEmpty)
      // Clocks differ: within a minute the server decides.
      #expect(await fixture.failure("\(server.url)/f?se=2026-08-24T09%3A59%3A01Z&sig=SECRET") == nil)
    }
  }

  @Test func loginPagesAreExpiredLinksAndOtherPagesAreNot() async throws {
    try await withTemporaryDirectory { folder in
      let form = "<html><form action=/login><input type=\"password\"></form></html>"
      let server = try HostileServer { request, out in
        switch request.path {
        case "/moved": out.answer("302 Found", headers: ["Location: /Account/Login?ReturnUrl=f"])
        case "/form": out.answer("200 OK", body: form)
        default: out.answer("200 OK", body: "<!DOCTYPE html><html>the page you wanted is not here</html>")
        }
      }
      let fixture = try DownloadFixture(folder: folder)
      #expect(await fixture.failure("\(server.url)/form")?.error.code == "link_expired")
      #expect(await fixture.failure("\(server.url)/moved")?.error.code == "link_expired")
      #expect(await fixture.failure("\(server.url)/error")?.error.code == "html_instead_of_file")
      #expect(try await fixture.store.list(prefix: "", from: nil, limit: 10).objects.isEmpty)
    }
  }

  @Test func unsignedLinksKeepTheirStatus() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { request, out in
        out.answer(String(request.path.dropFirst().prefix(3)) + " x")
      }
      let fixture = try DownloadFixture(folder: folder)
      for status in [401, 403, 404, 410] {
        #expect(await fixture.failure("\(server.url)/\(status)?name=f")?.error.code == "http_\(status)")
        #expect(await fixture.failure("\(server.url)/\(status)?sig=x")?.error.code == "link_expired")
      }
      #expect(await fixture.failure("\(server.url)/400?sig=x")?.error.code == "http_400")
      #expect(await fixture.failure("\(server.url)/503?sig=x")?.error.errorClass == .transient)
    }
  }
}
