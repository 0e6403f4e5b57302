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
  package var material: String
  package var country: String?
  package var region: String?
  package var category: CommodityCategory?
  package var source: String?
  package var jobID: String?
  package var schedule: String?
  package var dueAt: Timestamp?
  package var deadline: Timestamp?
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
    try coder.required("task", &task, "Whether a price or a demand is to be fetched")
    try coder.required("material", &material, "The material in words: `Copper`")
    try coder.field("country", &country, "The country in words; null for a world market")
    try coder.field("region", &region, "The region of the series")
    try coder.field("category", &category, "The category of the series")
    try coder.field(
      "source", &source, "The provider to ask first; null leaves the choice to the catalogue of the fetcher")
    try coder.field(
      "job_id", &jobID,
      "32 hexadecimal digits, made from schedule, due time and what is fetched; null for a job by hand")
    try coder.field("schedule", &schedule, "The schedule that the job comes from")
    try coder.field("due_at", &dueAt, "When the job is due")
    try coder.field("deadline", &deadline, "After this time the answer is not wanted any more")
    try coder.field("attempt", &attempt, "1 as the scheduler sends it; a worker that passes a job on adds 1")
  }
}
