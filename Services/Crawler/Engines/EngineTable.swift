import Core

/// One kind of engine: its name in the catalogue, and how it is made from a row.
package struct EngineKind: Sendable {
  package let name: String
  /// One line, for `crawler sources`.
  package let summary: String
  /// - Throws: a configuration `Failure` for a row the engine cannot work with.
  package let make: @Sendable (EngineContext) throws -> any PortalEngine

  init(_ name: String, _ summary: String, make: @escaping @Sendable (EngineContext) throws -> any PortalEngine) {
    (self.name, self.summary, self.make) = (name, summary, make)
  }
}

/// All engines. A new one is a type and a line here.
package enum EngineTable {
  package static let all: [EngineKind] = [
    EngineKind("bina", "Bina Projects: JSON listings cut at 1,000 rows") { try BinaEngine($0) },
    EngineKind("shufersal", "Shufersal: HTML pages of links that expire") { try TableEngine($0, .shufersal) },
    EngineKind("super_pharm", "Super-Pharm: HTML pages by day") { try TableEngine($0, .superPharm) },
    EngineKind("hazi_hinam", "Hazi Hinam: HTML pages by day") { try TableEngine($0, .haziHinam) },
    EngineKind("city_market_shops", "City Market: HTML pages by day, links without names") {
      try TableEngine($0, .cityMarket)
    },
    EngineKind("publish_price", "PublishPrice: one page a day, the listing in its script") {
      try PublishPriceEngine($0)
    },
    EngineKind("matrix", "Matrix Catalog (NB), before laibcatalog: one HTML page") {
      try TableEngine($0, .matrix)
    },
    EngineKind("cerberus", "Cerberus web: a login per chain, a JSON directory") { try CerberusEngine($0) },
    EngineKind("laibcatalog", "laibcatalog.co.il: a JSON listing by chain id") { try LaibcatalogEngine($0) },
    EngineKind("meshnat_yosef", "Meshnat Yosef: one JSON array") { try MeshnatYosefEngine($0) },
    EngineKind("netiv_hased", "Netiv Ha-Hesed: a page of links by day") { try NetivHasedEngine($0) },
    EngineKind("wolt", "Wolt: an index of days, a page of links by day") { try WoltEngine($0) },
    EngineKind("http", "an index page of a web server that links to files") { try IndexEngine($0) },
    EngineKind("ftp", "a folder of an FTP server, ftp:// or ftps://") { try FTPEngine($0) },
    EngineKind("dir", "a local folder with everything below it") { try FolderEngine($0) },
  ]

  /// - Throws: a configuration `Failure` for an unknown engine.
  package static func kind(_ name: String) throws(Failure) -> EngineKind {
    if let kind = all.first(where: { $0.name == name }) { return kind }
    throw Failure(
      .configuration, code: "unknown_engine",
      "there is no engine '\(name)'; there are \(all.map(\.name).joined(separator: ", "))")
  }
}
