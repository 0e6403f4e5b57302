import Foundation
import HTTP
import Logging
import Portals
import PriceFiles
import Runtime
import Schemas
import Synchronization

/// A folder of an FTP server: `ftp://`, or `ftps://` for TLS on both connections (AUTH TLS on port 21).
///
/// Read with MLSD, whose sizes and times tell one publication from the next; a server without it is read with NLST,
/// which has names only: there a file that is published again under its name is not noticed. Links hold no login:
/// the downloader looks it up by the chain's name.
package struct FTPEngine: PortalEngine {
  package let source: String
  let context: EngineContext
  let folder: FTPURL
  let login: FTPRequest.Login?
  /// The folder as written, ending in a slash.
  let address: String
  /// A file-name pattern of the shell, compared without case; nil takes every name.
  let pattern: String?
  private let memory = Memory()

  private final class Memory: Sendable {
    /// The server refused MLSD and answered NLST.
    let namesOnly = Mutex(false)
  }

  /// Options of the row: `pattern` (`*price*`).
  /// - Throws: a configuration `Failure`.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    source = context.label
    pattern = context.chain.options["pattern"]
    login = try context.chain.credentials().map { FTPRequest.Login(user: $0.user, password: $0.password) }
    var text = context.chain.locator
    if let path = context.chain.path {
      while text.hasSuffix("/") { text.removeLast() }
      text += path.hasPrefix("/") ? path : "/" + path
    }
    address = text.hasSuffix("/") ? text : text + "/"
    do {
      folder = try FTPURL(address)
    } catch {
      throw Failure(
        .configuration, code: "bad_source", "\(context.label): '\(context.chain.locator)' is no FTP address: \(error)")
    }
  }

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    let pages = Pages(engine: self)
    return AsyncThrowingStream { try await pages.next() }
  }

  private actor Pages {
    private let engine: FTPEngine
    private var given = false
    init(engine: FTPEngine) { self.engine = engine }

    func next() async throws -> Listing? {
      guard !given else { return nil }
      given = true
      return try await engine.list()
    }
  }

  package func link(to file: ListedFile) async throws -> String? {
    address + Self.escaped(file.fileName)
  }

  private func list() async throws -> Listing {
    let (entries, malformed) = try await entries()
    CrawlerMetrics.listing(source)
    guard entries.count <= context.limits.maxRows else {
      throw PortalError(.tooManyRows, "\(folder) lists \(entries.count) files, the limit is \(context.limits.maxRows)")
    }
    var listing = Listing()
    if malformed > 0 {
      guard !entries.isEmpty else {
        throw PortalError(.unknownShape, "\(folder) answers MLSD with lines that are not of its form")
      }
      listing.skipped["malformed_line"] = malformed
    }
    for entry in entries where entry.isFile {
      if let pattern, fnmatch(pattern, entry.name, 1 << 4 /* FNM_CASEFOLD */) != 0 {
        listing.skip("pattern")
        continue
      }
      do {
        let name = try PriceFileName(entry.name)
        listing.files.append(ListedFile(
          chain: context.chainName ?? name.chainID, fileName: entry.name, name: name, size: entry.size,
          version: "\(entry.size.map { "\($0)" } ?? "")\u{0}\(entry.modified ?? "")"))
      } catch {
        listing.skip(error, entry.name)
      }
    }
    return listing
  }

  private func entries() async throws -> (entries: [FTPEntry], malformed: Int) {
    if !memory.namesOnly.withLock({ $0 }) {
      do {
        return FTPListing.machine(try await ask(.listFacts))
      } catch let error as HTTPError where error.kind == .retrievalFailed {
        context.logger.info("no MLSD here, trying NLST", metadata: ["error": "\(error)"])
      }
    }
    let names = FTPListing.names(try await ask(.listNames))
    memory.namesOnly.withLock { $0 = true }
    return (names, 0)
  }

  private func ask(_ action: FTPRequest.Action) async throws -> [UInt8] {
    do {
      return try await context.listings.list(
        FTPRequest(action, folder, login: login, limits: context.listings.limits))
    } catch let error as HTTPError where error.kind == .loginRefused {
      throw PortalError(.loginRefused, "\(folder) refuses the login: \(error.message)")
    }
  }

  static func escaped(_ name: String) -> String {
    PercentEncoding.encode(name)
  }
}
