import Core
import Foundation
import HTTP
import Logging
import PriceFiles
import Synchronization
import Values

/// A portal of Bina Projects, the software behind a dozen chains.
///
/// A listing shows at most 1,000 rows and does not say when it omits some. A full one is therefore requested again by
/// type, then by date, then by store, until the answers are short enough (`BinaSweep`).
package final class BinaEngine: ChainEngine {
  /// How the engine finds a file's URL.
  package enum Links: String, CaseIterable, Sendable {
    /// `<portal>/Download/<name>`, or the link in the listing.
    case direct
    /// From Download.aspx, with one request per new file.
    case resolver
  }

  let context: EngineContext
  let base: HTTPURL
  let links: Links
  /// The stores that earlier passes found, to narrow a cut listing.
  private let stores = Mutex<Set<String>>([])

  /// Option of the row: `links: direct` or `resolver`.
  /// - Throws: a configuration `Failure`.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    let written = context.option("links", default: Links.direct.rawValue)
    guard let links = Links(rawValue: written) else {
      throw Failure(
        .configuration, code: "bad_source", "\(context.label): links: '\(written)' is neither direct nor resolver")
    }
    self.links = links
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    var sweep = BinaSweep(engine: self, types: types, stores: stores.withLock { $0 })
    while let listing = try await sweep.next() {
      guard try await take(listing) else { return }
    }
    if !sweep.stores.isEmpty { stores.withLock { [found = sweep.stores] in $0 = found } }
  }

  package func link(to file: ListedFile) async throws -> String? {
    if let link = file.link { return link }
    switch links {
    case .direct: return try base.resolving("Download/\(file.fileName)").text
    case .resolver:
      let url = try base.resolving("Download.aspx?FileNm=\(file.fileName)")
      guard let link = try BinaListing.link(try await fetch(url)) else { return nil }
      return try base.resolving(link).text
    }
  }

  /// Requests one listing.
  func rows(_ query: BinaQuery, nonce: Int) async throws -> [ListingRow] {
    let body = try await fetch(try base.resolving("MainIO_Hok.aspx?\(query.text(nonce: nonce))"))
    return try BinaListing.rows(body, limit: context.limits.maxRows)
  }

  private func fetch(_ url: HTTPURL) async throws -> [UInt8] {
    try await context.listings.get(url, headers: [
      "Accept": "application/json, text/javascript, */*; q=0.01", "X-Requested-With": "XMLHttpRequest",
    ]).body
  }

  /// The rows that are price files.
  func listing(_ rows: [ListingRow]) -> Listing {
    var listing = Listing()
    for row in rows {
      guard let fileName = row.text("filenm") else {
        listing.skip("no_file_name")
        continue
      }
      let size = row.text("filesize")
      listing.add(
        fileName, of: context, size: size.flatMap { Int64($0) }, version: [size, row.text("datefile")],
        link: link(of: fileName, row), linkFollows: true)
    }
    return listing
  }

  private func link(of fileName: String, _ row: ListingRow) -> String? {
    guard let link = row.text("spath") else { return nil }
    do {
      return try base.resolving(link).text
    } catch {
      context.logger.warning(
        "a listing has a link that is not a URL", metadata: ["file": "\(fileName)", "error": "\(error)"])
      return nil
    }
  }
}

/// Reads the listings and link answers of Bina portals, in every known shape:
///
///     [{"FileNm": "...", "DateFile": "03:05 20/01/2025", ...}]      the documented one
///     {"d": [{"FileNm": "...", "FileSize": 42, "SPath": "/..."}]}   also with the array inside a string
///     {"1": {"FileNm": "..."}, "2": {...}}                          rows under their own keys
///
/// The size (bytes, or text such as "12.3 KB") and the link (absolute, or relative to the portal) are often left out;
/// the date is `HH:mm dd/MM/yyyy`.
/// Field names are compared without case. Not a hot path: a listing has at most 1,000 rows.
enum BinaListing {
  /// - Returns: the rows; some may have no file name.
  static func rows(_ bytes: [UInt8], limit: Int) throws(PortalError) -> [ListingRow] {
    try ListingJSON.rows(try objects(in: try ListingJSON.value(bytes)), limit: limit)
  }

  /// The link in an answer of Download.aspx; nil when it has none.
  static func link(_ bytes: [UInt8]) throws(PortalError) -> String? {
    let objects = try objects(in: try ListingJSON.value(bytes), marker: "spath")
    return objects.lazy.compactMap { ListingRow($0).text("spath") }.first
  }

  /// Finds the array of rows, or the rows that are values of one object.
  private static func objects(in value: Any, marker: String = "filenm") throws(PortalError) -> [[String: Any]] {
    if let array = value as? [Any] {
      let objects = array.compactMap { $0 as? [String: Any] }
      guard objects.count == array.count else { throw ListingJSON.unknown("an array with entries that are no objects") }
      return objects
    }
    if let text = value as? String {
      return try objects(in: try ListingJSON.value(Array(text.utf8)), marker: marker)
    }
    guard let object = value as? [String: Any] else { throw ListingJSON.unknown("neither an array nor an object") }
    if object.isEmpty { return [] }
    if object.keys.contains(where: { $0.lowercased() == marker }) { return [object] }
    if let inner = object["d"] {
      if inner is NSNull { return [] }
      return try objects(in: inner, marker: marker)
    }
    var rows: [[String: Any]] = []
    for key in object.keys.sorted() {
      if let row = object[key] as? [String: Any] {
        rows.append(row)
      } else if let many = object[key] as? [[String: Any]] {
        rows += many
      } else {
        throw ListingJSON.unknown("an object with the keys \(ListingJSON.keys(object))")
      }
    }
    // Nested objects may be anything; at least one of them must look like a row.
    guard rows.isEmpty || rows.contains(where: { $0.keys.contains { $0.lowercased() == marker } }) else {
      throw ListingJSON.unknown(
        "an object with the keys \(ListingJSON.keys(object)), whose entries have \(ListingJSON.keys(rows[0]))")
    }
    return rows
  }
}

