import Catalogue
import Core
@testable import DownloaderService
import Kafka
import Messages
import ObjectStore
import Pipeline
import ServiceKit
import Testing
import TestSupport
import Values

@Suite struct DownloadHandlerTests {
  @Test func aStoredFileIsAnnounced() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, connection in connection.answer("200 OK", body: "<Root/>") }
      let fixture = try DownloadFixture(folder: folder)
      let file = DownloadFixture.file("\(server.url)/f")
      let trace = TraceParent.root()
      let job = DownloadFixture.job(file, headers: [Header("traceparent", trace.description)])
      let disposition = try await fixture.handle(job)
      #expect(disposition == .keep)
      let batch = try #require(fixture.emitted.batches.first)
      #expect(batch.count == 1 && batch.countsByTopic == [Topics.filesDownloaded.name: 1])
      let message = try FileDownloaded(decoding: batch.firstValue)
      #expect(message.chain == "7290" && message.storeID == "1" && message.fileType == .priceFull)
      #expect(message.sha256 == SHA256.hash("<Root/>").hex)
      #expect(message.bytes == 7 && message.compression == Compression.none)
      #expect(message.discoveredAt == file.timestamp && message.downloadedAt == Timestamp("2026-01-02T03:04:05Z"))
      #expect(message.fileTime == file.fileTime && message.fileName == file.fileName && message.url == file.url)
      let url = try #require(message.s3Path)
      #expect(url.hasPrefix("file://"))
      let bytes = try await fixture.store.get(url: url) { _, reader in try await reader.next() }
      #expect(bytes == Array("<Root/>".utf8))
      #expect(message.localPath?.hasPrefix(folder) == true)
      #expect(batch.firstKey == Array("7290/1".utf8))
      let headers = Dictionary(batch.firstHeaders.map { ($0.name, $0.text) }, uniquingKeysWith: { $1 })
      #expect(headers["souk-schema"] == "gogobe.files.downloaded")
      #expect(headers["souk-produced-by"]?.hasPrefix("downloader/") == true)
      #expect(headers["traceparent"].flatMap { TraceParent($0) }?.traceIDHigh == trace.traceIDHigh)
    }
  }

  @Test func aRepeatedJobGivesTheSameMessage() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, connection in connection.answer("200 OK", body: "<Root/>") }
      let fixture = try DownloadFixture(folder: folder)
      let job = DownloadFixture.job(DownloadFixture.file("\(server.url)/f"))
      for _ in 0..<2 { #expect(try await fixture.handle(job) == .keep) }
      let values = fixture.emitted.batches.map(\.firstValue)
      #expect(values.count == 2 && values[0] == values[1])
    }
  }

  @Test func badJobsAreRejectedWithTheirStage() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, connection in connection.answer("404 Not Found") }
      let fixture = try DownloadFixture(folder: folder)
      for (job, code, stage) in [
        (DownloadFixture.job(nil, raw: Array("{not json".utf8)), "malformed_json", "decode"),
        (DownloadFixture.job(nil, raw: Array("{\"chain\":\"x\"}".utf8)), "missing_field", "decode"),
        (DownloadFixture.job(DownloadFixture.file("\(server.url)/f")), "http_404", "fetch"),
        (DownloadFixture.job(DownloadFixture.file("file:///etc/passwd")), "file_url_refused", "fetch"),
        (DownloadFixture.job(DownloadFixture.file("http://10.0.0.1/")), "address_refused", "fetch"),
      ] {
        let disposition = try await fixture.handle(job)
        guard case .reject(let rejection) = disposition else {
          Issue.record("\(code) was \(disposition)")
          continue
        }
        #expect("\(rejection.stage) \(rejection.code)" == "\(stage) \(code)")
      }
      #expect(try await fixture.handle(DownloadFixture.job(nil)) == .skip(reason: "tombstone"))
      #expect(fixture.emitted.batches.isEmpty)
    }
  }

  @Test func aSourceThatStaysDownIsGivenUp() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, connection in connection.answer("503 Busy", headers: ["Retry-After: 9"]) }
      let job = DownloadFixture.job(DownloadFixture.file(server.url))
      let patient = try DownloadFixture(folder: folder)
      for _ in 0..<3 {
        await #expect { _ = try await patient.handle(job) } throws: {
          ($0 as? any ClassifiedError)?.retryAfter == .seconds(9) && ErrorClass(of: $0) == .transient
        }
      }
      let impatient = try DownloadFixture(folder: folder, giveUpAfter: .zero)
      guard case .reject(let rejection) = try await impatient.handle(job) else {
        Issue.record("it was tried again")
        return
      }
      #expect(rejection.code == "source_given_up" && rejection.message.contains("503"))
    }
  }

  @Test func anOutageOfTheStoreIsNeverGivenUpAndShows() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, connection in connection.answer("200 OK", body: "<Root/>") }
      let store = try LyingStore { _ in throw ObjectStoreError(.unavailable, "down") }
      let fixture = try DownloadFixture(folder: folder, store: store, giveUpAfter: .zero)
      for _ in 0..<3 {
        await #expect { _ = try await fixture.handle(DownloadFixture.job(DownloadFixture.file(server.url))) } throws: {
          ErrorClass(of: $0) == .transient
        }
      }
      #expect(!fixture.health.isReady)
    }
  }

  @Test func aWrongPasswordStopsTheService() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, connection in connection.answer("200 OK", body: "<Root/>") }
      let store = try LyingStore { _ in throw ObjectStoreError(.badCredentials, "no") }
      let fixture = try DownloadFixture(folder: folder, store: store)
      await #expect { _ = try await fixture.handle(DownloadFixture.job(DownloadFixture.file(server.url))) } throws: {
        ErrorClass(of: $0) == .configuration
      }
    }
  }

  @Test func filesOfOneStoreKeepTheirOrder() throws {
    let handler = try DownloadFixture(folder: "/tmp").handler
    let first = DownloadFixture.job(DownloadFixture.file("http://h/1", name: "a"))
    let second = DownloadFixture.job(DownloadFixture.file("http://h/2", name: "b"))
    #expect(handler.orderKey(of: first) == Array("7290/1".utf8))
    #expect(handler.orderKey(of: first) == handler.orderKey(of: second))
    #expect(handler.orderKey(of: DownloadFixture.job(nil, raw: [1])) == nil)
  }
}
