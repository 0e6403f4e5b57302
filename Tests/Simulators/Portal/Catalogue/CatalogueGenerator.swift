/// Generates the catalogue: its files, the rows and bytes of each, and the state that a reader of all of them must
/// reach (`expected()`).
///
/// Everything is a pure function of the settings. A file exists only while it is read, so memory does not grow with
/// the catalogue.
package struct CatalogueGenerator: Sendable {
  package let settings: CatalogueSettings
  package let chains: [ChainProfile]
  let dice: Dice
  /// Products to choose from; chains carry about three quarters of them.
  let range: Int

  package init(settings: CatalogueSettings) {
    precondition(
      settings.chains >= 0 && settings.stores > 0 && settings.items > 0 && settings.items <= 70_000
        && settings.rounds >= 0,
      "a catalogue needs a store, 1 to 70,000 items and no negative number")
    self.settings = settings
    dice = Dice(seed: settings.seed)
    chains = (0..<settings.chains).map(ChainProfile.init(ordinal:))
    range = settings.items * 4 / 3 + 1
  }

  /// Every file of one chain, in order of time.
  package func files(of chain: ChainProfile) -> [PortalFile] {
    var files: [PortalFile] = []
    let night = settings.day + 3 * 3_600
    if settings.sideFiles {
      files.append(PortalFile(chain: chain, store: -1, kind: .stores, time: settings.day + 2 * 3_600))
    }
    for store in 0..<settings.stores {
      let minute = (chain.ordinal * 7 + store * 2) % 50 * 60
      files.append(PortalFile(chain: chain, store: store, kind: .priceFull, time: night + minute))
      if settings.sideFiles {
        files.append(PortalFile(chain: chain, store: store, kind: .promoFull, time: night + minute + 60))
      }
      for round in stride(from: 1, through: settings.rounds, by: 1) {
        files.append(
          PortalFile(chain: chain, store: store, kind: .price(round: round),
                     time: night + minute + (round + 3) * 3_600))
      }
    }
    return files.sorted { ($0.time, $0.name) < ($1.time, $1.name) }
  }

  package func files() -> [PortalFile] { chains.flatMap(files(of:)) }

  /// A row of a price file, before a dialect gives it element names.
  struct Row {
    var product: Product
    var code: String
    /// Agorot.
    var price: Int
    var updated: WallTime
  }

  /// The rows of a price or full file, in the order they are written, with the repeated codes at the end.
  func rows(of file: PortalFile) -> [Row] {
    var rows: [Row] = []
    for index in 0..<range {
      guard let row = row(index, of: file) else { continue }
      rows.append(row)
    }
    if case .priceFull = file.kind, file.chain.dialect == .a {
      for row in rows.prefix(settings.duplicates) {
        var repeated = row
        repeated.price += 500
        rows.append(repeated)
      }
    }
    return rows
  }

  private func row(_ index: Int, of file: PortalFile) -> Row? {
    let chain = file.chain.ordinal
    guard let start = introduction(index, chain, file.store) else { return nil }
    switch file.kind {
    case .priceFull:
      guard start == 0 else { return nil }
    case .price(let round):
      let moved = start < round && moves(index, chain, file.store, round)
      let announced = start < round
        && dice.chance(settings.announcedPerRound, .announced, index, chain, file.store, round)
      guard start == round || moved || announced else { return nil }
    case .promoFull, .stores: return nil
    }
    let product = Product(index: index, dice: dice)
    return Row(
      product: product, code: product.code(in: file.chain),
      price: price(of: product, chain, file.store, after: file.round, from: start),
      updated: updateTime(index, file))
  }

  /// The round a store first sells a product in (0: it is in the full file), or nil if it never does.
  func introduction(_ index: Int, _ chain: Int, _ store: Int) -> Int? {
    guard dice.chance(0.78, .carriedByChain, index, chain),
      dice.chance(0.97, .carriedByStore, index, chain, store)
    else { return nil }
    guard settings.rounds > 0, dice.chance(0.015, .introduced, index, chain, store, -1) else { return 0 }
    return 1 + dice.pick(settings.rounds, .introduced, index, chain, store)
  }

  func moves(_ index: Int, _ chain: Int, _ store: Int, _ round: Int) -> Bool {
    dice.chance(settings.changesPerRound, .changed, index, chain, store, round)
  }

  /// The price in agorot after a round: the first one, moved in every round in which it moves.
  func price(of product: Product, _ chain: Int, _ store: Int, after round: Int, from start: Int) -> Int {
    let chainFactor = 92 + dice.pick(19, .chainFactor, product.index, chain)
    let storeFactor = 97 + dice.pick(7, .storeFactor, chain, store)
    var price = Self.rounded(product.price * chainFactor * storeFactor / 10_000)
    for moved in stride(from: start + 1, through: round, by: 1)
    where moves(product.index, chain, store, moved) {
      let percent = 80 + dice.pick(46, .newPrice, product.index, chain, store, moved)
      let next = Self.rounded(price * percent / 100)
      price = next == price ? price + 10 : next
    }
    return price
  }

  /// Shop prices end in 90, 50 or 00 agorot when they are large and in 0 when small; some keep odd agorot.
  private static func rounded(_ agorot: Int) -> Int {
    let price = max(50, agorot)
    if price % 11 == 0 { return price }
    if price < 1_000 { return max(50, price / 10 * 10) }
    let rest = price % 100
    return price - rest + (rest < 25 ? 0 : rest < 70 ? 50 : 90)
  }

  /// When the chain says the price was set: in a price file minutes before the file, in a full one days before.
  private func updateTime(_ index: Int, _ file: PortalFile) -> WallTime {
    let second = dice.pick(3_000, .updateSecond, index, file.chain.ordinal, file.store, file.round)
    if case .price = file.kind { return file.time + -(60 + second) }
    let days = 1 + dice.pick(400, .updateDay, index, file.chain.ordinal, file.store)
    return file.time + -(days * 86_400 + second)
  }

  /// The file's XML.
  package func xml(of file: PortalFile) -> [UInt8] {
    switch file.kind {
    case .priceFull, .price: PriceXML.document(file, rows: rows(of: file))
    case .promoFull: SideXML.promotions(file, rows: promotedRows(of: file), dice: dice)
    case .stores: SideXML.stores(file, count: settings.stores, dice: dice)
    }
  }

  /// The file as the portal serves it.
  /// - Parameter revision: 0 as first published; each higher number has other bytes and the same rows.
  package func bytes(of file: PortalFile, revision: Int = 0) -> [UInt8] {
    var xml = xml(of: file)
    if revision > 0 { xml += Array("<!-- revision \(revision) -->\n".utf8) }
    switch file.chain.packing {
    case .none: return xml
    case .gzip: return Packer.gzip(xml)
    case .zip: return Packer.zip(xml, name: "\(file.name.prefix { $0 != "." }).xml")
    }
  }

  /// The rows of the full file that a promotion is about, each code once.
  func promotedRows(of file: PortalFile) -> [Row] {
    var full = file
    full.kind = .priceFull
    var codes: Set<String> = []
    return rows(of: full).filter {
      codes.insert($0.code).inserted
        && dice.chance(settings.promotedShare, .promotion, $0.product.index, file.chain.ordinal, file.store)
    }
  }
}
