import Catalogue
import Core
import Feeds
import Kafka
import Messages
import Pipeline

/// The bars of the pages of one chunk, as messages.
final class PageBatch {
  private var decoder: HistoryDecoder
  private var bars: BarMessages

  /// - Parameter range: of the starts of bars; others are passed over.
  init(_ feed: Feed, range: Range<Int64>, identity: ServiceIdentity) {
    decoder = HistoryDecoder(feed)
    bars = BarMessages(range: range, headers: identity.headers(schema: FeedBar.topic.schema))
  }

  /// - Returns: what the page says of the next one.
  func read(_ page: [UInt8], _ question: FeedQuestion, _ knownNs: Int64) throws -> String? {
    bars.knownNs = max(bars.knownNs, knownNs)
    return try decoder.page(page.span.bytes, of: question, knownNs: knownNs, to: &bars)
  }

  /// What was read since the last call.
  func take() -> OutgoingBatch { bars.take() }

  /// By symbol.
  var counts: [String: Int64] { bars.counts }
  /// Rows that cannot be read.
  var refused: Int { bars.refused }
  var knownNs: Int64 { bars.knownNs }
}

private struct BarMessages: FeedVisitor {
  let range: Range<Int64>
  let headers: [Header]
  var knownNs: Int64 = 0
  private(set) var refused = 0
  private var batch = OutgoingBatch()
  private let writer = WriterBox()
  /// The symbol of the bar before, and its bars so far.
  private var key: [UInt8] = []
  private var count: Int64 = 0
  private var earlier: [String: Int64] = [:]

  init(range: Range<Int64>, headers: [Header]) {
    self.range = range
    self.headers = headers
  }

  var counts: [String: Int64] {
    count == 0
      ? earlier : earlier.merging([String(decoding: key, as: UTF8.self): count], uniquingKeysWith: +)
  }

  mutating func take() -> OutgoingBatch {
    defer { batch = OutgoingBatch() }
    return batch
  }

  mutating func take(_ bar: FeedBarView) {
    var values = bar.fields.values
    // A day that is not over is the stream's.
    guard range.contains(values.startNs), !values.isRunning else { return }
    values.isRefill = true
    let isSame = bar.symbol.withUnsafeBytes { $0.elementsEqual(key) }
    if !isSame {
      earlier = counts
      (key, count) = (bar.symbol.withUnsafeBytes { Array($0) }, 0)
    }
    count += 1
    writer.json.clear()
    bar.with(values).encode(into: &writer.json)
    batch.append(topic: FeedBar.topic.name, key: key, value: writer.json.array(), headers: headers)
  }

  mutating func take(_ tick: FeedTickView) {}
  mutating func take(_ control: FeedControl) {}
  mutating func refuse(_ failure: DecodingFailure) { refused += 1 }
  mutating func ignore() {}
}

private final class WriterBox {
  var json = JSONWriter(capacity: 1_024)
}
