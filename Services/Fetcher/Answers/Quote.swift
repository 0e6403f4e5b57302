import Runtime
import Schemas

/// One value as a provider says it.
package struct Quote: Hashable, Sendable {
  package var value: ExactDecimal
  /// When the value held: for the close of a bar its end, for an average the end of its period.
  package var observedAt: Timestamp
  /// As the provider writes it: ISO 4217 or a minor unit; nil where the answer does not say.
  package var currency: String?
  /// As the provider writes it; nil where the answer does not say.
  package var unit: String?
  /// The close or the average of a period: one that ends after the time that is wanted is another job's value.
  package var isOfPeriod: Bool

  package init(
    value: ExactDecimal, observedAt: Timestamp, currency: String? = nil, unit: String? = nil, isOfPeriod: Bool = false
  ) {
    self.value = value
    self.observedAt = observedAt
    self.currency = currency
    self.unit = unit
    self.isOfPeriod = isOfPeriod
  }
}

/// The quotes of one answer. A row that cannot be read costs only itself.
struct Quotes {
  private(set) var list: [Quote] = []
  private(set) var lost = 0
  private var reason = ""

  init(_ list: [Quote] = []) { self.list = list }

  mutating func add(_ quote: Quote) { list.append(quote) }

  mutating func lose(_ reason: String) {
    lost += 1
    self.reason = reason
  }

  /// - Throws: `FetchError` when rows were lost and none is left.
  func verify() throws(FetchError) {
    if list.isEmpty, lost > 0 { throw .unreadable(reason) }
  }
}
