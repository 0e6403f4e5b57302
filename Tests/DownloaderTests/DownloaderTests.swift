import ArgumentParser
import Core
@testable import DownloaderService
import Glibc
import HTTP
import LocalServers
@testable import ObjectStore
import ObjectStoreFlags
import Testing
import TestSupport
import Values

@Suite struct DownloaderTests {
  private let gzip: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]
    + (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 131) }

  @Test func aFileIsStoredUnderItsContentAndOnlyOnce() async throws {
    try await withTemporaryDirectory { folder in
      let bytes = gzip
      let server = try HostileServer { _, connection in
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\nContent-Type: text/html\r\n\r\n")
        connection.send(bytes)
      }
      let fixture = try DownloadFixture(folder: folder)
      let first = try await fixture.downloader.download(DownloadFixture.file("\(server.url)/f"))
      #expect(first.size == bytes.count && first.sha256 == SHA256.hash(bytes) && first.compression == .gzip)
      #expect(!first.wasPresent)
      #expect(try await fixture.store.bytes(of: first.key, limit: bytes.count) == bytes)
      let second = try await fixture.downloader.download(DownloadFixture.file("\(server.url)/f"))
      #expect(second.wasPresent && second.key == first.key)
      // Nothing of the spool is left beside the store.
      #expect(try await fixture.store.list(prefix: "", from: nil, limit: 10).objects.count == 1)
    }
  }

  @Test func refusalsAreData() async throws {
    try await withTemporaryDirectory { folder in
      let fixture = try DownloadFixture(folder: folder, maxFileBytes: 1000)
      for (status, headers, body, code, stage) in [
        ("404 Not Found", [], "", "http_404", Downloader.Stage.fetch), ("410 Gone", [], "", "http_410", .fetch),
        ("403 Forbidden", [], "", "http_403", .fetch), ("200 OK", [], "", "empty_file", .verify),
        ("200 OK", [], " <!DOCTYPE html><html>login</html>", "html_instead_of_file", .verify),
        ("200 OK", [], String(repeating: "x", count: 1001), "body_too_large", .fetch),
        ("206 Partial Content", [], "x", "http_206", .fetch), ("304 Not Modified", [], "", "http_304", .fetch),
        ("302 Found", ["Location: http://127.0.0.9/secret"], "", "address_refused", .fetch),
        ("302 Found", ["Location: file:///etc/passwd"], "", "url_refused", .fetch),
        ("302 Found", ["Location: /again"], "", "too_many_redirects", .fetch),
      ] as [(String, [String], String, String, Downloader.Stage)] {
        let server = try HostileServer { _, connection in connection.answer(status, headers: headers, body: body) }
        let failure = await fixture.failure("\(server.url)/f")
        #expect(failure?.error.code == code && failure?.error.errorClass == .data, "\(status): \(code)")
        #expect(failure?.stage == stage)
      }
      #expect(try await fixture.store.list(prefix: "", from: nil, limit: 10).objects.isEmpty)
    }
  }

  @Test func transferFailuresAreTransient() async throws {
    try await withTemporaryDirectory { folder in
      let limits = HTTPLimits(totalTime: .seconds(10), lowSpeed: 1000, lowSpeedTime: .seconds(1))
      let fixture = try DownloadFixture(folder: folder, limits: limits)
      let scripts: [(String, @Sendable (HostileServer.Connection) -> Void)] = [
        ("http_503", { $0.answer("503 Busy") }), ("http_429", { $0.answer("429 Slow", headers: ["Retry-After: 3"]) }),
        ("truncated_body", {
          $0.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort")
          $0.hangUp()
        }),
        ("connection_lost", { $0.hangUp() }),
        ("too_slow", {
          $0.send("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
          while $0.send("z") { usleep(50_000) }
        }),
      ]
      for (code, script) in scripts {
        let server = try HostileServer { _, connection in script(connection) }
        let failure = await fixture.failure("\(server.url)/f?sig=TOPSECRET")
        #expect(failure?.error.code == code && failure?.error.errorClass == .transient, "\(code)")
        #expect(failure.map { !"\($0.error)".contains("TOPSECRET") } == true)
      }
      #expect(try await fixture.store.list(prefix: "", from: nil, limit: 10).objects.isEmpty)
    }
  }

  @Test func aChunkedBodyOverTheLimitIsCutOff() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, connection in
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while connection.send("1000\r\n" + String(repeating: "x", count: 4096) + "\r\n") {}
      }
      let failure = try await DownloadFixture(folder: folder, maxFileBytes: 100_000).failure(server.url)
      #expect(failure?.error.code == "body_too_large")
    }
  }

  @Test func localFilesComeFromBelowTheRoot() async throws {
    try await withTemporaryDirectory { folder in
      let root = "\(folder)/root"
      mkdir(root, 0o700)
      mkdir("\(folder)/store", 0o700)
      let files = try FileStore(path: root)
      _ = try await files.put(ObjectBody(gzip), at: ObjectKey("a b.gz"), contentType: "x/y")
      _ = try await FileStore(path: folder).put(ObjectBody([1]), at: ObjectKey("secret"), contentType: "x/y")
      #expect(symlink("\(folder)/secret", "\(root)/link") == 0)
      #expect(mkfifo("\(root)/pipe", 0o600) == 0)
      let fixture = try DownloadFixture(folder: "\(folder)/store", fileRoot: root)
      let stored = try await fixture.downloader.download(DownloadFixture.file("file://\(root)/a%20b.gz"))
      #expect(stored.sha256 == SHA256.hash(gzip))
      for (path, code) in [
        ("/link", "file_url_refused"), ("/pipe", "file_url_refused"), ("/../secret", "file_url_refused"),
        ("", "file_url_refused"), ("/missing", "file_missing"),
      ] {
        let failure = await fixture.failure("file://\(root)\(path)")
        #expect(failure?.error.code == code && failure?.error.errorClass == .data, "\(path)")
      }
      let small = try DownloadFixture(folder: "\(folder)/store", fileRoot: root, maxFileBytes: 100)
      #expect(await small.failure("file://\(root)/a%20b.gz")?.error.code == "file_too_large")
    }
  }

  @Test func anUnconfirmedUploadFails() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, connection in connection.answer("200 OK", body: "<Root/>") }
      for answer: @Sendable (ObjectKey) throws -> ObjectInfo? in [
        { _ in nil }, { ObjectInfo(key: $0, size: 6) },
        { ObjectInfo(key: $0, size: 7, sha256: SHA256.hash("other")) },
        { _ in throw ObjectStoreError(.unavailable, "down") },
      ] {
        let fixture = try DownloadFixture(folder: folder, store: LyingStore(answer))
        let failure = await fixture.failure(server.url)
        #expect(failure?.stage == .store && failure?.error.errorClass == .transient)
      }
    }
  }

  @Test(.timeLimit(.minutes(15))) func storesIntoARealServer() async throws {
    let server = try await TestServers.seaweed()
    var options = try ObjectStoreOptions.parse([
      "--object-store", "s3://souk-\(TestServers.uniqueName())/in", "--s3-endpoint", server.endpoint,
    ])
    options.credentials.awsAccessKeyID = server.accessKeyID
    options.credentials.awsSecretAccessKey = server.secretAccessKey
    let store = try options.makeStore()
    try await store.prepare()
    try await withTemporaryDirectory { folder in
      let bytes = gzip
      let portal = try HostileServer { _, connection in
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\n\r\n")
        connection.send(bytes)
      }
      let fixture = try DownloadFixture(folder: folder, store: store)
      let name = "Price ״מבצע״+&7290-001.gz"
      let file = DownloadFixture.file(portal.url, name: name)
      let stored = try await fixture.downloader.download(file)
      #expect(try await store.bytes(of: stored.key, limit: bytes.count) == bytes)
      #expect(try await store.head(stored.key)?.sha256 == SHA256.hash(bytes))
      #expect(try await fixture.downloader.download(file).wasPresent)
    }
  }
}
