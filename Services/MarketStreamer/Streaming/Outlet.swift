import Catalogue
import Core
import CoreMetrics
import Feeds
import Kafka
import Messages
import Synchronization
import Values

/// Between a connection and Kafka: frames go in, batches of messages come out; an event that was published is not
/// published again. One for each connection, and for what fills its gaps.
final class Outlet: Sendable {
  private struct State: ~Copyable {
    var polygon: PolygonDecoder
    var alpaca: AlpacaDecoder
    var history: HistoryDecoder
    var writing: Writing
  }
  private let state: Mutex<State>
  private let feed: Feed

  /// - Parameter remembersSymbols: keeps the symbols that the feed gave lately.
  init(
    _ feed: Feed, producedBy: String, memory: Duration, maxSkew: Duration, remembersSymbols: Bool = false
  ) {
    self.feed = feed
    state = Mutex(State(
      polygon: PolygonDecoder(feed, maxSkew: maxSkew), alpaca: AlpacaDecoder(feed, maxSkew: maxSkew),
      history: HistoryDecoder(feed, maxSkew: maxSkew),
      writing: Writing(
        producedBy: producedBy, lifeNs: memory.nanoseconds, symbols: remembersSymbols ? SymbolMemory() : nil,
        prints: feed.hasOptions ? OptionPrints() : nil)))
  }

  /// Reads a frame of the stream.
  /// - Returns: what it says beside the data.
  func take(_ frame: [UInt8], isPacked: Bool, knownNs: Int64) -> [FeedControl] {
    state.withLock { state in
      state.writing.begin(knownNs)
      if feed.isPolygon {
        state.polygon.decode(frame.span.bytes, knownNs: knownNs, to: &state.writing)
      } else {
        state.alpaca.decode(frame.span.bytes, isPacked: isPacked, knownNs: knownNs, to: &state.writing)
      }
      defer { state.writing.controls = [] }
      return state.writing.controls
    }
  }

  /// What a page about the past gave.
  struct Refilled: Sendable {
    var added: [String: Int64] = [:]
    var known: [String: Int64] = [:]
    /// Where the next page is.
    var next: String?
  }

  /// Reads a page of an answer about the past.
  /// - Parameters:
  ///   - gap: by canonical symbol, the id of the gap that it fills.
  ///   - closedBefore: bars that end later are left to the stream.
  ///   - knownNs: when it was asked for.
  func refill(
    _ page: [UInt8], _ question: FeedQuestion, gaps: [String: String], closedBefore: Int64, knownNs: Int64
  ) throws -> Refilled {
    try state.withLock { state throws -> Refilled in
      state.writing.begin(knownNs)
      state.writing.refill = Writing.Refill(gaps: gaps, closedBefore: closedBefore)
      defer { state.writing.refill = nil }
      let next = try state.history.page(page.span.bytes, of: question, knownNs: knownNs, to: &state.writing)
      var refilled = state.writing.refill?.found ?? Refilled()
      refilled.next = next
      return refilled
    }
  }

  /// Remembers what another process published.
  /// - Parameter isMine: whether a symbol is this connection's.
  func remember(tick bytes: RawSpan, where isMine: @Sendable (String) -> Bool) {
    state.withLock { $0.writing.remember(tick: bytes, of: feed, where: isMine) }
  }
  func remember(bar bytes: RawSpan, where isMine: @Sendable (String) -> Bool) {
    state.withLock { $0.writing.remember(bar: bytes, of: feed, where: isMine) }
  }

  /// Adds a message of another kind.
  func add(_ message: some Message) { state.withLock { $0.writing.add(message) } }

  /// - Returns: what is to be sent now, empty when there is nothing; and when the first of it was received, in
  ///   nanoseconds since 1970.
  func takeBatch() -> (batch: OutgoingBatch, since: Int64) { state.withLock { $0.writing.takeBatch() } }

