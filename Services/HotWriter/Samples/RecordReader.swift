import Core
import Features
import Messages
import Pipeline
import Redis
import Values

/// Reads the records of `market-ticks` and `market-bars` into buffers, without values of their own for each record.
struct RecordReader: ~Copyable {
  /// What is taken of the records.
  struct Limits: Sendable {
    /// A stamp further ahead of the clock than this is refused: it would empty its series of everything before it.
    var skew: Duration = .seconds(60)
    /// More symbols are refused.
    var symbols = 20_000
    /// Those whose records are written; all when empty.
    var feeds: [[UInt8]] = []
    /// Entries of the tail; 0 for none.
    var tail = 10_000
  }

  var table: SeriesTable
  let limits: Limits
  let features: FeatureEngine
  private let tickFields: [Bool]
  private let barFields: [BarField]
  /// The place of each of them among all.
  private let barPlaces: [Int]
  /// Taken out while a message is read: what is read borrows from them.
  private var ticks: FeedTickDecoder? = FeedTickDecoder()
  private var bars: FeedBarDecoder? = FeedBarDecoder()
  var checks: RecordChecks
  private var words = HashWords()

  /// - Parameter now: milliseconds since 1970.
  init(
    _ policy: SeriesPolicy, limits: Limits, features: FeatureEngine = FeatureEngine(.none),
    now: @escaping @Sendable () -> Int64 = WallClock.milliseconds
  ) {
    self.features = features
    table = SeriesTable(policy)
    self.limits = limits
    checks = RecordChecks(limits, now: now)
    tickFields = TickField.allCases.map { policy.tickFields.contains($0) }
    barFields = policy.barFields
    barPlaces = barFields.compactMap { BarField.allCases.firstIndex(of: $0) }
  }

  /// What is checked next is held against the clock of then, which may have been set back.
  mutating func forgetClock() { checks.forgetClock() }

  // MARK: - ticks

  mutating func append(tick bytes: RawSpan, at offset: Int64, to buffer: inout PartitionBuffer) -> Disposition {
    var decoder = ticks.take() ?? FeedTickDecoder()
    let disposition = append(tick: bytes, by: &decoder, at: offset, to: &buffer)
    ticks = consume decoder
    return disposition
  }

  private mutating func append(
    tick bytes: RawSpan, by decoder: inout FeedTickDecoder, at offset: Int64, to buffer: inout PartitionBuffer
  ) -> Disposition {
    let tick: FeedTickFields
    let symbol: Int
    do throws(DecodingFailure) {
      let view = try decoder.decode(bytes)
      tick = view.fields
      guard checks.isWanted(view.feed) else { return .skip(reason: "other feed") }
      if let refusal = checks.refusal(symbol: view.symbol, stamp: tick.eventNs) { return .reject(refusal) }
      guard let number = table.symbol(view.symbol, most: limits.symbols) else { return .reject(checks.tooMany) }
      symbol = number
      switch tick.kind {
      case .trade:
        guard tick.price != nil else { return .reject(Self.missing("price")) }
        buffer.note(trade: bytes, of: symbol, at: tick.eventNs)
      case .quote: buffer.note(quote: bytes, of: symbol, at: tick.eventNs)
      case .correction, .cancel: words.note(change: view, symbol, &buffer)
      case .status, .luld: break
      }
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", error.description))
    }
    let stamp = tick.eventNs / 1_000_000
    switch tick.kind {
    case .trade:
      add(.price, tick.price, symbol, stamp, offset, &buffer)
      add(.size, tick.size, symbol, stamp, offset, &buffer)
    case .quote:
      // A side without an offer is sent as zero, which is no price.
      if tick.bid?.isZero == false {
        add(.bid, tick.bid, symbol, stamp, offset, &buffer)
        add(.bidSize, tick.bidSize, symbol, stamp, offset, &buffer)
      }
      if tick.ask?.isZero == false {
        add(.ask, tick.ask, symbol, stamp, offset, &buffer)
        add(.askSize, tick.askSize, symbol, stamp, offset, &buffer)
      }
    case .correction, .cancel, .status, .luld: break
    }
    if limits.tail > 0 { buffer.keepInTail(bytes, at: offset, most: limits.tail) }
    return .keep
  }

  private mutating func add(
    _ field: TickField, _ value: ExactDecimal?, _ symbol: Int, _ stamp: Int64, _ offset: Int64,
    _ buffer: inout PartitionBuffer
  ) {
    let place = Self.place(field)
    guard let value, tickFields[place] else { return }
    add(value, to: table.tick(place, of: symbol), stamp, offset, &buffer)
  }

  private static func place(_ field: TickField) -> Int {
    switch field {
    case .price: 0
    case .size: 1
    case .bid: 2
    case .ask: 3
    case .bidSize: 4
    case .askSize: 5
    }
  }

