import Core
import Foundation
import HTTP
import Logging
import Portals
import PriceFiles
import Synchronization
import Values

/// A folder of an FTP server: `ftp://`, or `ftps://` for TLS on both connections (AUTH TLS on port 21).
///
/// MLSD gives sizes and times, which distinguish one publication from the next. A server without it is read with NLST,
/// which gives names only: a file that is published again under its name is not noticed there. Links hold no login; the
/// downloader looks it up by the chain's name.
package final class FTPEngine: ChainEngine {
  let context: EngineContext
  let folder: FTPURL
  let login: FTPRequest.Login?
  /// The folder as written, ending in a slash.
  let address: String
  /// The server refused MLSD and answered NLST.
  private let namesOnly = Mutex(false)

  /// Options of the row: `pattern` (`*price*`).
  /// - Throws: a configuration `Failure`.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    login = try context.chain.credentials()
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
        .configuration, code: "bad_source",
        "\(context.label): '\(context.chain.locator)' is not an FTP address: \(error)")
    }
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    _ = try await take(try await list())
  }

  package func link(to file: ListedFile) async throws -> String? {
    address + PercentEncoding.encode(file.fileName)
  }

  private func list() async throws -> Listing {
    let (entries, malformed) = try await entries()
    try context.checkRows(entries.count, in: "\(folder)")
    var listing = Listing()
    if malformed > 0 {
      guard !entries.isEmpty else {
        throw PortalError(.unknownShape, "\(folder) answers MLSD with lines that are not of the form of RFC 3659")
      }
      listing.skipped["malformed_line"] = malformed
    }
    for entry in entries where entry.isFile {
      guard context.matchesPattern(entry.name) else {
        listing.skip("pattern")
        continue
      }
      listing.add(
        entry.name, of: context, size: entry.size, version: [entry.size.map { "\($0)" }, entry.modified],
        linkFollows: true)
    }
    return listing
  }

  private func entries() async throws -> (entries: [FTPEntry], malformed: Int) {
    if !namesOnly.withLock({ $0 }) {
      do {
        return FTPListing.machine(try await ask(.listFacts))
      } catch let error as HTTPError where error.kind == .retrievalFailed {
        context.logger.info("no MLSD here, trying NLST", metadata: ["error": "\(error)"])
      }
    }
    let names = FTPListing.names(try await ask(.listNames))
    namesOnly.withLock { $0 = true }
    return (names, 0)
  }

  private func ask(_ action: FTPRequest.Action) async throws -> [UInt8] {
    do {
      return try await context.listings.list(FTPRequest(action, folder, login: login, limits: context.listings.limits))
    } catch let error as HTTPError where error.kind == .loginRefused {
      throw PortalError(.loginRefused, "\(folder) refuses the login: \(error.message)")
    }
  }
}

/// One line of an FTP listing.
struct FTPEntry: Hashable, Sendable {
  var name: String
  /// False for folders, links and every other type.
  var isFile = true
  /// Bytes.
  var size: Int64?
  /// `yyyyMMddHHmmss[.fff]`, UTC, as written.
  var modified: String?
}

/// Reads answers to MLSD (RFC 3659: `fact=value;fact=value; name`) and NLST (one name per line).
enum FTPListing {
  /// - Returns: the entries, and how many lines were not of the form. Unknown facts are ignored.
  static func machine(_ body: [UInt8]) -> (entries: [FTPEntry], malformed: Int) {
    var malformed = 0
    var entries: [FTPEntry] = []
    for line in lines(body) {
      // The facts end at the first blank; the rest is the name, blanks included.
      guard let blank = line.firstIndex(of: " "), blank == line.startIndex || line[..<blank].hasSuffix(";") else {
        malformed += 1
        continue
      }
      var entry = FTPEntry(name: String(line[line.index(after: blank)...]))
      for fact in line[..<blank].split(separator: ";") {
        guard let equals = fact.firstIndex(of: "=") else { continue }
        let value = fact[fact.index(after: equals)...]
        switch fact[..<equals].lowercased() {
        case "type": entry.isFile = value.lowercased() == "file"
        case "size": entry.size = Int64(value).flatMap { $0 >= 0 ? $0 : nil }
        case "modify": entry.modified = String(value)
        default: break
        }
      }
      entries.append(entry)
    }
    return (entries, malformed)
  }

  /// Some servers put the folder before each name.
  static func names(_ body: [UInt8]) -> [FTPEntry] {
    lines(body).map { FTPEntry(name: $0.split(separator: "/").last.map(String.init) ?? $0) }
  }

  private static func lines(_ body: [UInt8]) -> [String] {
    body.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }).map { String(decoding: $0, as: UTF8.self) }
  }
}