  var pendingBytes: Int { state.withLock { $0.writing.pendingBytes } }
  /// The time of the newest event, in nanoseconds since 1970; 0 before the first.
  var watermark: Int64 { state.withLock { $0.writing.watermark } }
  /// The time of the first event since `restart`; nil before it.
  var firstEvent: Int64? { state.withLock { $0.writing.firstEvent } }
  /// The symbols that the feed gave lately, sorted.
  var symbols: [String] { state.withLock { $0.writing.symbols?.symbols ?? [] } }
  /// Elements in a row that were refused because they are later than the clock.
  var tooLate: Int { state.withLock { $0.writing.tooLate } }
  /// A new connection begins.
  func restart() {
    state.withLock { state in
      state.writing.firstEvent = nil
      state.writing.tooLate = 0
    }
  }
  /// While a gap is refilled no identity is forgotten.
  func hold(_ isHeld: Bool) { state.withLock { $0.writing.identities.isHeld = isHeld } }
}

/// Writes events as messages, unless they are known.
private struct Writing: FeedVisitor {
  struct Refill {
    var gaps: [String: String]
    var closedBefore: Int64
    var found = Outlet.Refilled()
  }

  var controls: [FeedControl] = []
  var refill: Refill?
  var identities: IdentityMemory
  var watermark: Int64 = 0
  var firstEvent: Int64?
  var symbols: SymbolMemory?
  /// Of feeds with options.
  var prints: OptionPrints?
  var tooLate = 0
  private var since: Int64 = 0
  private var bars = BarMemory()
  private var batch = OutgoingBatch()
  private let writer = WriterBox()
  private var now: Int64 = 0
  private let tickHeaders: [Header]
  private let barHeaders: [Header]
  private let producedBy: String
  private var counts: [String: Int] = [:]

  init(producedBy: String, lifeNs: Int64, symbols: SymbolMemory?, prints: OptionPrints?) {
    (self.symbols, self.prints) = (symbols, prints)
    identities = IdentityMemory(lifeNs: lifeNs)
    self.producedBy = producedBy
    tickHeaders = Self.headers(FeedTick.topic, producedBy)
    barHeaders = Self.headers(FeedBar.topic, producedBy)
  }

  private static func headers(_ topic: Topic, _ producedBy: String) -> [Header] {
    [
      Header(HeaderName.schema, topic.schema.name), Header(HeaderName.schemaVersion, "\(topic.schema.version)"),
      Header(HeaderName.producedBy, producedBy),
    ]
  }

  mutating func begin(_ knownNs: Int64) { now = knownNs }

  var pendingBytes: Int { batch.byteCount }

  mutating func takeBatch() -> (batch: OutgoingBatch, since: Int64) {
    guard !batch.isEmpty else { return (batch, now) }
    for (kind, count) in counts { StreamerMetrics.published(kind, isRefill: false, count) }
    counts = [:]
    defer { batch = OutgoingBatch() }
    return (batch, since)
  }

  mutating func add(_ message: some Message) {
    if batch.isEmpty { since = WallClock.microseconds() * 1_000 }
    let topic = type(of: message).topic
    batch.append(
      topic: topic.name, key: message.key, value: message.encoded(), headers: Self.headers(topic, producedBy))
  }

  // MARK: - events

  mutating func take(_ tick: FeedTickView) {
    let isNew = identities.note(tick.identity, at: now)
    guard refill != nil else {
      let time = tick.fields.publishedNs ?? tick.fields.eventNs
      watermark = max(watermark, time)
      if firstEvent == nil { firstEvent = time }
      tooLate = 0
      symbols?.note(tick.symbol, at: now)
      guard isNew else { return StreamerMetrics.duplicates.increment() }
      counts[tick.fields.kind.rawValue, default: 0] += 1
      write(tick)
      return print(tick)
    }
    let symbol = text(tick.symbol)
    guard count(isNew, symbol) else { return }
    StreamerMetrics.published(tick.fields.kind.rawValue, isRefill: true, 1)
    print(tick)
    guard let gap = refill?.gaps[symbol] else { return write(tick) }
    // The id of the gap is a text of its own: the event is copied with it.
    var copy = FeedTick(tick)
    copy[\.refill] = gap
    batch.append(topic: FeedTick.topic.name, key: copy.key, value: copy.encoded(), headers: tickHeaders)
  }

