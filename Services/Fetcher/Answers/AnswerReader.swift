import Commodities
import Core
import HTTP
import Messages
import Metrics
import Values

/// Reads one provider's answers as quotes. Pure: bytes in, quotes out.
package struct AnswerReader: Sendable {
  private let source: CommoditySource
  /// The time zone of times without an offset; nil is UTC.
  private let zone: ZoneTable?
  private let limits: JSONReader.Limits
  private let lost: Counter

  /// - Parameter limits: of JSON.
  /// - Throws: a configuration `Failure` for an unknown time zone.
  package init(_ source: CommoditySource, limits: JSONReader.Limits) throws(Failure) {
    self.source = source
    self.limits = limits
    zone = nil == source.mapping || source.mapping?.zone == "UTC"
      ? nil : try ZoneTable(identifier: source.mapping?.zone ?? "UTC")
    lost = Counter(label: "souk_fetch_rows_lost_total", dimensions: [("source", source.word)])
  }

  /// All quotes of the answer, in order. Currency and unit come from the catalogue where the answer omits them. An
  /// unreadable row is skipped and counted.
  /// - Parameters:
  ///   - now: the time of the request, which is also that of a price of the current day.
  ///   - slot: fills the templates of conditions.
  /// - Throws: `FetchError` for another shape, an answer without a readable row, or a provider's message.
  package func quotes(
    _ body: [UInt8], of material: Material? = nil, at now: Timestamp = .epoch, slot: (TextTemplate.Slot) -> String
  ) throws(FetchError) -> [Quote] {
    let quotes: Quotes
    switch source.kind {
    case .yahoo: quotes = try YahooChart.quotes(try tree(body))
    case .alphavantage: quotes = try AlphaVantageAnswer.quotes(try tree(body), at: now)
    case .json: quotes = try mappedJSON(body, slot)
    case .csv: quotes = try mappedCSV(body, slot)
    }
    lost.increment(by: quotes.lost)
    try quotes.verify()
    let quotation = material.map { source.quotation(of: $0) } ?? source.quotation
    return try quotes.list.map { (quote) throws(FetchError) in try completed(quote, quotation) }
  }

  private func completed(_ quote: Quote, _ quotation: Quotation) throws(FetchError) -> Quote {
    var quote = quote
    quote.currency = quote.currency ?? quotation.currency
    // "Dollars per bushel" means the bushel in the catalogue.
    let isBushel = quote.unit.flatMap { PriceUnit($0) }?.unit.dimension == .bushel
    if quote.unit?.isEmpty ?? true || isBushel { quote.unit = quotation.unit?.symbol ?? quote.unit }
    if quote.unit == nil, source.mapping?.unit != nil { quote.unit = "" }
    if let span = source.mapping?.span {
      guard let end = Timestamp(microseconds: quote.observedAt.microseconds + Int64(span / .microseconds(1))) else {
        throw .unreadable("a time is out of range")
      }
      quote.observedAt = end
      quote.isOfPeriod = true
    }
    return quote
  }

  private func mappedJSON(
    _ body: [UInt8], _ slot: (TextTemplate.Slot) -> String
  ) throws(FetchError) -> Quotes {
    guard let mapping = source.mapping else { return Quotes() }
    let tree = try tree(body)
    let quotes: Quotes
    do {
      quotes = try MappedJSON(mapping: mapping, zone: zone).quotes(tree, slot)
    } catch {
      throw ProviderMessage(in: tree)?.failure() ?? error
    }
    if quotes.list.isEmpty, let message = ProviderMessage(in: tree),
      message.meaning != .unrecognised || tree.saysError {
      throw message.failure()
    }
    return quotes
  }

  private func mappedCSV(
    _ body: [UInt8], _ slot: (TextTemplate.Slot) -> String
  ) throws(FetchError) -> Quotes {
    guard let mapping = source.mapping else { return Quotes() }
    do {
      return try MappedCSV(mapping: mapping, zone: zone).quotes(body, slot)
    } catch {
      throw Self.said(body) ?? error
    }
  }

  private func tree(_ body: [UInt8]) throws(FetchError) -> JSONTree {
    do {
      return try JSONTree(body, limits: limits)
    } catch {
      throw Self.said(body)
        ?? FetchError(.unreadable, "the answer is not JSON within the limits: \(error.kind.rawValue)")
    }
  }

  /// The known message of a body with another form.
  private static func said(_ body: [UInt8]) -> FetchError? {
    guard let message = ProviderMessage(body: body), message.meaning != .unrecognised else { return nil }
    return message.failure()
  }
}

extension JSONTree {
  /// Whether the outermost object has a non-empty field named like an error.
  fileprivate var saysError: Bool {
    fields?.contains { name, value in
      name.lowercased().contains("error") && (value.text?.isEmpty == false || value.fields?.isEmpty == false)
    } ?? false
  }
}

extension FetchError {
  static func unreadable(_ what: String) -> FetchError { FetchError(.unreadable, "the answer is unreadable: \(what)") }
}

extension HTTPResponse {
  /// The object or list that it answers, whatever its status.
  /// - Throws: `HTTPError` for a status without an answer, `FetchError(.unreadable)`.
  func tree(maxBytes: Int = 16 << 20) throws -> JSONTree {
    do throws(DecodingFailure) {
      let tree = try JSONTree(body, limits: JSONReader.Limits(maxBytes: maxBytes))
      guard tree.fields != nil || tree.items != nil else {
        throw DecodingFailure(.wrongType, at: 0, "neither an object nor a list")
      }
      return tree
    } catch {
      try head.requireSuccess()
      throw FetchError(.unreadable, "the answer cannot be read: \(error)")
    }
  }
}
