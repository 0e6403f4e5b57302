import Feeds
import Messages
import Values

/// Makes prints of options with the quote that stood at the time: both come over one connection, in their order.
struct OptionPrints {
  private struct Quote {
    var bid, ask, bidSize, askSize: ExactDecimal?
    var eventNs: Int64
  }
  /// By a hash of the contract.
  private var quotes: [UInt64: Quote] = [:]
  private var underlyings: [UInt64: (name: String, underlying: String)] = [:]
  /// Beyond it contracts are forgotten, all at once: the next quotes bring them back.
  private static let most = 500_000

  private static func hash(_ symbol: RawSpan) -> UInt64 {
    var hash = FeedHash()
    hash.add(symbol)
    return hash.value
  }

  mutating func note(quote: FeedTickView) {
    if quotes.count >= Self.most { quotes.removeAll() }
    quotes[Self.hash(quote.symbol)] = Quote(
      bid: quote.fields.bid, ask: quote.fields.ask, bidSize: quote.fields.bidSize, askSize: quote.fields.askSize,
      eventNs: quote.fields.eventNs)
  }

  /// - Parameters:
  ///   - isLive: a quote of now says nothing of a print of the past.
  ///   - refill: the id of the gap that it fills.
  /// - Returns: nil for what is no print of an option.
  mutating func print(_ trade: FeedTickView, isLive: Bool, refill: String? = nil) -> OptionTrade? {
    let key = Self.hash(trade.symbol)
    if underlyings[key] == nil {
      if underlyings.count >= Self.most { underlyings.removeAll() }
      let name = Self.text(trade.symbol)
      guard let contract = OptionContract(name) else { return nil }
      underlyings[key] = (name, contract.underlying)
    }
    guard let (name, underlying) = underlyings[key], let price = trade.fields.price, let size = trade.fields.size else {
      return nil
    }
    var print = OptionTrade(
      contract: name, underlying: underlying, feed: Self.text(trade.feed), eventNs: trade.fields.eventNs,
      publishedNs: trade.fields.publishedNs, knownNs: trade.fields.knownNs,
      exchange: Self.textOrNull(trade.text(trade.fields.exchange)), sequence: trade.fields.sequence, price: price,
      size: size, conditions: Self.list(trade.text(trade.fields.conditions)))
    print.refill = refill
    guard isLive, let quote = quotes[key] else { return print }
    (print.bid, print.ask, print.bidSize, print.askSize) = (quote.bid, quote.ask, quote.bidSize, quote.askSize)
    print.quoteNs = quote.eventNs
    return print
  }

  private static func list(_ json: RawSpan?) -> [String] {
    guard let json else { return [] }
    do throws(DecodingFailure) {
      var reader = try JSONReader(json)
      var (array, texts) = (try reader.beginArray(), [String]())
      while try reader.nextElement(&array) { texts.append(try reader.string()) }
      return texts
    } catch { return [] }
  }

  private static func textOrNull(_ span: RawSpan?) -> String? {
    guard let span else { return nil }
    return text(span)
  }

  private static func text(_ span: RawSpan) -> String { span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}