/// What a listing is asked for. Nil means everything.
struct BinaQuery: Hashable, Sendable, CustomStringConvertible {
  var type: FileType?
  var date: CivilDate?
  /// Without leading zeros; never `everyStore`.
  var store: String?

  /// The portal's value for "all stores". Files of the chain as a whole carry it as their store. They cannot be
  /// requested alone: the portal would answer with everything, cut again.
  static let everyStore = "0"

  /// The queries that together cover this one, each for less; empty when no narrower one is possible.
  func narrowed(types: [FileType], dates: Set<CivilDate>, stores: Set<String>) -> [BinaQuery] {
    if type == nil { return types.map { BinaQuery(type: $0) } }
    if date == nil { return dates.sorted(by: >).map { BinaQuery(type: type, date: $0) } }
    if store == nil { return stores.sorted().map { BinaQuery(type: type, date: date, store: $0) } }
    return []
  }

  /// - Parameter nonce: differs per request, so that no cache answers it.
  func text(nonce: Int) -> String {
    let number =
      switch type {
      case nil: 0
      case .stores: 1
      case .price: 2
      case .promo: 3
      case .priceFull: 4
      case .promoFull: 5
      }
    // wReshet ("chain") is the Hebrew word for "all", percent-encoded UTF-8.
    return "_=\(nonce)&wReshet=%D7%94%D7%9B%D7%9C&WFileType=\(number)&WDate=\(date?.slashed ?? "")"
      + "&WStore=\(store ?? "")"
  }

  var description: String {
    "type \(type?.rawValue ?? "any"), date \(date?.description ?? "any"), store \(store ?? "any")"
  }
}

/// One pass over a portal: asks for everything, and narrows the query where an answer was cut.
///
/// Breadth first: a cut answer is narrowed only after all queries of its own level, because their answers show the
/// dates and stores that narrowing needs.
struct BinaSweep {
  private enum Step {
    case ask(BinaQuery)
    /// The answer to this was cut.
    case narrow(BinaQuery)
  }
  private let engine: BinaEngine
  private let types: [FileType]
  private var steps: [Step]
  private var position = 0
  private var asked = 0
  private var isCut = false
  private var dates: Set<CivilDate> = []
  private(set) var stores: Set<String>

  init(engine: BinaEngine, types: Set<FileType>, stores: Set<String>) {
    self.engine = engine
    self.stores = stores
    self.types = FileType.allCases.filter(types.contains)
    // Without promotions there are half as many rows: asking by type at once saves the cut answer.
    steps = types.count == FileType.allCases.count
      ? [.ask(BinaQuery())] : self.types.map { .ask(BinaQuery(type: $0)) }
  }

  /// - Returns: the next listing; nil at the end.
  mutating func next() async throws -> Listing? {
    while position < steps.count {
      let step = steps[position]
      position += 1
      switch step {
      case .ask(let query): return try await ask(query)
      case .narrow(let query): narrow(query)
      }
    }
    guard isCut else { return nil }
    isCut = false
    var last = Listing()
    last.isCut = true
    return last
  }

  private mutating func ask(_ query: BinaQuery) async throws -> Listing {
    asked += 1
    // Milliseconds since 1970 as browsers send it; it only has to differ between requests.
    let nonce = Int(WallClock.milliseconds()) + asked
    let rows = try await engine.rows(query, nonce: nonce)
    let listing = engine.listing(rows)
    for file in listing.files {
      dates.insert(file.name.date)
      if let store = file.name.storeID, store != BinaQuery.everyStore { stores.insert(store) }
    }
    engine.context.logger.debug("listing", metadata: ["query": "\(query)", "rows": .stringConvertible(rows.count)])
    if rows.count >= engine.context.limits.rowCap { steps.append(.narrow(query)) }
    return listing
  }

  private mutating func narrow(_ query: BinaQuery) {
    let narrower = query.narrowed(types: types, dates: plausibleDates(), stores: stores)
    let room = max(0, engine.context.limits.maxRequests - asked - pending)
    guard !narrower.isEmpty, narrower.count <= room else {
      CrawlerMetrics.cutListing(engine.source)
      isCut = true
      engine.context.logger.warning(
        "a listing is cut and cannot be narrowed further: files may be missing",
        metadata: [
          "query": "\(query)", "requests": "\(asked)", "request_limit": "\(engine.context.limits.maxRequests)",
        ])
      return
    }
    steps += narrower.map { .ask($0) }
  }

  private var pending: Int { steps[position...].count { if case .ask = $0 { true } else { false } } }

  /// The days to narrow by. A cut answer may have lost whole days, so the days between and beside those it showed count
  /// too (a month at most), and the days around today.
  private func plausibleDates() -> Set<CivilDate> {
    let today = WallClock.seconds() / 86_400
    var days = Set(dates.map(\.daysSinceEpoch))
    if let first = days.min(), let last = days.max() { days.formUnion(max(first - 1, last - 30)...(last + 1)) }
    days.formUnion(today - 1...today + 1)
    return Set(days.map { CivilDate(daysSinceEpoch: $0) })
  }
}
