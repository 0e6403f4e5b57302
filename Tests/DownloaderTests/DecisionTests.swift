import ArgumentParser
import Core
@testable import DownloaderService
@testable import HTTP
import HTTPFlags
import Messages
import ObjectStore
import Testing
import TestSupport
import Values

@Suite struct SourceTests {
  @Test func webURLsAreTakenAsTheyAre() throws {
    #expect(try FileLocation(url: "https://h/f.gz?sig=1", fileRoot: nil) == .web(HTTPURL("https://h/f.gz?sig=1")))
    #expect(try FileLocation(url: "ftps://h/f.gz", fileRoot: nil) == .ftp(FTPURL("ftps://h/f.gz")))
    #expect(throws: HTTPError.self) { try FileLocation(url: "ftp://user:secret@h/f.gz", fileRoot: "/data") }
    #expect(throws: HTTPError.self) { try FileLocation(url: "gopher://h/f.gz", fileRoot: "/data") }
    #expect(throws: HTTPError.self) { try FileLocation(url: "nonsense", fileRoot: "/data") }
  }

  @Test func fileURLsNeedPermission() throws {
    #expect { try FileLocation(url: "file:///data/f.gz", fileRoot: nil) } throws: {
      ($0 as? DownloadError)?.kind == .fileURLRefused
    }
    for start in ["file://", "FILE://", "file:", "file://localhost"] {
      let source = try FileLocation(url: "\(start)/data/a%20b.gz", fileRoot: "/data")
      #expect(source == .file(path: "/data/a b.gz", root: "/data"))
    }
    #expect(try FileLocation(url: "file:///etc/passwd", fileRoot: "/") == .file(path: "/etc/passwd", root: "/"))
  }

  @Test(arguments: [
    "file:///etc/passwd", "file:///data", "file:///database/x", "file:///data/../etc/passwd",
    "file:///data/%2e%2e/etc/passwd", "file://host/data/x", "file:///data/x%00y", "file:///data/x%zz", "file:///data/%",
    "file:///data/%+1", "file:", "file:///data/%ff%fe",
  ])
  func pathsOutsideTheRootAreRefused(_ url: String) {
    #expect { try FileLocation(url: url, fileRoot: "/data") } throws: {
      ($0 as? DownloadError)?.kind == .fileURLRefused
    }
  }
}

@Suite struct SniffedContentTests {
  private func nature(_ text: String) -> SniffedContent { SniffedContent(prefix: Array(text.utf8)) }

  @Test func theFirstBytesGiveTheCompression() {
    #expect(SniffedContent(prefix: [0x1f, 0x8b, 8, 0]).compression == .gzip)
    #expect(SniffedContent(prefix: Array("PK\u{3}\u{4}rest".utf8)).compression == .zip)
    #expect(SniffedContent(prefix: Array("PK\u{5}\u{6}".utf8)).compression == .zip)
    #expect(nature("<?xml version=\"1.0\"?><Root>").compression == .none)
    #expect(SniffedContent(prefix: [0x1f]).compression == .none)
    #expect(nature("PKnot").compression == .none)
    #expect(SniffedContent(prefix: []).compression == .none)
  }

