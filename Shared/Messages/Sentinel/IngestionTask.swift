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
  package var category: CommodityCategory?
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
    task: Kind, material: String, country: String? = nil, region: String? = nil, category: CommodityCategory? = nil,
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

  package static let blank = Self(task: .fetchPrice, material: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("task", &task)
    try coder.required("material", &material)
    try coder.field("country", &country)
    try coder.field("region", &region)
    try coder.field("category", &category)
    try coder.field("source", &source)
    try coder.field("job_id", &jobID)
    try coder.field("schedule", &schedule)
    try coder.field("due_at", &dueAt)
    try coder.field("deadline", &deadline)
    try coder.field("attempt", &attempt)
  }
}
