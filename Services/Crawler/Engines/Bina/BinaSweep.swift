import Core
import Foundation
import Logging
import PriceFiles
import Values

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
    engine.context.logger.debug("listing", metadata: ["query": "\(query)", "rows": "\(rows.count)"])
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
