import Catalogue
import Values

/// One request for market data: the scheduler says what is due, a fetcher of its kind asks the provider.
///
/// `fetch-<kind>`, key `source/first symbol`, so that the tasks of one symbol keep their order. The same schedule makes
/// the same task, with the same id and bytes, whichever replica sends it and however often.
///
/// Only `kind` and `source` are required: a task written by hand is `{"kind":"bars","source":"alpaca","symbols":
/// ["AAPL"]}`.
package struct FetchTask: FieldwiseMessage {
  package var kind: FetchKind
  package var source: String
  package var symbols: [String]
  package var interval: String?
  package var lookback: Int64?
  package var jobID: String?
  package var schedule: String?
  package var dueAt: Timestamp?
  package var deadline: Timestamp?

  /// Of the first kind; ``topic(of:)`` has the others, which are all alike.
  package static let topic = Topics.fetchTasks(of: .bars)
  package static func topic(of kind: FetchKind) -> Topic { Topics.fetchTasks(of: kind) }

  package init(
    kind: FetchKind, source: String, symbols: [String] = [], interval: String? = nil, lookback: Int64? = nil,
    jobID: String? = nil, schedule: String? = nil, dueAt: Timestamp? = nil, deadline: Timestamp? = nil
  ) {
    self.kind = kind
    self.source = source
    self.symbols = symbols
    self.interval = interval
    self.lookback = lookback
    self.jobID = jobID
    self.schedule = schedule
    self.dueAt = dueAt
    self.deadline = deadline
  }

  package var key: [UInt8] { Array("\(source)/\(symbols.first ?? "")".utf8) }

  package static let blank = Self(kind: .bars, source: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("kind", &kind, "What is to be fetched")
    try coder.required("source", &source, "The provider, as `data_sources.yaml` calls it")
    try coder.field("symbols", &symbols, "Canonical; some kinds have none")
    try coder.field("interval", &interval, "Length of a bar: `1m`, `1d`")
    try coder.field("lookback", &lookback, "How long before `due_at` it asks at least; null leaves it to the kind [s]")
    try coder.field(
      "job_id", &jobID,
      "32 hexadecimal digits, made from schedule, due time and what is fetched; null for a task by hand")
    try coder.field("schedule", &schedule, "The schedule that the task comes from")
    try coder.field("due_at", &dueAt, "When the task is due")
    try coder.field("deadline", &deadline, "After this time the answer is not wanted any more")
  }
}

extension FetchKind: JSONValue {}
