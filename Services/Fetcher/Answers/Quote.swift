import Schemas

/// One value as a provider says it.
package struct Quote: Hashable, Sendable {
  package var value: ExactDecimal
  package var observedAt: Timestamp
  /// ISO 4217; nil where the answer does not say.
  package var currency: String?
  package var unit: String?

  package init(value: ExactDecimal, observedAt: Timestamp, currency: String? = nil, unit: String? = nil) {
    self.value = value
    self.observedAt = observedAt
    self.currency = currency
    self.unit = unit
  }
}
