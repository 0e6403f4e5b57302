import ArgumentParser
import Core
import Foundation
import Portals

/// One `--source`:
///
///     king_store                                a chain of the catalogue
///     all                                       every chain of the catalogue that is not closed
///     bina:<prefix>                             https://<prefix>.binaprojects.com
///     <engine>+http(s)://host[/path]?chain=...  a portal of that engine anywhere
///     http(s)://host/path/?chain=...            files linked from an index page
///     ftp(s)://host/path/?chain=...             files of an FTP server
///     dir:<folder>                              a local folder
///
/// Parameters of addresses: `chain` (without it, the chain id of the file names), `ids`, `user`, `password`, `path`,
/// and the engine's own options.
package struct CrawlSource: Hashable, Sendable {
  package var chain: Chain
  /// Its name in logs and metrics.
  package var label: String
  /// The chain's name in messages; nil: the chain id in each file's name (or the folder's name).
  package var chainName: String?

  /// A row of the catalogue.
  private var isListed = false

  /// Means the same source in every replica: a chain of the catalogue by its name, another source by its address.
  package var leaseName: String {
    if isListed { return label }
    let place = Shard.hash("\(chain.engine) \(chain.locator) \(chain.path ?? "")")
    return "\(label)#\(String(place, radix: 36))"
  }

  package init(_ chain: Chain) {
    self.chain = chain
    isListed = true
    label = chain.slug
    chainName = chain.slug
  }

  /// - Throws: a configuration `Failure` with the reason and the possible values.
  package static func read(_ text: String, in catalogue: ChainCatalogue) throws(Failure) -> [CrawlSource] {
    if text == "all" { return catalogue.chains.filter { !$0.isClosed }.map { CrawlSource($0) } }
    return [try CrawlSource(text, in: catalogue)]
  }

  /// - Throws: a configuration `Failure` with the reason and the possible values.
  package init(_ text: String, in catalogue: ChainCatalogue = .embedded) throws(Failure) {
    if let path = Self.rest(text, after: "dir:") {
      guard !path.isEmpty else { throw Self.wrong(text, "the folder is missing: dir:/path/to/folder") }
      self.init(chain: Chain(slug: "dir", engine: "dir", locator: path), label: "dir", chainName: nil)
    } else if let prefix = Self.rest(text, after: "bina:") {
      guard !prefix.isEmpty, prefix.utf8.allSatisfy(Chain.isSlugByte) else {
        throw Self.wrong(text, "after bina: comes the first part of <prefix>.binaprojects.com")
      }
      let locator = "https://\(prefix).binaprojects.com"
      if let known = catalogue.chains.first(where: { $0.engine == "bina" && $0.locator == locator }) {
        self.init(known)
      } else {
        self.init(chain: Chain(slug: prefix, engine: "bina", locator: locator), label: prefix, chainName: nil)
      }
    } else if let scheme = text.range(of: "://") {
      try self.init(address: text, scheme: text[..<scheme.lowerBound])
    } else if let chain = catalogue.named(text) {
      guard !chain.isClosed else { throw Self.wrong(text, "\(chain.name) no longer publishes") }
      self.init(chain)
    } else {
      throw Self.wrong(
        text, "it is not a chain of the catalogue (see `crawler sources`) and none of all, bina:<prefix>, "
          + "<engine>+https://host/path?chain=<name>, https://host/path/, ftps://host/path/, dir:<folder>")
    }
  }

  private init(chain: Chain, label: String, chainName: String?) {
    self.chain = chain
    self.label = label
    self.chainName = chainName
  }

  private init(address text: String, scheme: Substring) throws(Failure) {
    var engine: String
    var address = text
    if let plus = scheme.firstIndex(of: "+") {
      engine = String(scheme[..<plus])
      address = String(text[text.index(after: plus)...])
    } else {
      engine = String(scheme)
      if engine == "https" { engine = "http" }
      if engine == "ftps" { engine = "ftp" }
    }
    _ = try EngineTable.kind(engine)
    guard var parts = URLComponents(string: address), let host = parts.host, !host.isEmpty, let kind = parts.scheme,
      (engine == "ftp" ? ["ftp", "ftps"] : ["http", "https"]).contains(kind)
    else {
      throw Self.wrong(text, "after \(engine)+ comes an \(engine == "ftp" ? "ftps://" : "http:// or https://") address")
    }
    var chain = Chain(slug: host, engine: engine, locator: "")
    var name: String?
    for item in parts.queryItems ?? [] {
      guard let value = item.value, !value.isEmpty else { throw Self.wrong(text, "\(item.name)= has no value") }
      switch item.name {
      case "chain":
        guard value.utf8.allSatisfy(Chain.isSlugByte) else {
          throw Self.wrong(text, "chain=<name> is made of letters, digits, '_' and '-'")
        }
        name = value
      case "ids": chain.chainIDs = value.split(separator: ",").map(String.init)
      case "user": chain.user = value
      case "password": chain.password = Secret(value)
      case "path": chain.path = value
      case "user_agent": chain.userAgent = value == "browser" ? ChainCatalogue.browserUserAgent : value
      case "links", "days", "pattern", "depth": chain.options[item.name] = value
      default:
        throw Self.wrong(
          text, "there is no parameter '\(item.name)'; there are chain, ids, user, password, path, user_agent, links, "
            + "days, pattern, depth")
      }
    }
    parts.query = nil
    parts.fragment = nil
    guard let clean = parts.string else { throw Self.wrong(text, "the address cannot be read") }
    chain.slug = name ?? host
    chain.name = chain.slug
    chain.locator = clean
    self.init(chain: chain, label: chain.slug, chainName: name)
  }

  private static func rest(_ text: String, after prefix: String) -> String? {
    text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
  }

  /// Omits the parameters, which may hold a password.
  private static func wrong(_ text: String, _ what: String) -> Failure {
    Failure(.configuration, code: "bad_source", "--source \(text.prefix { $0 != "?" }): \(what)")
  }
}

/// One of several crawlers that share the chains: `0/3`, `1/3`, `2/3`.
///
/// A stable hash of the chain's name gives its shard, so every replica knows its own chains. Changing the count moves
/// chains; the shared state prevents repeated announcements.
package struct Shard: Hashable, Sendable, ExpressibleByArgument {
  package let index: Int
  package let count: Int

  package init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]), (1...1_000).contains(count),
      (0..<count).contains(index)
    else { return nil }
    self.index = index
    self.count = count
  }

  package var defaultValueDescription: String { "\(index)/\(count)" }

  package func owns(_ chain: String) -> Bool { Int(Self.hash(chain) % UInt64(count)) == index }

  /// FNV-1a (64 bits) with its high half folded in, because `%` uses the low bits.
  static func hash(_ text: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return hash ^ (hash >> 32)
  }
}