  /// Of the samples of one series with one stamp the last counts, as in the server.
  mutating func add(
    _ value: ExactDecimal, to series: Int, _ stamp: Int64, _ offset: Int64, _ buffer: inout PartitionBuffer
  ) {
    add(
      Sample(series: Int32(series), scale: value.scale, mantissa: value.mantissa, stamp: stamp, offset: offset),
      to: series, &buffer)
  }

  mutating func add(_ sample: Sample, to series: Int, _ buffer: inout PartitionBuffer) {
    let pending = table[series].pending
    if buffer.samples.indices.contains(pending), buffer.samples[pending].series == sample.series,
       buffer.samples[pending].stamp == sample.stamp {
      buffer.samples[pending] = sample
      return
    }
    table[series].pending = buffer.samples.count
    buffer.samples.append(sample)
  }

  // MARK: - bars

  mutating func append(bar bytes: RawSpan, at offset: Int64, to buffer: inout PartitionBuffer) -> Disposition {
    var decoder = bars.take() ?? FeedBarDecoder()
    let disposition = append(bar: bytes, by: &decoder, at: offset, to: &buffer)
    bars = consume decoder
    return disposition
  }

  private mutating func append(
    bar bytes: RawSpan, by decoder: inout FeedBarDecoder, at offset: Int64, to buffer: inout PartitionBuffer
  ) -> Disposition {
    let values: FeedBarValues
    let symbol: Int, interval: Int
    do throws(DecodingFailure) {
      let view = try decoder.decode(bytes)
      values = view.fields.values
      guard checks.isWanted(view.feed) else { return .skip(reason: "other feed") }
      if let refusal = checks.refusal(symbol: view.symbol, stamp: values.startNs) { return .reject(refusal) }
      guard (1...8).contains(view.interval.byteCount) else {
        return .reject(Rejection(code: "bad_value", stage: "decode", "'interval' is not like 1m"))
      }
      guard let number = table.symbol(view.symbol, most: limits.symbols) else { return .reject(checks.tooMany) }
      (symbol, interval) = (number, table.interval(view.interval))
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", error.description))
    }
    add(values, symbol, interval, &buffer)
    if limits.tail > 0 { buffer.keepInTail(bytes, at: offset, most: limits.tail) }
    return .keep
  }

  private mutating func add(_ bar: FeedBarValues, _ symbol: Int, _ interval: Int, _ buffer: inout PartitionBuffer) {
    var mask = 0
    for (bit, field) in barFields.enumerated() where Self.value(field, of: bar) != nil { mask |= 1 << bit }
    guard mask != 0 else { return }
    let stamp = bar.startNs / 1_000_000
    let name = (symbol << 16 | interval) << 16 | mask
    let open = buffer.openBars[name] ?? -1
    let index: Int
    if open >= 0, buffer.bars[open].bars < BarChunk.most {
      index = open
    } else {
      index = buffer.bars.count
      var chunk = BarChunk(series: [])
      for (bit, place) in barPlaces.enumerated() {
        let series = Int32(table.bar(place, of: symbol, interval: interval))
        if mask & 1 << bit != 0 { chunk.series.append(series) } else { chunk.lacking.append(series) }
      }
      buffer.bars.append(chunk)
      buffer.openBars[name] = index
    }
    let before = buffer.bars[index].words.bytes.count
    buffer.bars[index].words.number(stamp)
    for field in barFields {
      if let value = Self.value(field, of: bar) {
        buffer.bars[index].words.number(value.mantissa, scale: Int(value.scale))
      }
    }
    buffer.bars[index].bars += 1
    buffer.bars[index].first = min(buffer.bars[index].first, stamp)
    buffer.bars[index].last = max(buffer.bars[index].last, stamp)
    buffer.barSamples += buffer.bars[index].series.count
    buffer.wordBytes += buffer.bars[index].words.bytes.count - before
  }

  private static func value(_ field: BarField, of bar: FeedBarValues) -> ExactDecimal? {
    switch field {
    case .open: bar.open
    case .high: bar.high
    case .low: bar.low
    case .close: bar.close
    case .volume: bar.volume
    case .vwap: bar.vwap
    case .trades: bar.trades.flatMap { ExactDecimal(mantissa: $0, scale: 0) }
    // A double holds microseconds since 1970 exactly, and nanoseconds not.
    case .known: ExactDecimal(mantissa: bar.knownNs / 1_000, scale: 0)
    case .revision: ExactDecimal(mantissa: bar.revision, scale: 0)
    }
  }

  // MARK: - gaps

  func append(gap bytes: RawSpan, to buffer: inout PartitionBuffer) throws(DecodingFailure) -> Disposition {
    let gap = try FeedGap(decoding: bytes)
    guard checks.isWanted(gap.feed.utf8Span.span.bytes) else { return .skip(reason: "other feed") }
    let note = GapNote(
      symbol: Array(gap.symbol.utf8), id: Array(gap.id.utf8), json: bytes.withUnsafeBytes { Array($0) })
    buffer.gaps.append(note)
    buffer.wordBytes += note.json.count + note.id.count + 100
    return .keep
  }

