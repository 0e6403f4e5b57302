import Schemas

/// What was published last of one series: by event time, not by the order in which it was fetched.
package struct SeriesState: Hashable, Sendable {
  package var observedAt: Timestamp
  package var value: ExactDecimal
  package var currency: String?
  package var unit: String?

  package init(observedAt: Timestamp, value: ExactDecimal, currency: String? = nil, unit: String? = nil) {
    self.observedAt = observedAt
    self.value = value
    self.currency = currency
    self.unit = unit
  }

  package init(_ observation: MarketObservation) {
    self.init(
      observedAt: observation.observedAt, value: observation.value, currency: observation.currency,
      unit: observation.unit)
  }

  /// What an observation is to the one published last.
  package enum Change: Hashable, Sendable {
    /// Of a later time, or the first.
    case new
    /// Another value of the same time.
    case corrected
    /// The same value of the same time.
    case unchanged
    /// The same value of a later time.
    case repeated
    /// Of an earlier time.
    case older
  }

  package static func change(from last: SeriesState?, to next: SeriesState) -> Change {
    guard let last else { return .new }
    if next.observedAt < last.observedAt { return .older }
    let isSame = next.value == last.value && next.currency == last.currency && next.unit == last.unit
    if next.observedAt == last.observedAt { return isSame ? .unchanged : .corrected }
    return isSame ? .repeated : .new
  }
}
