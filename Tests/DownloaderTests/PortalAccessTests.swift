import Core
@testable import DownloaderService
import Foundation
import HTTP
import ObjectStore
import Portals
import Synchronization
import Testing
import TestSupport
import Values

/// Files behind a login: users and passwords come from the catalogue only.
@Suite struct PortalAccessTests {
  private let bytes = [0x1f, 0x8b, 8] + (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

  @Test(.timeLimit(.minutes(10))) func filesComeByFTP() async throws {
    try await withTemporaryDirectory { folder in
      let root = "\(folder)/tree"
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
      // A name without an extension: the first bytes give the type.
      try Data(bytes).write(to: URL(fileURLWithPath: "\(root)/Price7290-001-202501200300"))
      let server = try await LocalFTPServer.start(root: root)
      let home = Chain(
        slug: "carmel", engine: "ftp", locator: server.url("/"), user: server.user, password: Secret(server.password))
      let fixture = try DownloadFixture(folder: "\(folder)/store", spool: folder, chains: [home])
      try await fixture.store.prepare()
      func download(_ chain: String, _ path: String) async throws -> Downloader.Stored {
        try await fixture.downloader.download(DownloadFixture.file(server.url(path), chain: chain))
      }
      let stored = try await download("carmel", "/Price7290-001-202501200300")
      #expect(stored.sha256 == SHA256.hash(bytes) && stored.compression == .gzip)
      for (chain, path, code) in [
        ("carmel", "/missing.gz", "not_found"), ("stranger", "/Price7290-001-202501200300", "login_refused"),
      ] {
        await #expect { _ = try await download(chain, path) } throws: {
          (($0 as? Downloader.Failed)?.cause as? any ClassifiedError)?.code == code
        }
      }
      await server.stop()
    }
  }

  @Test func aLoginGoesToTheHostOfTheCatalogueOnly() throws {
    let client = try HTTPClient(HTTPConfiguration(userAgent: "souk-tests"))
    let chain = Chain(
      slug: "c", engine: "ftp", locator: "ftps://files.example/", user: "u", password: Secret("p"))
    let access = try PortalAccess(ChainCatalogue([chain]), client: client, limits: HTTPLimits())
    #expect(try access.login(chain: "c", FTPURL("ftps://files.example/Yuda/f.gz")) != nil)
    for url in ["ftp://files.example/f.gz", "ftps://evil.example/f.gz", "ftps://files.example:2121/f.gz"] {
      #expect(try access.login(chain: "c", FTPURL(url)) == nil, "\(url)")
    }
    #expect(try access.login(chain: "d", FTPURL("ftps://files.example/f.gz")) == nil)
    let secretless = Chain(
      slug: "c", engine: "ftp", locator: "ftps://h/", user: "u", password: Secret("env:SOUK_NO_SUCH_VARIABLE"))
    #expect { try PortalAccess(ChainCatalogue([secretless]), client: client, limits: HTTPLimits()) } throws: {
      ErrorClass(of: $0) == .configuration
    }
  }

  /// A Cerberus web portal: the cookie of a login, renewed when the portal forgets it.
  @Test(.timeLimit(.minutes(10))) func cerberusFilesComeWithASession() async throws {
    try await withTemporaryDirectory { folder in
      let sessions = Mutex<(made: Int, valid: Set<String>)>((0, []))
      let bytes = bytes
      let server = try HostileServer { request, out in
        let cookie = request.headers["cookie"] ?? ""
        switch request.path {
        case "/login":
          out.answer(
            "200 OK", headers: ["Set-Cookie: cftpSID=start; path=/"],
            body: "<html><head><meta name=\"csrftoken\" content=\"t0\"></head></html>")
        case "/login/user":
          let body = String(decoding: request.body, as: UTF8.self)
          guard body.contains("username=shop"), body.contains("password=s3cret") else {
            return out.answer("200 OK", body: "<html>again</html>")
          }
          let id = sessions.withLock { state in
            state.made += 1
            state.valid.insert("cftpSID=s\(state.made)")
            return state.made
          }
          out.answer("302 Found", headers: ["Location: /file", "Set-Cookie: cftpSID=s\(id); path=/"])
        case let path where path.hasPrefix("/file/d/"):
          guard sessions.withLock({ $0.valid.contains(cookie) }) else {
            return out.answer("302 Found", headers: ["Location: /login"])
          }
          out.send("HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\n\r\n")
          out.send(bytes)
        default: out.answer("404 Not Found")
        }
      }
      func chain(_ slug: String, password: String) -> Chain {
        Chain(slug: slug, engine: "cerberus", locator: server.url, user: "shop", password: Secret(password))
      }
      let fixture = try DownloadFixture(
        folder: folder, chains: [chain("shop", password: "s3cret"), chain("locked", password: "wrong")])
      func download(_ chain: String) async throws -> Downloader.Stored {
        try await fixture.downloader.download(DownloadFixture.file("\(server.url)/file/d/f.gz", chain: chain))
      }
      #expect(try await download("shop").sha256 == SHA256.hash(bytes))
      #expect(try await download("shop").wasPresent && sessions.withLock { $0.made } == 1)
      // The portal expires its sessions.
      sessions.withLock { $0.valid = [] }
      #expect(try await download("shop").wasPresent && sessions.withLock { $0.made } == 2)
      // A wrong password of one chain does not stop the service.
      await #expect { _ = try await download("locked") } throws: {
        let cause = ($0 as? Downloader.Failed)?.cause as? any ClassifiedError
        return cause?.code == "login_refused" && cause?.errorClass == .data
      }
      // Without a session the portal redirects to its login page.
      await #expect { _ = try await download("stranger") } throws: {
        (($0 as? Downloader.Failed)?.cause as? any ClassifiedError)?.code == "link_expired"
      }
    }
  }
}
