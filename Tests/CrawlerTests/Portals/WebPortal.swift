import Core
@testable import CrawlerService
import HTTP
import Portals
import PortalSimulator
import PriceFiles
import Values

/// The portals of this folder's tests, each with the engine that reads it.
enum WebPortal: String, CaseIterable, Sendable {
  case cerberus, laibcatalog, meshnatYosef, netivHased, wolt

  /// The row a catalogue would hold for one of the simulator's chains.
  func row(_ portal: PortalSimulator, _ chain: ChainProfile) -> Chain {
    var row = Chain(
      slug: chain.slug, engine: engineName, locator: address(portal, chain), chainIDs: [chain.chainID],
      userAgent: ChainCatalogue.browserUserAgent)
    if self == .cerberus {
      row.user = chain.prefix
      row.password = Secret(portal.cerberusPassword(of: chain))
      row.path = portal.cerberusFolder(of: chain)
    }
    return row
  }

  private var engineName: String {
    switch self {
    case .cerberus: "cerberus"
    case .laibcatalog: "laibcatalog"
    case .meshnatYosef: "meshnat_yosef"
    case .netivHased: "netiv_hased"
    case .wolt: "wolt"
    }
  }

  private func address(_ portal: PortalSimulator, _ chain: ChainProfile) -> String {
    switch self {
    case .cerberus: portal.cerberusAddress(of: chain)
    case .laibcatalog: portal.laibcatalogAddress(of: chain)
    case .meshnatYosef: portal.meshnatYosefAddress(of: chain)
    case .netivHased: portal.netivHasedAddress(of: chain)
    case .wolt: portal.woltAddress(of: chain)
    }
  }

  /// The engine for that row, at noon of the catalogue's day.
  func engine(
    _ portal: PortalSimulator, _ chain: ChainProfile, httpLimits: HTTPLimits = HTTPLimits(), attempts: Int = 4
  ) throws -> any PortalEngine {
    let context = try engineContext(row(portal, chain), httpLimits: httpLimits, attempts: attempts)
    if self == .netivHased {
      let noon = Int64(portal.catalogue.settings.day.secondsSince1970) + 43_200
      var engine = try LinkPageEngine(context, .netivHased)
      engine.days.now = { noon }
      return engine
    }
    return try EngineTable.kind(engineName).make(context)
  }

  /// What a chain lists here.
  func files(_ portal: PortalSimulator, _ chain: ChainProfile) -> [PortalFile] {
    let visible = portal.visibleFiles.filter { $0.chain == chain }
    return self == .meshnatYosef ? visible.filter { $0.kind != .promoFull } : visible
  }
}

/// Everything a source lists, with the columns that are not as documented.
func sweep(_ engine: any PortalEngine) async throws -> (files: [ListedFile], skipped: [String: Int], odd: Set<String>) {
  var files: [ListedFile] = []
  var skipped: [String: Int] = [:]
  var odd: Set<String> = []
  try await engine.list(Set(FileType.allCases)) { listing in
    files += listing.files
    skipped.merge(listing.skipped, uniquingKeysWith: +)
    odd.formUnion(listing.unknownColumns)
    return true
  }
  return (files, skipped, odd)
}
