import Core
import Messages
import ServiceKit
import Values

/// Answers that the batch layer and the live side give together.
extension Gateway {
  /// Those that hot-writer keeps unless it is told otherwise.
  private static let signalSeries = ["sma20", "ema12", "rsi14", "macd", "macd_signal", "session_vwap"]
  private static let signalIntervals = ["1m", "5m", "15m", "1h", "1d"] + eventSignals.keys.sorted()

  /// Of hours of options flow and of stories: where the batch layer has them, and the series that are kept live.
  private static let eventSignals: [String: (dataset: BatchViews.Dataset, series: [String])] = [
    "flow-1h": (.flowSignals, ["flow_premium", "flow_dev", "flow_dev_1d"]),
    "sentiment-1h": (.sentimentSignals, ["sentiment_stories", "sentiment_score", "sentiment_dev_1d"]),
  ]

  var viewEndpoints: [Endpoint] {
    let names = Parameter("names", .words(most: 40), """
      Indicators of the live side, as signal-worker names them; default of bars \
      \(Self.signalSeries.joined(separator: ",")). \
      Rows of the batch layer have all.
      """)
    let interval = Parameter("interval", .choice(Self.signalIntervals, standard: "1m"), "Of the bars.")
    let endpoints = [
      barEndpoint,
      Endpoint(
        .get, "/signals/{symbol}", "signals", """
          Indicators at the end of each bar, or how unusual an hour of options flow (flow-1h) or of stories \
          (sentiment-1h) is, and the rules that fired.
          """,
        [Self.symbol, interval, names] + Self.range, answer: .signals, mayBeUnknown: true) { try await signals($0) },
      Endpoint(
        .get, "/features/{symbol}/at", "featuresAt", """
          Indicators as they were at a time: those of the last bar of each interval that had ended.
          """,
        [
          Self.symbol, Parameter("as_of", .time, isRequired: true, "At this time."),
          Parameter("intervals", .choices(Self.signalIntervals, standard: "1m,1d"), "Of the bars."),
          Parameter("known_by", .time, """
            Without rows of the batch layer that were made or revised after this time; default all.
            """), names,
        ], answer: .featuresThen) { try await features($0) },
    ]
    guard views != nil else { return endpoints }
    return endpoints + [
      Endpoint(
        .get, "/flow/{symbol}/daily", "flowDaily", "Options flow by day, of the batch layer.",
        [Self.symbol] + Self.range, answer: .trend) { try await plain($0, .flow) },
      Endpoint(
        .get, "/sentiment/{symbol}/trend", "sentimentTrend", "Sentiment by window of time, of the batch layer.",
        [Self.symbol] + Self.range, answer: .trend) { try await plain($0, .trends) },
    ]
  }

  // MARK: - one view

  /// A dataset of a symbol, and what the live side has in its place.
  struct View {
    var dataset: BatchViews.Dataset
    var symbol: String
    /// Names what `read` chooses among the lines.
    var variant: String
    /// Of a row, nanoseconds.
    var length: Int64
    var read: @Sendable ([UInt8]) throws -> [ViewRow]
    /// Rows of a range (milliseconds since 1970), at most so many, and how far the live side reaches.
    var live: @Sendable (Range<Int64>, Int) async throws -> (rows: [ViewRow], reach: LiveReach)
  }

  struct Merged {
    var page: MergedPage
    var truth: Truth
    /// The run that batch rows are of, and the number that cursors pin.
    var run: String?
    var sequence: Int64?
    var oldest: Int64?

    var next: Cursor? { page.next.map { Cursor(time: $0, mark: sequence.map { "\($0)" }) } }
  }

