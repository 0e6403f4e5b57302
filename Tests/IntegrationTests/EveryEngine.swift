import Foundation
import PortalSimulator
import TestSupport

/// One simulated chain for every engine of the crawler: most on the portal, one in a local folder, one on an FTP
/// server. The engine of a chain is that of its number.
struct EveryEngine: Sendable {
  /// Cerberus twice: with a folder and a password, and with neither. The chain with number 9 has names with an
  /// extension, which its portal leaves out; that with number 12 none at all.
  static let engines = [
    "bina", "cerberus", "laibcatalog", "meshnat_yosef", "netiv_hased", "wolt", "shufersal", "super_pharm",
    "hazi_hinam", "cerberus", "city_market_shops", "publish_price", "matrix", "dir", "http", "ftp",
  ]

  let portal: PortalSimulator
  let ftp: LocalFTPServer
  /// Its folder `dir` is the local one, `ftp` what the FTP server shows; below them, folders by chain.
  let folder: String

  private static let fromFolder: Set = ["dir", "ftp"]

  var chains: [ChainProfile] { portal.catalogue.chains }
  func engine(of chain: ChainProfile) -> String { Self.engines[chain.ordinal] }
  /// The first chain of an engine.
  func chain(_ engine: String) -> ChainProfile { chains[Self.engines.firstIndex(of: engine) ?? 0] }

  /// Makes the price files of the first `rounds` rounds visible, everywhere.
  func reveal(rounds: Int) throws {
    for chain in chains where Self.fromFolder.contains(engine(of: chain)) {
      let place = URL(fileURLWithPath: "\(folder)/\(engine(of: chain))/\(chain.slug)", isDirectory: true)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      for file in portal.catalogue.files(of: chain) where file.round <= rounds {
        let path = place.appendingPathComponent(file.name)
        guard !FileManager.default.fileExists(atPath: path.path) else { continue }
        try Data(portal.catalogue.bytes(of: file)).write(to: path, options: .atomic)
      }
    }
    portal.reveal(rounds: rounds)
  }

  /// `chain|file name` of everything that is listed now, as the crawler calls it.
  var listed: Set<String> {
    Set(portal.visibleFiles.compactMap { file in
      switch engine(of: file.chain) {
      case "meshnat_yosef" where file.kind == .promoFull: nil
      case "city_market_shops": "\(file.chain.slug)|\(file.bareName)"
      default: "\(file.chain.slug)|\(file.name)"
      }
    })
  }

  /// The chains whose portals list promotions.
  var promoted: [ChainProfile] { chains.filter { engine(of: $0) != "meshnat_yosef" } }

  /// The crawler's sources.
  var sources: [String] {
    chains.compactMap { engine(of: $0) == "dir" ? nil : $0.slug } + ["dir:\(folder)/dir"]
  }

  /// The catalogue of chains that crawler and downloader are given.
  var catalogue: String {
    var text = "chains:\n"
    for chain in chains where engine(of: chain) != "dir" {
      let engine = engine(of: chain)
      var fields = [
        "chain": chain.slug, "engine": engine, "locator": locator(of: chain, engine), "user_agent": "browser",
      ]
      switch engine {
      case "cerberus":
        fields["user"] = chain.prefix
        fields["password"] = portal.cerberusPassword(of: chain)
        fields["path"] = portal.cerberusFolder(of: chain)
      case "ftp":
        fields["user"] = ftp.user
        fields["password"] = ftp.password
        fields["path"] = "/\(chain.slug)"
      default: break
      }
      let written = fields.sorted { $0.key < $1.key }.map { "\($0.key): \"\($0.value)\"" }
      let days = Self.daily.contains(engine) ? ", options: {days: \"0\"}" : ""
      text += "  - {\(written.joined(separator: ", ")), ids: [\"\(chain.chainID)\"]\(days)}\n"
    }
    return text
  }

  /// Engines that can list any day.
  private static let daily: Set = [
    "shufersal", "super_pharm", "hazi_hinam", "city_market_shops", "publish_price", "matrix",
  ]

  private func locator(of chain: ChainProfile, _ engine: String) -> String {
    switch engine {
    case "bina": portal.baseURL(of: chain)
    case "cerberus": portal.cerberusAddress(of: chain)
    case "laibcatalog": portal.laibcatalogAddress(of: chain)
    case "meshnat_yosef": portal.meshnatYosefAddress(of: chain)
    case "netiv_hased": portal.netivHasedAddress(of: chain)
    case "wolt": portal.woltAddress(of: chain)
    case "ftp": ftp.url("")
    case "http": portal.indexAddress(of: chain)
    default: PortalSimulator.Pages.allCases.first { $0.engine == engine }.map { portal.address($0, of: chain) } ?? ""
    }
  }
}
