import Markets
import Runtime
import Schemas

/// Turns one provider's answers into quotes. Pure: bytes in, quotes out.
package struct AnswerReader: Sendable {
  private let source: Source
  /// Of times without an offset; nil is UTC.
  private let zone: ZoneTable?
  private let limits: JSONReader.Limits

  /// - Parameter limits: of JSON.
  /// - Throws: a configuration `Failure` for a zone that the system does not have.
  package init(_ source: Source, limits: JSONReader.Limits) throws(Failure) {
    self.source = source
    self.limits = limits
    zone = nil == source.mapping || source.mapping?.zone == "UTC"
      ? nil : try ZoneTable(identifier: source.mapping?.zone ?? "UTC")
  }

  /// Everything the answer has a value of, in its order.
  /// - Parameter slot: fills in the templates of conditions.
  /// - Throws: `FetchError`: not the promised shape, a value that is no number, or what the provider says is wrong.
  package func quotes(
    _ body: [UInt8], slot: (TextTemplate.Slot) -> String
  ) throws(FetchError) -> [Quote] {
    let quotes: [Quote]
    switch source.kind {
    case .yahoo: quotes = try YahooChart.quotes(try tree(body))
    case .alphavantage: quotes = try AlphaVantageAnswer.quotes(try tree(body))
    case .json:
      guard let mapping = source.mapping else { return [] }
      quotes = try MappedJSON(mapping: mapping, zone: zone).quotes(try tree(body), slot)
    case .csv:
      guard let mapping = source.mapping else { return [] }
      quotes = try MappedCSV(mapping: mapping, zone: zone).quotes(body, slot)
    }
    return quotes.map { quote in
      var quote = quote
      quote.currency = quote.currency ?? source.currency
      quote.unit = quote.unit ?? source.unit
      return quote
    }
  }

  private func tree(_ body: [UInt8]) throws(FetchError) -> JSONTree {
    do {
      return try JSONTree(body, limits: limits)
    } catch {
      throw FetchError(.unreadable, "the answer is not JSON within the limits: \(error.kind.rawValue)")
    }
  }
}

extension FetchError {
  static func unreadable(_ what: String) -> FetchError { FetchError(.unreadable, "the answer is unreadable: \(what)") }
}
