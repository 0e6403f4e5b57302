import Archiving
import Catalogue
import Core
import Messages
import ObjectStore
import Synchronization

/// Bars as they were known at a time, out of the archive: it has every state of each bar, with the time at which it was
/// known. The views of the batch layer and the hot store have the last state only.
final class ArchivedBars: Sendable {
  struct Page: Sendable {
    var rows: [ViewRow] = []
    /// Where the next page begins, milliseconds since 1970; nil when this is the last.
    var next: Int64?
    /// The begin of the last bar that the archive has of the symbol, in any state, milliseconds since 1970.
    var newest: Int64?
    /// When the first date of the archive begins; nil when it has none.
    var oldest: Int64?
    var gaps: [ViewGap] = []
  }

  private struct Entries {
    /// What the index said of the date when they were read.
    var sums: ArchiveDate
    /// By symbol, in the order of offsets.
    var objects: [String: [CatalogueEntry]]
  }
  private struct State {
    var index: (value: ArchiveIndex?, at: ContinuousClock.Instant)?
    /// By date.
    var entries: [String: Entries] = [:]
  }
  private let state = Mutex(State())
  private let catalogue: ArchiveCatalogue
  private let gate: StoreGate
  private let refresh: Duration
  private static let dataset = Topics.marketBars.name
  /// Most dates and bytes that one page reads.
  private static let dates = 32, bytes = 256 << 20

  /// - Parameter refresh: how old the index of the archive may be.
  init(_ store: any ObjectStore, _ gate: StoreGate, refresh: Duration) {
    catalogue = ArchiveCatalogue(store, folder: "_catalogue")
    (self.gate, self.refresh) = (gate, refresh)
  }

  /// - Parameters:
  ///   - range: of the bars' begins, milliseconds since 1970.
  ///   - time: what was known later is passed over, milliseconds since 1970.
  /// - Throws: what the store throws.
  func page(
    of symbol: String, interval: String, _ range: Range<Int64>, asOf time: Int64, most: Int, _ calendar: NYSECalendar
  ) async throws -> Page {
    var page = Page()
    let range = range.clamped(to: 0..<time + 1)
    guard let index = try await index() else { return page }
    page.oldest = index.dates.first.flatMap { CivilDate($0.date) }.map(Self.begin(of:))
    guard !range.isEmpty else { return page }
    let first = calendar.date(ofMilliseconds: range.lowerBound)
    let last = calendar.date(ofMilliseconds: range.upperBound - 1)
    var read = 0
    for sums in index.dates {
      guard let date = CivilDate(sums.date), (first...last).contains(date) else { continue }
      guard read < Self.dates else {
        page.next = Self.begin(of: date)
        break
      }
      let objects = try await entries(sums)[symbol] ?? []
      read += 1
      guard !objects.isEmpty else { continue }
      var bars = ViewLines.BarStates(knownBy: time * 1_000_000 + 999_999)
      guard let lines = try await lines(of: objects) else {
        let end = Self.begin(of: CivilDate(daysSinceEpoch: date.daysSinceEpoch + 1))
        page.gaps.append(ViewGap(range: (Self.begin(of: date)..<end).clamped(to: range), reason: .unreadable))
        continue
      }
      for part in lines { try bars.take(part, interval: interval) }
      page.newest = [page.newest, objects.compactMap(\.toNs).max().map { $0 / 1_000_000 }].compactMap { $0 }.max()
      page.rows += bars.rows.filter { range.contains($0.start) }
      guard page.rows.count > most else { continue }
      page.next = page.rows[most].start
      page.rows.removeSubrange(most...)
      break
    }
    return page
  }

  /// When a date begins, milliseconds since 1970: at 4:00 UTC, which is midnight in New York, or an hour before it,
  /// when nothing trades.
  private static func begin(of date: CivilDate) -> Int64 { (date.daysSinceEpoch * 86_400 + 4 * 3_600) * 1_000 }

  /// nil when the archive has no bars.
  private func index() async throws -> ArchiveIndex? {
    let known = state.withLock { $0.index }
    if let known, ContinuousClock.now - known.at < refresh { return known.value }
    let index = try await gate.ask { [catalogue] in try await catalogue.index(of: Self.dataset) }
    state.withLock { $0.index = (index, .now) }
    return index
  }

  /// The objects of a date by symbol; read again only when the index says that there are others.
  private func entries(_ sums: ArchiveDate) async throws -> [String: [CatalogueEntry]] {
    if let known = state.withLock({ $0.entries[sums.date] }), known.sums == sums { return known.objects }
    let entries = try await gate.ask { [catalogue] in try await catalogue.entries(of: Self.dataset, on: sums.date) }
    let objects = Dictionary(grouping: entries) { $0.symbol }
    state.withLock { state in
      if state.entries.count >= Self.dates { state.entries.removeAll() }
      state.entries[sums.date] = Entries(sums: sums, objects: objects)
    }
    return objects
  }

  /// The lines of objects, in their order; nil when one of them cannot be read: it is in a cold tier, damaged or gone.
  private func lines(of objects: [CatalogueEntry]) async throws -> [[UInt8]]? {
    let store = catalogue.store, gate = gate
    do {
      return try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
        var found = [[UInt8]](repeating: [], count: objects.count)
        for (place, object) in objects.enumerated() {
          // So many at once.
          if place >= 8, let (done, lines) = try await group.next() { found[done] = lines }
          group.addTask {
            let key = try ObjectKey(object.object)
            let stored = try await gate.ask { try await store.bytes(of: key, limit: Self.bytes) }
            guard let lines = Packer.unpacked(stored, named: object.object) else {
              throw Failure(.data, code: "object_damaged", "\(object.object) is not whole")
            }
            return (place, lines)
          }
        }
        while let (done, lines) = try await group.next() { found[done] = lines }
        return found
      }
    } catch where ErrorClass(of: error) == .data {
      return nil
    }
  }
}

extension NYSECalendar {
  /// The date in New York.
  func date(ofMilliseconds time: Int64) -> CivilDate {
    CivilDate(daysSinceEpoch: day(of: time.flooredDivision(by: 1_000).quotient))
  }
}
