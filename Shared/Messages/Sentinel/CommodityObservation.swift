import Catalogue
import Values

/// One value of one series at one time, as a provider published it.
///
/// `sentinel_market_data.<category>`, key the routing key. An observation is named by series, kind and `observed_at`:
/// a second one of the same name corrects the first.
package struct CommodityObservation: FieldwiseMessage {
  package var series: RoutingKey
  package var kind: SeriesKind
  /// The material as people write it.
  package var material: String
  package var country: String?
  /// With the digits of the source; money for one `unit`, or a number of units.
  package var value: ExactDecimal
  /// ISO 4217; nil for demand.
  package var currency: String?
  /// What one of it is: `t`, `kg`, `bbl`, `pc`.
  package var unit: String?
  /// The time the value is of, as the provider says; never the time it was fetched.
  package var observedAt: Timestamp
  package var source: String
  package var jobID: String?
  package var fetchedAt: Timestamp?
  /// What is odd about it, `snake_case`: `failed_over`, `cached`, `late`.
  package var flags: [String]

  /// Of the catalogue's first category; ``topic(of:)`` has the others, which are all alike.
  package static let topic = Topics.commodityObservations(of: .polymer)
  package static func topic(of category: CommodityCategory) -> Topic { Topics.commodityObservations(of: category) }

  package init(
    series: RoutingKey, kind: SeriesKind, material: String, country: String? = nil, value: ExactDecimal,
    currency: String? = nil, unit: String? = nil, observedAt: Timestamp, source: String, jobID: String? = nil,
    fetchedAt: Timestamp? = nil, flags: [String] = []
  ) {
    self.series = series
    self.kind = kind
    self.material = material
    self.country = country
    self.value = value
    self.currency = currency
    self.unit = unit
    self.observedAt = observedAt
    self.source = source
    self.jobID = jobID
    self.fetchedAt = fetchedAt
    self.flags = flags
  }

  package var key: [UInt8] { series.bytes }

  package static let blank = Self(
    series: .placeholder, kind: .price, material: absent, value: .zero, observedAt: .epoch, source: "")
  /// The material while none was read; an empty one is kept as written.
  private static let absent = "\u{0}absent\u{0}"
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("series", &series)
    try coder.required("kind", &kind)
    try coder.field("material", &material)
    try coder.field("country", &country)
    try coder.number("value", &value, isRequired: true)
    try coder.field("currency", &currency)
    try coder.field("unit", &unit)
    try coder.required("observed_at", &observedAt)
    try coder.required("source", &source)
    try coder.field("job_id", &jobID)
    try coder.field("fetched_at", &fetchedAt)
    try coder.field("flags", &flags)
  }

  package mutating func complete(_ reader: borrowing JSONReader) {
    if material == Self.absent { material = series.material }
  }
}