  private static func missing(_ field: String) -> Rejection {
    Rejection(code: "missing_field", stage: "decode", "a trade has no '\(field)'")
  }
}

/// What every record is held against before anything of it is kept.
struct RecordChecks: Sendable {
  private let feeds: [[UInt8]]
  /// Milliseconds.
  private let skew: Int64
  private let symbols: Int
  private let now: @Sendable () -> Int64
  /// The latest acceptable stamp, nanoseconds since 1970: the clock is read when a stamp is beyond it.
  private var latest: Int64 = 0

  init(_ limits: RecordReader.Limits, now: @escaping @Sendable () -> Int64) {
    feeds = limits.feeds
    skew = Int64(limits.skew / .milliseconds(1))
    symbols = limits.symbols
    self.now = now
  }

  mutating func forgetClock() { latest = 0 }

  var tooMany: Rejection {
    Rejection(code: "too_many_symbols", stage: "check", "there are \(symbols) symbols already: --max-symbols")
  }

  func isWanted(_ feed: RawSpan) -> Bool {
    feeds.isEmpty || feed.withUnsafeBytes { bytes in feeds.contains { $0.elementsEqual(bytes) } }
  }

  /// - Parameter stamp: nanoseconds since 1970.
  mutating func refusal(symbol: RawSpan, stamp: Int64) -> Rejection? {
    if stamp > latest {
      // The clock has moved since it was read.
      latest = (now() + skew) * 1_000_000
      if stamp > latest {
        return Rejection(
          code: "future_stamp", stage: "check", "its time is ahead of the clock by more than --max-skew allows")
      }
    }
    guard stamp >= Self.earliest else {
      return Rejection(
        code: "bad_timestamp", stage: "check", "its time is before 1990: nanoseconds since 1970 are meant")
    }
    let isName = symbol.withUnsafeBytes { (1...64).contains($0.count) && $0.allSatisfy { $0 > 0x20 && $0 != 0x7f } }
    guard isName else {
      return Rejection(code: "bad_value", stage: "check", "'symbol' is not 1 to 64 bytes without blanks")
    }
    return nil
  }

  /// 1990-01-01: a stamp in another unit is far before it.
  private static let earliest: Int64 = 631_152_000 * 1_000_000_000
}

/// The names and values of the hashes of last values, as words of a pipeline.
struct HashWords: Sendable {
  private var words = RedisPipeline()
  /// A name and a value are two.
  private var wordCount = 0

  /// The words of a trade or a quote, and how many they are.
  mutating func make(_ view: borrowing FeedTickView) -> (bytes: [UInt8], count: Int) {
    words.clear()
    wordCount = 0
    text("feed", view.feed)
    if view.fields.kind == .quote {
      decimal("bid", view.fields.bid)
      decimal("bid_size", view.fields.bidSize)
      decimal("ask", view.fields.ask)
      decimal("ask_size", view.fields.askSize)
      text("bid_exchange", view.text(view.fields.bidExchange))
      text("ask_exchange", view.text(view.fields.askExchange))
    } else {
      decimal("price", view.fields.price)
      decimal("size", view.fields.size)
      text("id", view.text(view.fields.id))
      text("exchange", view.text(view.fields.exchange))
      text("conditions", view.text(view.fields.conditions))
    }
    return (words.bytes, wordCount)
  }

  mutating func note(change view: borrowing FeedTickView, _ symbol: Int, _ buffer: inout PartitionBuffer) {
    let isCancel = view.fields.kind == .cancel
    guard let id = view.text(isCancel ? view.fields.id : view.fields.originalID) else { return }
    words.clear()
    wordCount = 0
    if isCancel {
      words.word("cancelled")
      words.word("1")
      wordCount += 2
    } else {
      decimal("price", view.fields.price)
      decimal("size", view.fields.size)
      text("id", view.text(view.fields.id))
      text("conditions", view.text(view.fields.conditions))
      text("corrects", id)
    }
    buffer.changes.append(Change(
      symbol: symbol, id: id.withUnsafeBytes { Array($0) },
      exchange: view.text(view.fields.exchange)?.withUnsafeBytes { Array($0) } ?? [], words: words.bytes,
      count: wordCount))
    buffer.wordBytes += words.bytes.count + 100
  }

  private mutating func decimal(_ name: StaticString, _ value: ExactDecimal?) {
    guard let value else { return }
    words.word(name)
    words.number(value.mantissa, scale: Int(value.scale))
    wordCount += 2
  }

  private mutating func text(_ name: StaticString, _ value: RawSpan?) {
    guard let value else { return }
    words.word(name)
    words.word(value)
    wordCount += 2
  }
}