  /// - Throws: what the live side throws when there is no batch layer to answer without it.
  func merged(_ view: View, _ range: Range<Int64>, most: Int, cursor: Cursor?) async throws -> Merged {
    let snapshot = try await snapshot(view.dataset, cursor)
    let seam = snapshot?.seam(of: view.symbol, rowsOf: view.length) ?? Seam()
    var reach = LiveReach(), failure: (any Error)?, isLiveAsked = false
    var page = try await MergedPage.read(range, most: most, seam) { side, range, most in
      switch side {
      case .batch:
        guard let views, let snapshot else { return [] }
        return try await views.rows(
          snapshot, of: view.symbol, range, most: most, variant: view.variant, view.read)
      case .live:
        do {
          let live = try await view.live(range, most)
          (reach, isLiveAsked) = (live.reach, true)
          return live.rows
        } catch where ErrorClass(of: error) == .transient {
          failure = error
          return nil
        }
      }
    }
    if let failure, page.rows.isEmpty, seam.covers.isEmpty { throw failure }
    if let until = seam.until, isLiveAsked, range.upperBound > until,
      let hole = reach.hole(after: until, isOpen: calendar.isOpenForLong), hole.range.overlaps(range) {
      page.gaps.append(ViewGap(range: hole.range.clamped(to: range), reason: hole.reason))
    }
    var truth = Truth(batchUntil: seam.until, viewGaps: page.gaps.map(seam.told))
    if failure != nil { truth.away.append(.redis) }
    if views?.isAway == true {
      truth.away.append(.batch)
      // What it has is not known, so neither is what the live side lacks.
      let end = min(range.upperBound, reach.oldest ?? range.upperBound)
      if snapshot == nil, range.lowerBound > 0, range.lowerBound < end {
        truth.viewGaps.insert(ViewGap(range: range.lowerBound..<end, reason: .batchAway), at: 0)
      }
    }
    let (gaps, away) = await gapsAtHand(of: view.symbol, in: range)
    (truth.feedGaps, truth.away) = (gaps, truth.away + away)
    let newest = [reach.newest, page.rows.last?.row.start, seam.boundary.map { $0 - 1 }].compactMap { $0 }.max()
    truth.watermark = newest.map { $0 * 1_000_000 }
    note(truth.away)
    return Merged(
      page: page, truth: truth, run: snapshot?.run, sequence: snapshot?.sequence,
      oldest: [seam.covers.first?.lowerBound, reach.oldest].compactMap { $0 }.min())
  }

  /// The manifest of the page before, or the one that holds.
  private func snapshot(_ dataset: BatchViews.Dataset, _ cursor: Cursor?) async throws -> BatchViews.Snapshot? {
    guard let views else { return nil }
    guard let cursor else { return await views.current(of: dataset) }
    // A page without a batch run goes on without one.
    guard let sequence = cursor.run else { return nil }
    return try await views.pinned(dataset, sequence)
  }

  func write(_ merged: Merged, _ name: String, to writer: inout JSONWriter) {
    writer.key(named: name)
    writer.beginArray()
    for (side, row) in merged.page.rows {
      writer.beginObject()
      writer.time("start", ms: row.start)
      writer.field("source", side.rawValue)
      writer.raw(row.members.span.bytes)
      writer.endObject()
    }
    writer.endArray()
    writer.cursor(merged.next)
  }

  // MARK: - signals

  private func signalView(_ symbol: String, _ interval: String, _ names: [String]) -> View {
    let events = Self.eventSignals[interval]
    let names = names.isEmpty ? events?.series ?? Self.signalSeries : names
    let length = FeedBarFields.lengths[events == nil ? interval : "1h"] ?? 0
    return View(
      dataset: events?.dataset ?? .features, symbol: symbol, variant: interval, length: length,
      read: { try ViewLines.signals($0, interval: interval) },
      live: { [store, live] range, most in
        let events = live.events(of: symbol, interval: interval, in: range)
        let samples = try await store.anySamples(names.map { "ts:\(symbol):\(interval):\($0)" }, range, most: most)
        let rows = samples.stamps.map { stamp in
          var writer = JSONWriter(capacity: 256)
          writer.key("values")
          writer.beginObject()
          for (name, values) in zip(names, samples.values) {
            guard let value = values[stamp] else { continue }
            writer.key(named: name)
            writer.raw(value)
          }
          writer.endObject()
          writer.key("events")
          if let known = events[stamp] { writer.raw(known.span.bytes) } else { writer.raw("[]") }
          return ViewRow(start: stamp, members: writer.array())
        }
        return (rows, samples.reach)
      })
  }