  /// Adds the message of a print of an option; remembers a quote.
  private mutating func print(_ tick: FeedTickView) {
    guard prints != nil else { return }
    switch tick.fields.kind {
    case .quote where refill == nil: prints?.note(quote: tick)
    case .trade:
      let gap = refill.flatMap { $0.gaps[text(tick.symbol)] }
      if let print = prints?.print(tick, isLive: refill == nil, refill: gap) { add(print) }
    default: break
    }
  }

  private mutating func write(_ tick: FeedTickView) {
    writer.json.clear()
    tick.encode(into: &writer.json)
    append(FeedTick.topic.name, tick.symbol, tickHeaders)
  }

  mutating func take(_ bar: FeedBarView) {
    var fields = bar.fields
    let end = fields.values.startNs + (FeedBarFields.lengths[text(bar.interval)] ?? 0)
    if let refill {
      // A state that the stream gave since the question was asked is the later one.
      let known = bars.known(bar.series, startNs: fields.values.startNs) ?? 0
      guard end <= refill.closedBefore, known < fields.values.knownNs else { return }
      fields.values.isRefill = true
    } else {
      if !fields.values.isRunning { watermark = max(watermark, end) }
      if firstEvent == nil { firstEvent = end }
      tooLate = 0
      symbols?.note(bar.symbol, at: now)
      // A clock that was set back does not make a later state an earlier one.
      fields.values.knownNs = max(
        fields.values.knownNs, bars.known(bar.series, startNs: fields.values.startNs) ?? 0)
    }
    let revision = bars.note(bar.series, fields.values)
    if refill != nil {
      guard count(revision != nil, text(bar.symbol)) else { return }
      StreamerMetrics.published("bar", isRefill: true, 1)
    }
    guard let revision else { return StreamerMetrics.duplicates.increment() }
    fields.values.revision = revision
    if refill == nil { counts["bar", default: 0] += 1 }
    writer.json.clear()
    bar.with(fields.values).encode(into: &writer.json)
    append(FeedBar.topic.name, bar.symbol, barHeaders)
  }

  private mutating func append(_ topic: String, _ symbol: RawSpan, _ headers: [Header]) {
    if batch.isEmpty { since = now }
    let key = symbol.withUnsafeBytes { Array($0) }
    batch.append(topic: topic, key: key, value: writer.json.array(), headers: headers)
  }

  /// - Returns: whether the event is to be published.
  private mutating func count(_ isNew: Bool, _ symbol: String) -> Bool {
    if isNew {
      refill?.found.added[symbol, default: 0] += 1
    } else {
      refill?.found.known[symbol, default: 0] += 1
    }
    return isNew
  }

  mutating func take(_ control: FeedControl) { controls.append(control) }
  mutating func refuse(_ failure: DecodingFailure) {
    if failure.code == "bad_timestamp" { tooLate += 1 }
    StreamerMetrics.refused(failure.code)
  }
  mutating func ignore() { StreamerMetrics.ignored.increment() }

  private func text(_ span: RawSpan) -> String { span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

  // MARK: - what was published before

  mutating func remember(tick bytes: RawSpan, of feed: Feed, where isMine: @Sendable (String) -> Bool) {
    var decoder = FeedTickDecoder()
    do throws(DecodingFailure) {
      let tick = try decoder.decode(bytes)
      guard tick.feed.equals(feed.rawValue), isMine(text(tick.symbol)) else { return }
      watermark = max(watermark, tick.fields.publishedNs ?? tick.fields.eventNs)
      symbols?.note(tick.symbol, at: now)
      _ = identities.note(tick.identity, at: now)
    } catch {}
  }

  mutating func remember(bar bytes: RawSpan, of feed: Feed, where isMine: @Sendable (String) -> Bool) {
    var decoder = FeedBarDecoder()
    do throws(DecodingFailure) {
      let bar = try decoder.decode(bytes)
      guard bar.feed.equals(feed.rawValue), isMine(text(bar.symbol)) else { return }
      let end = bar.fields.values.startNs + (FeedBarFields.lengths[text(bar.interval)] ?? 0)
      if !bar.fields.values.isRunning { watermark = max(watermark, end) }
      symbols?.note(bar.symbol, at: now)
      _ = bars.note(bar.series, bar.fields.values)
    } catch {}
  }
}

/// A writer in a struct that can be copied.
private final class WriterBox {
  var json = JSONWriter(capacity: 4_096)
}