  @Test(arguments: [
    "<!DOCTYPE html><html>", "<!doctype HTML PUBLIC \"-//W3C\">", "\u{feff}\r\n \t<html lang=\"he\">", "<HTML>",
    "<!-- saved --><html>", "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC>", "<html\n>", "<html",
  ])
  func pagesAreRecognised(_ text: String) { #expect(nature(text).isHTML) }

  @Test(arguments: [
    "", "<Root>", "<?xml version=\"1.0\"?><Root><html>", "<htmlish>", "<Prices>", "html", "<!-- open", "<?xml",
    "{\"html\": 1}", "<asx:abap>", "<!DOCTYPE Root>",
  ])
  func filesAreNotPages(_ text: String) { #expect(!nature(text).isHTML) }

  @Test func compressedBytesAreNeverAPage() {
    #expect(!SniffedContent(prefix: [0x1f, 0x8b] + Array("<html>".utf8)).isHTML)
  }
}

@Suite struct LoginPageTests {
  @Test(arguments: [
    "<html><form><input type=\"password\">", "<!DOCTYPE html><INPUT TYPE='Password'>", "<html><input type=password>",
    "<html><meta name=\"csrftoken\" content=\"x\">",
  ])
  func pagesWithAPasswordFieldAreLogins(_ text: String) { #expect(SniffedContent(prefix: Array(text.utf8)).isLogin) }

  @Test(arguments: ["<html>blocked</html>", "<Root>type=\"password\"</Root>", ""])
  func othersAreNot(_ text: String) { #expect(!SniffedContent(prefix: Array(text.utf8)).isLogin) }
}

@Suite struct SignedLinkTests {
  @Test(arguments: [
    ("sv=2014-02-14&sr=b&sig=a%2Bb%3D&se=2026-08-24T10%3A30%3A00Z&sp=r", true, "2026-08-24T10:30:00Z"),
    ("X-Amz-Date=20260824T100000Z&X-Amz-Expires=1800&X-Amz-Signature=ab", true, "2026-08-24T10:30:00Z"),
    ("Expires=1787567400&Signature=x", true, "2026-08-24T10:30:00Z"),
    ("sig=x&se=soon", true, nil), ("FileNm=Price.gz", false, nil), ("", false, nil), ("sig", false, nil),
    ("X-Amz-Date=20260824&X-Amz-Expires=1800", false, nil), ("expires=-5", false, nil),
  ] as [(String, Bool, String?)])
  func aLinkGivesItsExpiry(_ query: String, _ signed: Bool, _ end: String?) throws {
    let link = SignedLink(query: query)
    #expect(link.isSigned == signed)
    #expect(link.expiresAt == end.flatMap { Timestamp($0) })
  }
}

@Suite struct ResumePointTests {
  private func head(_ headers: HTTPHeaders, status: Int = 200) throws -> HTTPResponseHead {
    HTTPResponseHead(status: status, headers: headers, url: try HTTPURL("http://h/f"))
  }

  @Test func onlyStrongValidatorsCount() throws {
    let day = "Mon, 24 Aug 2026 10:00:00 GMT"
    #expect(try ResumePoint(head(["ETag": "\"a\"", "Content-Length": "9"]))?.validator == "\"a\"")
    #expect(try ResumePoint(head(["ETag": "\"a\"", "Content-Length": "9"]))?.total == 9)
    #expect(try ResumePoint(head(["ETag": "W/\"a\""])) == nil)
    #expect(try ResumePoint(head(["ETag": "\"a\"", "Accept-Ranges": "none"])) == nil)
    #expect(try ResumePoint(head(["ETag": "\"a\""], status: 206)) == nil)
    #expect(try ResumePoint(head([:])) == nil)
    #expect(try ResumePoint(head(["Last-Modified": day, "Date": "Mon, 24 Aug 2026 10:01:00 GMT"]))?.validator == day)
    #expect(try ResumePoint(head(["Last-Modified": day, "Date": "Mon, 24 Aug 2026 10:00:59 GMT"])) == nil)
    #expect(try ResumePoint(head(["Last-Modified": day])) == nil)
  }

  @Test func partsGiveTheirStart() {
    #expect(ResumePoint.part("bytes 100-199/200")?.start == 100)
    #expect(ResumePoint.part("bytes 100-199/200")?.total == 200)
    #expect(ResumePoint.part("bytes 0-1/*")?.total == nil)
    for text in ["bytes */200", "100-199/200", "bytes", nil] { #expect(ResumePoint.part(text) == nil) }
  }
}

@Suite struct RelistCountsTests {
  @Test func countsAreBounded() {
    let relistings = RelistCounts(capacity: 2)
    for (index, name) in [[UInt8(1)], [2], [3]].enumerated() { relistings.note(name, count: index + 1) }
    #expect([[UInt8(1)], [2], [3]].map(relistings.count) == [0, 2, 3])
    relistings.forget([3])
    #expect(relistings.count([3]) == 0)
  }
}

@Suite struct ObjectNameTests {
  private func file(_ name: String, chain: String = "7290058140886", time: String? = nil) throws -> FileDiscovered {
    FileDiscovered(
      chain: chain, url: "https://h/x", timestamp: .epoch, fileName: name,
      fileTime: try time.map { try #require(Timestamp($0)) })
  }
  private let hash = SHA256.hash("abc")

  @Test func theNameIsMadeOfChainDayContentAndFile() throws {
    let file = try file("PriceFull7290058140886-001-202501200300.gz", time: "2025-01-20T03:00:00+02:00")
    #expect(try ObjectName.key(file, sha256: hash).text
      == "files/7290058140886/2025-01-20/ba7816bf8f01cfea-PriceFull7290058140886-001-202501200300.gz")
  }

  @Test func theDayIsTheOneInIsrael() throws {
    // 00:30 in Israel is still the day before in UTC.
    let file = try file("a", time: "2025-07-01T00:30:00+03:00")
    #expect(try ObjectName.key(file, sha256: hash).text.contains("/2025-07-01/"))
    #expect(try ObjectName.key(self.file("a"), sha256: hash).text.contains("/undated/"))
  }

  @Test(arguments: ["../../etc/passwd", "..", "", "a/b\\c", "x\u{0}\n", String(repeating: "א", count: 500)])
  func noPublishedNameLeavesItsFolder(_ name: String) throws {
    let key = try ObjectName.key(file(name, chain: name), sha256: hash).text
    #expect(key.split(separator: "/", omittingEmptySubsequences: false).count == 4)
  }

  @Test func otherContentIsAnotherObject() throws {
    let file = try file("same.gz")
    #expect(try ObjectName.key(file, sha256: hash) != ObjectName.key(file, sha256: SHA256.hash("abd")))
  }
}

@Suite struct GiveUpTimerTests {
  private let start = ContinuousClock.now

  @Test func givesUpOnlyAfterTheLimit() {
    var timer = GiveUpTimer<Int>(limit: .seconds(60))
    let ages = [0, 59, 61].map { timer.failed(1, host: "h", at: start + .seconds($0)) }
    #expect(ages == [nil, nil, .seconds(61)])
    // Dropped after the result.
    #expect(timer.count == 0)
  }

  @Test func aSuccessResetsTheTime() {
    var timer = GiveUpTimer<Int>(limit: .seconds(60))
    _ = timer.failed(1, host: "h", at: start)
    _ = timer.failed(1, host: "h", at: start + .seconds(50))
    timer.settled(1, host: "h")
    let age = timer.failed(1, host: "h", at: start + .seconds(100))
    #expect(age == nil)
  }

  @Test func aDeadHostGivesUpAllItsFiles() {
    var timer = GiveUpTimer<Int>(limit: .seconds(60))
    for second in stride(from: 0, to: 60, by: 10) {
      _ = timer.failed(second, host: "dead", at: start + .seconds(second))
    }
    let next = timer.failed(1000, host: "dead", at: start + .seconds(65))
    #expect(next == .seconds(65))
    let elsewhere = timer.failed(1001, host: "alive", at: start + .seconds(65))
    #expect(elsewhere == nil)
  }

  @Test func timeBetweenDistantFailuresDoesNotCount() {
    var timer = GiveUpTimer<Int>(limit: .seconds(60))
    _ = timer.failed(1, host: "h", at: start)
    let later = timer.failed(2, host: "h", at: start + .seconds(3600))
    #expect(later == nil)
  }

  @Test func aFileThatAlwaysFailsIsGivenUpThoughItsHostAnswers() {
    var timer = GiveUpTimer<Int>(limit: .seconds(60))
    var age: Duration?
    for second in stride(from: 0, through: 60, by: 10) {
      timer.settled(-second, host: "h")
      age = timer.failed(1, host: "h", at: start + .seconds(second))
    }
    #expect(age == .seconds(60))
  }

  @Test func theOldestJobIsDroppedFirst() {
    var timer = GiveUpTimer<Int>(limit: .seconds(60), capacity: 3)
    for id in 0..<5 { _ = timer.failed(id, host: "h\(id)", at: start + .seconds(id)) }
    #expect(timer.count == 3)
  }

  @Test func zeroNeverRetries() {
    var timer = GiveUpTimer<Int>(limit: .zero)
    let age = timer.failed(1, host: "h", at: start)
    #expect(age == .zero)
  }
}

@Suite struct DownloadOptionsTests {
  @Test func settingsFollowTheFlags() async throws {
    try await withTemporaryDirectory { folder in
      let command = try DownloaderCommand.parse([
        "--max-file-size", "1MiB", "--fetch-timeout", "7s", "--max-redirects", "2", "--concurrency", "3",
        "--allow-file-root", "\(folder)/.", "--spool-directory", folder, "--give-up-after", "5m", "--allow-network",
        "10.0.0.0/8", "--allow-network", "127.0.0.1",
      ])
      let settings = try command.download.settings(http: command.http)
      #expect(settings.limits.maxBodyBytes == 1 << 20)
      #expect(settings.limits.totalTime == .seconds(7) && settings.limits.maxRedirects == 2)
      #expect(settings.concurrency == 3 && settings.giveUpAfter == .seconds(300))
      #expect(settings.fileRoot?.hasSuffix("/.") == false)
      let policy = try command.http.configuration(name: "x").addresses
      #expect(policy.allowed.count == 2 && !policy.allowsPrivate)
    }
  }

  @Test(arguments: [
    ["--concurrency", "0"], ["--concurrency", "100000"], ["--max-file-size", "0"], ["--allow-file-root", "/nowhere"],
    ["--spool-directory", "/nowhere"],
  ])
  func wrongValuesNameTheirFlag(_ arguments: [String]) throws {
    let command = try DownloaderCommand.parse(arguments)
    #expect { try command.download.settings(http: command.http) } throws: {
      ErrorClass(of: $0) == .configuration && "\($0)".contains(arguments[0])
    }
  }

  @Test(arguments: [
    ["--allow-network", "10.0.0.0/99"], ["--max-redirects=-1"], ["--max-fetches-per-host=-1"],
    ["--fetch-timeout", "0s"],
    ["--fetch-proxy", "socks://h"], ["--fetch-ca-file", "/nowhere.pem"],
  ])
  func wrongFetchValuesAreConfigurationErrors(_ arguments: [String]) throws {
    let command = try DownloaderCommand.parse(arguments)
    #expect { try command.http.makeClient() } throws: { ErrorClass(of: $0) == .configuration }
  }
}
