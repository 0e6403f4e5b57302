import Catalogue
import Core
import Feeds
import Messages
import ServiceKit
import Values

/// Bars: as last revised or as they were known at a time, as they were traded or adjusted for splits.
extension Gateway {
  private static let barFields = ["open", "high", "low", "close", "volume", "vwap", "trades"]

  /// Splits are known from a file or from their topic.
  private var knowsSplits: Bool { splitsGiven != nil || topics != nil }

  var barEndpoint: Endpoint {
    var parameters = [
      Self.symbol,
      Parameter("interval", .choice(FeedBarFields.lengths.keys.sorted(), standard: "1m"), "Their length."),
    ] + Self.range
    if knowsSplits {
      parameters.append(Parameter("adjusted", .flag, """
        Whether prices and volumes are made comparable over the splits that were executed since, or until 'as_of'.
        """))
    }
    if views != nil {
      parameters.append(Parameter("as_of", .time, """
        As they were known at this time, out of the archive; default: as they are known now.
        """))
    }
    return Endpoint(
      .get, "/bars/{symbol}", "bars", "Bars by their start: of the batch layer up to batch_until, then live.",
      parameters, answer: .bars, mayBeUnknown: true) { try await bars($0) }
  }

  /// Bars with what is told beside them.
  private struct Bars {
    var rows: [(source: String, row: ViewRow)]
    var next: Int64?
    var run: String?
    var sequence: Int64?
    var oldest: Int64?
    var truth: Truth
  }

