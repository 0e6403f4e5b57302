import Catalogue
import Values

/// One value of one series at one time, as a provider published it.
///
/// `sentinel_market_data.<category>`, key the routing key. An observation is named by series, kind and `observed_at`:
/// a second one of the same name corrects the first.
package struct CommodityObservation: FieldwiseMessage {
  package var series: RoutingKey
  package var kind: SeriesKind
  package var material: String
  package var country: String?
  package var value: ExactDecimal
  package var currency: String?
  package var unit: String?
  package var observedAt: Timestamp
  package var source: String
  package var jobID: String?
  package var fetchedAt: Timestamp?
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
    try coder.required("series", &series, "`region.country.category.material`")
    try coder.required("kind", &kind, "Whether `value` is a price or a demand")
    try coder.field("material", &material, "The material in words: `Copper`")
    try coder.field("country", &country, "The country in words; null for a world market")
    try coder.number(
      "value", &value,
      "The price of one `unit`, or a number of units [`currency`, or `unit`]", isRequired: true)
    try coder.field("currency", &currency, "ISO 4217; null for a demand")
    try coder.field("unit", &unit, "What one of it is: `t`, `kg`, `bbl`, `pc`")
    try coder.required("observed_at", &observedAt, "The time that the value is of, as the provider says")
    try coder.required("source", &source, "The provider")
    try coder.field("job_id", &jobID, "The job that fetched it")
    try coder.field("fetched_at", &fetchedAt, "When it was fetched")
    try coder.field("flags", &flags, "What is odd about it: `failed_over`, `cached`, `late`")
  }

  package mutating func complete(_ reader: borrowing JSONReader) {
    if material == Self.absent { material = series.material }
  }
}
