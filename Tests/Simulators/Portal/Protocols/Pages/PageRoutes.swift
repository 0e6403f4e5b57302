import Core
import HTTPTypes
import HummingbirdCore
import NIOCore
import SimulatorServer

/// Portals that list their files on HTML pages. Each lies in a folder of its own below every chain's address.
extension PortalSimulator {
  /// The folder of a protocol below a chain's address.
  package enum Pages: String, CaseIterable, Sendable {
    case shufersal
    case carrefour
    case superPharm = "super-pharm"
    case haziHinam = "hazi-hinam"
    case cityMarket = "city-market"
    case matrix

    /// The name of the crawler's engine that reads these pages.
    package var engine: String {
      switch self {
      case .shufersal: "shufersal"
      case .carrefour: "publish_price"
      case .superPharm: "super_pharm"
      case .haziHinam: "hazi_hinam"
      case .cityMarket: "city_market_shops"
      case .matrix: "matrix"
      }
    }
  }

  /// What to give the crawler's `--source`, one per chain. The catalogue lies in the past: without dates.
  package func sources(_ pages: Pages) -> [String] {
    catalogue.chains.map { "\(pages.engine)+\(address(pages, of: $0))?chain=\($0.slug)&days=0" }
  }

  /// Where a chain is listed in the given way; ends in a slash.
  package func address(_ pages: Pages, of chain: ChainProfile) -> String {
    "\(baseURL(of: chain))/\(pages.rawValue)/"
  }

  func addPages(to router: Router) {
    addShufersal(to: router)
    addCarrefour(to: router)
    addSuperPharm(to: router)
    addHaziHinam(to: router)
    addCityMarket(to: router)
    addMatrix(to: router)
  }

  /// What a chain shows now, the newest first.
  func newest(_ published: PublishedChain, _ admits: (PortalFile) -> Bool = { _ in true }) -> [PortalFile] {
    let rounds = visibleRounds
    return published.files.filter { $0.round <= rounds && !state.isWithdrawn($0.key) && admits($0) }
      .sorted { ($1.time, $1.name) < ($0.time, $0.name) }
  }

  /// What a listing shows, with the faults that apply to every kind of table.
  func page(_ title: String, _ mode: Fault.Mode?, _ body: () -> String) -> PortalAnswer {
    switch mode {
    case .unknownShape:
      PortalAnswer(html: PageTable.page(title: title, "<div class=\"app\"><p>האתר שודרג</p></div>"))
    default: PortalAnswer(html: PageTable.page(title: title, body()))
    }
  }

  /// In kilobytes, as portals round it.
  func kilobytes(_ file: PortalFile) -> String {
    let hundredths = size(file) * 100 / 1_024
    return "\(hundredths / 100).\(zeroPadded(hundredths % 100, 2))"
  }

  func size(_ file: PortalFile) -> Int {
    let revision = revision(of: file)
    return state.size(of: file.key, revision: revision) { catalogue.bytes(of: file, revision: revision).count }
  }

  /// When a listing says the file was published: a little after it was made, later still when republished.
  func published(_ file: PortalFile) -> WallTime { file.time + 300 + revision(of: file) * 600 }

  func branch(_ file: PortalFile) -> String {
    file.store < 0 ? file.chain.hebrewName : SideXML.storeName(file.chain, file.store, catalogue.dice)
  }
}

extension PortalFile {
  /// Unique within the portal.
  var key: String { "\(chain.prefix)/\(name)" }
  /// The name up to its extension.
  package var bareName: String { String(name.prefix { $0 != "." }) }
}

extension Request {
  func number(_ name: String) -> Int? { uri.queryParameters[Substring(name)].flatMap { Int($0) } }
  func text(_ name: String) -> String { uri.queryParameters[Substring(name)].map { String($0) } ?? "" }
}