  private func bars(_ call: Call) async throws -> Reply {
    let (symbol, interval, cursor) = (call.text("symbol"), call.text("interval"), call.cursor("cursor"))
    let asOf = call.time("as_of")
    var adjusting: (splits: [StockSplit], by: SplitAdjustment, hash: String)?
    var away: [Part] = []
    if call.text("adjusted") == "true" {
      let known = try splits(of: symbol, on: calendar.date(ofMilliseconds: asOf ?? now()))
      (adjusting, away) = ((known.splits, known.adjustment, known.hash), known.away)
      guard cursor?.splits == nil || cursor?.splits == known.hash else {
        throw Problem(404, "cursor_expired", "other splits of \(symbol) are known since; begin anew")
      }
    }
    var bars = if let asOf {
      try await archivedBars(symbol, interval, range(call), asOf: asOf, most: call.count("limit"))
    } else {
      try await mergedBars(symbol, interval, range(call), most: call.count("limit"), cursor)
    }
    bars.truth.away += away
    note(away)
    var writer = JSONWriter(capacity: 64 << 10)
    writer.beginObject()
    writer.field("symbol", symbol)
    writer.field("interval", interval)
    writer.key("bars")
    writer.beginArray()
    for (source, row) in bars.rows {
      let row = try adjusting.map { try $0.by.adjusted(row) } ?? row
      writer.beginObject()
      writer.time("start", ms: row.start)
      writer.field("source", source)
      writer.raw(row.members.span.bytes)
      writer.endObject()
    }
    writer.endArray()
    writer.field("adjusted", adjusting != nil)
    writer.time("as_of", ms: asOf)
    writer.key("splits")
    writer.beginArray()
    for split in adjusting?.splits ?? [] {
      writer.beginObject()
      writer.field("execution_date", split.executionDate)
      writer.number("split_from", split.splitFrom)
      writer.number("split_to", split.splitTo)
      writer.endObject()
    }
    writer.endArray()
    writer.cursor(bars.next.map { Cursor(time: $0, run: bars.sequence, splits: adjusting?.hash) })
    writer.time("available_from", ms: bars.oldest)
    writer.text("run", bars.run)
    writer.truth(bars.truth)
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  // MARK: - as last revised

  private func mergedBars(
    _ symbol: String, _ interval: String, _ range: Range<Int64>, most: Int, _ cursor: Cursor?
  ) async throws -> Bars {
    let store = store
    let view = View(
      dataset: .bars, symbol: symbol, variant: interval, length: FeedBarFields.lengths[interval] ?? 0,
      read: { try ViewLines.bars($0, interval: interval) },
      live: { range, most in
        // The close comes first: every bar has one, and hot-writer may be told to leave others out.
        let fields = ["close"] + Self.barFields.filter { $0 != "close" }
        let samples = try await store.samples(
          (fields + ["revision"]).map { "ts:\(symbol):\(interval):\($0)" }, range, most: most)
        let places = Self.barFields.map { fields.firstIndex(of: $0) ?? 0 }
        let rows = samples.stamps.map { stamp in
          var writer = JSONWriter(capacity: 160)
          for (field, place) in zip(Self.barFields, places) {
            writer.key(named: field)
            if let value = samples.values[place][stamp] { writer.raw(value) } else { writer.null() }
          }
          if let revision = samples.values[fields.count][stamp] {
            writer.key(named: "revision")
            writer.raw(revision)
          }
          return ViewRow(start: stamp, members: writer.array())
        }
        return (rows, samples.reach)
      })
    let merged = try await merged(view, range, most: most, cursor: cursor)
    guard let oldest = merged.oldest else { throw unknown(symbol) }
    return Bars(
      rows: merged.page.rows.map { ($0.side.rawValue, $0.row) }, next: merged.page.next, run: merged.run,
      sequence: merged.sequence, oldest: oldest, truth: merged.truth)
  }

  // MARK: - as they were known

  private func archivedBars(
    _ symbol: String, _ interval: String, _ range: Range<Int64>, asOf time: Int64, most: Int
  ) async throws -> Bars {
    guard let views else { throw Problem.away("batch", "this gateway has no archive") }
    var page: ArchivedBars.Page
    do {
      page = try await views.archive.page(
        of: symbol, interval: interval, range, asOf: time, most: most, calendar)
    } catch where ErrorClass(of: error) == .transient {
      throw Problem.away("batch", "the archive is away; ask again")
    }
    if page.newest == nil, page.next == nil, page.gaps.isEmpty, range.lowerBound == 0 { throw unknown(symbol) }
    let length = (FeedBarFields.lengths[interval] ?? 0) / 1_000_000
    // Behind the last bar that it has of the symbol; a time without trades has no bars.
    let behind = max(range.lowerBound, page.newest.map { $0 + length } ?? 0)..<max(range.lowerBound, .max)
    let hole = behind.clamped(to: range.clamped(to: 0..<min(time, now()) + 1))
    if page.next == nil, calendar.isOpenForLong(hole) {
      page.gaps.append(ViewGap(range: hole, reason: .notArchived))
    }
    let (gaps, away) = await gapsAtHand(of: symbol, in: range)
    note(away)
    return Bars(
      rows: page.rows.map { ("archive", $0) }, next: page.next, oldest: page.oldest,
      truth: Truth(
        watermark: page.newest.map { $0 * 1_000_000 }, feedGaps: gaps, viewGaps: page.gaps, away: away))
  }

  // MARK: - splits

  /// The splits of a symbol that were executed by a date.
  /// - Throws: `Problem` 503 where they are not known, 409 where they cannot be multiplied.
  private func splits(of symbol: String, on date: CivilDate) throws -> (
    splits: [StockSplit], adjustment: SplitAdjustment, hash: String, away: [Part]
  ) {
    let known: [StockSplit], away: [Part]
    if let splitsGiven {
      (known, away) = (splitsGiven[symbol] ?? [], [])
    } else {
      guard topics?.hasRead(Topics.marketSplits) == true else {
        throw Problem.away("kafka", "splits are not known yet: \(Topics.marketSplits.name) could not be read", after: 5)
      }
      (known, away) = (live.splits(of: symbol), topics?.follows([Topics.marketSplits]) == true ? [] : [.kafka])
    }
    let splits = known.filter { CivilDate($0.executionDate).map { $0 <= date } ?? false }
      .sorted { $0.executionDate < $1.executionDate }
    let text = splits.map { "\($0.executionDate) \($0.splitFrom) \($0.splitTo)" }.joined(separator: ",")
    do {
      return (splits, try SplitAdjustment(splits), String(SHA256.hash(text).hex.prefix(12)), away)
    } catch {
      throw Problem(409, error.code, error.message)
    }
  }
}

extension SplitAdjustment {
  /// A row of bars with prices and volume as the splits behind it make them.
  /// - Throws: `Problem` 409 for a number that does not fit a decimal.
  func adjusted(_ row: ViewRow) throws -> ViewRow {
    guard let factor = factor(at: row.start * 1_000_000) else { return row }
    let json = [UInt8(ascii: "{")] + row.members + [UInt8(ascii: "}")]
    var writer = JSONWriter(capacity: json.count + 32)
    var reader = try JSONReader(json.span.bytes)
    var cursor = try reader.beginObject()
    while let name = try reader.nextName(&cursor) {
      writer.key(named: name)
      switch name {
      case "open", "high", "low", "close", "vwap", "volume":
        guard !reader.isNull() else {
          writer.null()
          continue
        }
        let value = try? reader.decimal(field: name)
        guard let adjusted = value.flatMap(name == "volume" ? factor.volume : factor.price) else {
          throw Problem(409, "bad_splits", "an adjusted \(name) has more digits than a decimal holds")
        }
        writer.number(adjusted)
      default:
        let start = reader.offset
        try reader.skipValue()
        writer.raw(json.span.bytes.extracting(start..<reader.offset))
      }
    }
    return ViewRow(start: row.start, members: writer.array())
  }
}
