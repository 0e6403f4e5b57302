import Core
@testable import DownloaderService
import Glibc
import HTTP
import ObjectStore
import Synchronization
import Testing
import TestSupport

/// Transfers that break off, against a server that the test controls.
@Suite struct ResumeTests {
  private let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 131 ^ $0 >> 8) }

  private static func whole(_ bytes: [UInt8], _ tag: String, upTo end: Int? = nil, _ out: HostileServer.Connection) {
    out.send("HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\nETag: \(tag)\r\n\r\n")
    out.send(Array(bytes.prefix(end ?? bytes.count)))
    if end != nil { out.hangUp() }
  }

  /// The answer of a server with ranges to `request`, which breaks off after `piece` bytes.
  private static func serve(
    _ bytes: [UInt8], _ tag: String, _ request: HostileServer.Request, piece: Int, _ out: HostileServer.Connection
  ) {
    guard let range = request.headers["range"], request.headers["if-range"] == tag,
          let start = Int(range.dropFirst(6).dropLast()) else {
      return whole(bytes, tag, upTo: piece < bytes.count ? piece : nil, out)
    }
    let end = min(bytes.count, start + piece)
    out.send("HTTP/1.1 206 Partial Content\r\nContent-Length: \(bytes.count - start)\r\n"
      + "Content-Range: bytes \(start)-\(bytes.count - 1)/\(bytes.count)\r\nETag: \(tag)\r\n\r\n")
    out.send(Array(bytes[start..<end]))
    if end < bytes.count { out.hangUp() }
  }

  @Test func aBrokenTransferIsResumed() async throws {
    try await withTemporaryDirectory { folder in
      let bytes = content
      let server = try HostileServer { request, out in Self.serve(bytes, "\"a\"", request, piece: 120_000, out) }
      let fixture = try DownloadFixture(folder: folder)
      let stored = try await fixture.downloader.download(DownloadFixture.file("\(server.url)/f"))
      #expect(stored.sha256 == SHA256.hash(bytes) && stored.size == bytes.count && stored.resumes == 2)
      #expect(server.requests.map { $0.headers["range"] } == [nil, "bytes=120000-", "bytes=240000-"])
      #expect(try await fixture.store.bytes(of: stored.key, limit: bytes.count) == bytes)
    }
  }

  @Test func aLaterAttemptRequestsOnlyTheRest() async throws {
    try await withTemporaryDirectory { folder in
      let bytes = content
      let server = try HostileServer { request, out in
        switch request.path {
        case "/one": Self.whole(bytes, "\"a\"", upTo: 100_000, out)
        case "/down": out.answer("503 Busy")
        // Another link to the same file, as a portal lists it after the first has expired.
        default: Self.serve(bytes, "\"a\"", request, piece: .max / 2, out)
        }
      }
      let fixture = try DownloadFixture(folder: folder)
      let first = await fixture.failure("\(server.url)/one")
      #expect(first?.error.errorClass == .transient)
      #expect(await fixture.failure("\(server.url)/down")?.error.code == "http_503")
      let stored = try await fixture.downloader.download(DownloadFixture.file("\(server.url)/two"))
      #expect(stored.sha256 == SHA256.hash(bytes) && stored.resumes == 1)
      #expect(server.requests.last?.headers["range"]?.hasPrefix("bytes=") == true)
      #expect(fixture.downloader.partials.count == 0)
    }
  }

  @Test func aFileThatChangedIsFetchedWhole() async throws {
    try await withTemporaryDirectory { folder in
      let old = content
      let new = old.reversed() + [1, 2, 3]
      let calls = Mutex(0)
      let server = try HostileServer { request, out in
        let call = calls.withLock { $0 += 1; return $0 }
        if call == 1 { return Self.whole(old, "\"old\"", upTo: 100_000, out) }
        Self.serve(new, "\"new\"", request, piece: .max / 2, out)
      }
      let fixture = try DownloadFixture(folder: folder)
      let stored = try await fixture.downloader.download(DownloadFixture.file("\(server.url)/f"))
      #expect(stored.sha256 == SHA256.hash(new) && stored.size == new.count)
      #expect(server.requests.last?.headers["if-range"] == "\"old\"")
    }
  }

  /// Servers with faulty ranges, or without.
  @Test(arguments: ["ignores", "wrong start", "other length", "416", "no range"])
  func theBytesAlwaysBelongToOneFile(_ manner: String) async throws {
    try await withTemporaryDirectory { folder in
      let bytes = content
      let calls = Mutex(0)
      let server = try HostileServer { request, out in
        let call = calls.withLock { $0 += 1; return $0 }
        if call == 1 { return Self.whole(bytes, "\"a\"", upTo: 100_000, out) }
        guard request.headers["range"] != nil, manner != "ignores" else { return Self.whole(bytes, "\"a\"", out) }
        switch manner {
        case "wrong start":
          out.answer("206 Partial Content", headers: ["Content-Range: bytes 0-2/\(bytes.count)"], body: "abc")
        case "other length":
          out.answer("206 Partial Content", headers: ["Content-Range: bytes 100000-100002/100003"], body: "abc")
        case "416": out.answer("416 Range Not Satisfiable", headers: ["Content-Range: bytes */\(bytes.count)"])
        default: out.answer("206 Partial Content", body: "abc")
        }
      }
      let fixture = try DownloadFixture(folder: folder)
      let stored = try await fixture.downloader.download(DownloadFixture.file("\(server.url)/f"))
      #expect(stored.sha256 == SHA256.hash(bytes) && stored.size == bytes.count)
    }
  }

  @Test func withoutAValidatorPartsAreNotCombined() async throws {
    try await withTemporaryDirectory { folder in
      let bytes = content
      let server = try HostileServer { _, out in
        out.send("HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\n\r\n")
        out.send(Array(bytes.prefix(100_000)))
        out.hangUp()
      }
      let fixture = try DownloadFixture(folder: folder)
      #expect(await fixture.failure("\(server.url)/f")?.error.code == "truncated_body")
      #expect(await fixture.failure("\(server.url)/f")?.error.code == "truncated_body")
      #expect(server.requests.allSatisfy { $0.headers["range"] == nil })
      #expect(fixture.downloader.partials.count == 0)
    }
  }

  /// A transfer below the low-speed limit ends and frees its slot.
  @Test(.timeLimit(.minutes(10))) func aSlowTransferFailsTransiently() async throws {
    try await withTemporaryDirectory { folder in
      let server = try HostileServer { _, out in
        out.send("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nETag: \"a\"\r\n\r\n")
        while out.send("z") { usleep(50_000) }
      }
      let limits = HTTPLimits(totalTime: .seconds(60), lowSpeed: 1000, lowSpeedTime: .seconds(1))
      let fixture = try DownloadFixture(folder: folder, limits: limits)
      let failure = await fixture.failure("\(server.url)/f")
      #expect(failure?.error.code == "too_slow" && failure?.error.errorClass == .transient)
      #expect(server.requests.count <= 4)
    }
  }

  /// Only a few unfinished files are kept; each is an open file.
  @Test func unfinishedFilesAreBounded() throws {
    let partials = PartialFiles(capacity: 3)
    for index in 0..<10 { partials.keep(try Spool(directory: "/tmp", limit: 1), as: [UInt8(index)]) }
    #expect(partials.count == 3 && partials.take([0]) == nil && partials.take([9]) != nil && partials.count == 2)
  }
}
