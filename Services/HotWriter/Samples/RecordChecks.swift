import Core
import Messages
import Pipeline
import Redis
import Values

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
