import Catalogue
import Values

/// One value of one series at one time, as a provider published it.
///
/// `sentinel_market_data.<category>`, key the routing key. An observation is named by series, kind and `observed_at`:
/// a second one of the same name corrects the first.
package struct MarketObservation: Message {
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
  package static let topic = Topics.marketObservations(of: .polymer)
  package static func topic(of category: MarketCategory) -> Topic { Topics.marketObservations(of: category) }

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

  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("series", series.text)
    writer.field("kind", kind)
    writer.field("material", material)
    writer.field("country", country)
    writer.number("value", value)
    writer.field("currency", currency)
    writer.field("unit", unit)
    writer.field("observed_at", observedAt)
    writer.field("source", source)
    writer.field("job_id", jobID)
    writer.field("fetched_at", fetchedAt)
    writer.strings("flags", flags)
    writer.endObject()
  }

  enum Field: String, CaseIterable {
    case series, kind, material, country, value, currency, unit
    case observedAt = "observed_at"
    case source
    case jobID = "job_id"
    case fetchedAt = "fetched_at"
    case flags
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.series, .kind, .value, .observedAt, .source)

  package init(
    decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()
  ) throws(DecodingFailure) {
    var reader = try JSONReader(bytes, limits: limits)
    var series: RoutingKey?
    var kind = SeriesKind.price
    var material: String?
    var country: String?
    var value = ExactDecimal.zero
    var currency: String?
    var unit: String?
    var observedAt = Timestamp.epoch
    var source = ""
    var jobID: String?
    var fetchedAt: Timestamp?
    var flags: [String] = []
    let table = Self.fields
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) {
      switch field {
      case .series: series = try reader.routingKey(field: field.rawValue)
      case .kind: kind = try reader.value(SeriesKind.self, field: field.rawValue)
      case .material: material = try reader.stringOrNull()
      case .country: country = try reader.stringOrNull()
      case .value: value = try reader.decimal(field: field.rawValue)
      case .currency: currency = try reader.stringOrNull()
      case .unit: unit = try reader.stringOrNull()
      case .observedAt: observedAt = try reader.timestamp(field: field.rawValue)
      case .source: source = try reader.string()
      case .jobID: jobID = try reader.stringOrNull()
      case .fetchedAt: fetchedAt = try reader.timestampOrNull(field: field.rawValue)
      case .flags: flags = try reader.stringsOrNull()
      }
    }
    try reader.require(Self.required, in: cursor, of: table)
    try reader.finish()
    guard let series else { throw reader.missingField(Field.series.rawValue) }
    self.init(
      series: series, kind: kind, material: material ?? series.material, country: country, value: value,
      currency: currency, unit: unit, observedAt: observedAt, source: source, jobID: jobID, fetchedAt: fetchedAt,
      flags: flags)
  }
}

extension JSONReader {
  /// The value as `region.country.category.material`.
  mutating func routingKey(field: String) throws(DecodingFailure) -> RoutingKey {
    let start = position
    guard let key = RoutingKey(try string()) else {
      throw DecodingFailure(.badValue, at: start, "not region.country.category.material", field: field)
    }
    return key
  }

  /// The value as a list of strings; `null` is an empty one.
  mutating func stringsOrNull() throws(DecodingFailure) -> [String] {
    guard !isNull() else { return [] }
    var strings: [String] = []
    var cursor = try beginArray()
    while try nextElement(&cursor) { strings.append(try string()) }
    return strings
  }
}
