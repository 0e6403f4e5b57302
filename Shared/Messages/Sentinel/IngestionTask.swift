import Catalogue
import Values

/// One thing to fetch: the scheduler says what is due, a fetcher goes and gets it.
///
/// `ingestion_tasks`, key the series' routing key, so that the jobs of one series keep their order. The same
/// schedule makes the same job, with the same id and bytes, whichever replica sends it and however often.
///
/// Only `task` and `material` are required: a job written by hand is `{"task":"fetch_price","material":"Copper",
/// "source":"Yahoo"}`.
package struct IngestionTask: FieldwiseMessage {
  package enum Kind: String, CaseIterable, Hashable, Sendable, JSONValue {
    case fetchPrice = "fetch_price"
    case fetchDemand = "fetch_demand"

    package var series: SeriesKind { self == .fetchPrice ? .price : .demand }
  }

  package var task: Kind
  /// As people write it: `Copper`; its routing word is `RoutingKey.word(for:)`.
  package var material: String
  /// As people write it; nil for a world market.
  package var country: String?
  package var region: String?
  package var category: MarketCategory?
  /// The provider to ask first; nil leaves the choice to the fetcher's catalogue.
  package var source: String?
  /// 32 hexadecimal digits, made from the schedule, the due time and what is fetched; nil for a job by hand.
  package var jobID: String?
  /// The name of the schedule.
  package var schedule: String?
  package var dueAt: Timestamp?
  /// After this time the answer is not wanted any more.
  package var deadline: Timestamp?
  /// 1 as the scheduler sends it, however often; a worker that passes a job on adds 1.
  package var attempt: Int64

  package static let topic = Topics.ingestionTasks

  package init(
    task: Kind, material: String, country: String? = nil, region: String? = nil, category: MarketCategory? = nil,
    source: String? = nil, jobID: String? = nil, schedule: String? = nil, dueAt: Timestamp? = nil,
    deadline: Timestamp? = nil, attempt: Int64 = 1
  ) {
    self.task = task
    self.material = material
    self.country = country
    self.region = region
    self.category = category
    self.source = source
    self.jobID = jobID
    self.schedule = schedule
    self.dueAt = dueAt
    self.deadline = deadline
    self.attempt = attempt
  }

  /// The routing key without what is unknown: jobs of one series have equal keys.
  package var key: [UInt8] {
    let words = [region ?? RoutingKey.world.region, country ?? RoutingKey.world.country, category?.rawValue ?? "",
                 material]
    return Array(words.map { RoutingKey.word(for: $0) ?? "" }.joined(separator: ".").utf8)
  }

  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("task", task)
    writer.field("material", material)
    writer.field("country", country)
    writer.field("region", region)
    writer.field("category", category)
    writer.field("source", source)
    writer.field("job_id", jobID)
    writer.field("schedule", schedule)
    writer.field("due_at", dueAt)
    writer.field("deadline", deadline)
    writer.field("attempt", attempt)
    writer.endObject()
  }

  package enum Field: String, CaseIterable, Sendable {
    case task, material, country, region, category, source
    case jobID = "job_id"
    case schedule
    case dueAt = "due_at"
    case deadline, attempt
  }
  package static let fields = FieldTable(Field.self)
  package static let required = fields.mask(.task, .material)

  package static var blank: Self { Self(task: .fetchPrice, material: "") }

  package mutating func read(_ field: Field, from reader: inout JSONReader) throws(DecodingFailure) {
    switch field {
    case .task: task = try reader.value(Kind.self, field: field.rawValue)
    case .material: material = try reader.string()
    case .country: country = try reader.stringOrNull()
    case .region: region = try reader.stringOrNull()
    case .category: category = try reader.valueOrNull(MarketCategory.self, field: field.rawValue)
    case .source: source = try reader.stringOrNull()
    case .jobID: jobID = try reader.stringOrNull()
    case .schedule: schedule = try reader.stringOrNull()
    case .dueAt: dueAt = try reader.timestampOrNull(field: field.rawValue)
    case .deadline: deadline = try reader.timestampOrNull(field: field.rawValue)
    case .attempt: attempt = try reader.integerOrNull() ?? 1
    }
  }
}
