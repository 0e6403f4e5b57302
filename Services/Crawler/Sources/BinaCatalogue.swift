/// A chain whose prices a Bina portal publishes.
package struct BinaChain: Hashable, Sendable {
  /// The name in messages and of `--source`.
  package var slug: String
  package var name: String
  /// The ids its file names carry; more than one where a portal serves sister companies.
  package var chainIDs: [String]
  /// The host is `<prefix>.binaprojects.com`.
  package var prefix: String
  /// No longer published; listed so that old files keep their names.
  package var isClosed = false

  package var address: String { Self.address(prefix: prefix) }
  static func address(prefix: String) -> String { "https://\(prefix).binaprojects.com" }
}

/// The chains on Bina portals known to `--source`.
package enum BinaCatalogue {
  package static let chains: [BinaChain] = [
    .init(slug: "bareket", name: "Bareket", chainIDs: ["7290875100001"], prefix: "superbareket"),
    .init(slug: "city_market_kiryat_gat", name: "City Market Kiryat Gat",
          chainIDs: ["7290058288526", "7290058266241", "7290058288090"], prefix: "citymarketkiryatgat"),
    .init(slug: "good_pharm", name: "Good Pharm", chainIDs: ["7290058197699"], prefix: "goodpharm"),
    .init(slug: "king_store", name: "King Store", chainIDs: ["7290058108879"], prefix: "kingstore"),
    .init(slug: "maayan_2000", name: "Maayan 2000", chainIDs: ["7290058159628"], prefix: "maayan2000"),
    .init(slug: "meshnat_yosef_2", name: "Meshnat Yosef (Keshet Teamim Shivuk)",
          chainIDs: ["5144744100001", "7290058289400"], prefix: "ktshivuk"),
    .init(slug: "shefa_barcart_ashem", name: "Shefa Barcart Ashem", chainIDs: ["7290058134977"],
          prefix: "shefabirkathashem"),
    .init(slug: "shuk_ahir", name: "Shuk Ahir", chainIDs: ["7290058148776"], prefix: "shuk-hayir"),
    .init(slug: "super_sapir", name: "Super Sapir", chainIDs: ["7290058156016"], prefix: "supersapir"),
    .init(slug: "zol_ve_begadol", name: "Zol ve-Begadol", chainIDs: ["7290058173198"], prefix: "zolvebegadol"),
    .init(slug: "city_market_givatayim", name: "City Market Givatayim", chainIDs: [], prefix: "citymarketgivatayim",
          isClosed: true),
    .init(slug: "city_market_kiryat_ono", name: "City Market Kiryat Ono", chainIDs: [],
          prefix: "citymarketkiryatono", isClosed: true),
  ]

  package static func named(_ slug: String) -> BinaChain? { chains.first { $0.slug == slug } }
  static func at(prefix: String) -> BinaChain? { chains.first { $0.prefix == prefix } }
}