  private func signals(_ call: Call) async throws -> Reply {
    let (symbol, interval) = (call.text("symbol"), call.text("interval"))
    let merged = try await merged(
      signalView(symbol, interval, call.texts("names")), range(call), most: call.count("limit"),
      cursor: call.cursor("cursor"))
    guard let oldest = merged.oldest else { throw unknown(symbol) }
    var writer = JSONWriter(capacity: 64 << 10)
    writer.beginObject()
    writer.field("symbol", symbol)
    writer.field("interval", interval)
    write(merged, "signals", to: &writer)
    writer.time("available_from", ms: oldest)
    writer.text("run", merged.run)
    writer.truth(merged.truth)
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  // MARK: - features at a time

  private func features(_ call: Call) async throws -> Reply {
    let (symbol, time) = (call.text("symbol"), call.time("as_of") ?? 0)
    var (truth, run): (Truth, String?) = (Truth(), nil)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    writer.time("as_of", ms: time)
    writer.key("intervals")
    writer.beginObject()
    for interval in call.texts("intervals") {
      let view = signalView(symbol, interval, call.texts("names"))
      let length = view.length / 1_000_000
      // A bar had ended when its begin is its length earlier. Long enough back for a weekend with a holiday.
      let end = max(0, time - length + 1)
      let merged = try await merged(
        view, max(0, end - max(5 * 86_400_000, 2_000 * length).clamped(most: 10 * 86_400_000))..<end, most: 20_000,
        cursor: nil)
      let row = merged.page.rows.last { _, row in
        call.time("known_by").map { Self.known(row) <= $0 } ?? true
      }
      writer.key(named: interval)
      if let row {
        writer.beginObject()
        writer.time("start", ms: row.row.start)
        writer.field("source", row.side.rawValue)
        writer.raw(row.row.members.span.bytes)
        writer.endObject()
      } else {
        writer.null()
      }
      run = run ?? merged.run
      truth.away += merged.truth.away
      truth.feedGaps = merged.truth.feedGaps
      truth.viewGaps += merged.truth.viewGaps
      truth.batchUntil = [truth.batchUntil, merged.truth.batchUntil].compactMap { $0 }.max()
      truth.watermark = [truth.watermark, merged.truth.watermark].compactMap { $0 }.max()
    }
    writer.endObject()
    writer.text("run", run)
    writer.truth(truth)
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  /// When a row was known, milliseconds since 1970; 0 where it does not say.
  private static func known(_ row: ViewRow) -> Int64 {
    let mark = Array("\"known_at\":\"".utf8)
    guard let place = row.members.firstRange(of: mark)?.upperBound,
      let end = row.members[place...].firstIndex(of: UInt8(ascii: "\""))
    else { return 0 }
    let text = row.members[place..<end]
    return text.withUnsafeBytes { Timestamp(parsing: $0.bytes)?.microseconds ?? 0 } / 1_000
  }

  // MARK: - rows of the batch layer alone

  private func plain(_ call: Call, _ dataset: BatchViews.Dataset) async throws -> Reply {
    let symbol = call.text("symbol")
    let view = View(
      dataset: dataset, symbol: symbol, variant: "", length: 0, read: { try ViewLines.plain($0) },
      live: { _, _ in ([], LiveReach()) })
    let merged = try await merged(view, range(call), most: call.count("limit"), cursor: call.cursor("cursor"))
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    write(merged, "rows", to: &writer)
    writer.text("run", merged.run)
    writer.truth(merged.truth)
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }
}

extension Int64 {
  fileprivate func clamped(most: Int64) -> Int64 { Swift.min(self, most) }
}
