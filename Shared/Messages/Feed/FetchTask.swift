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
  /// Its name in `data_sources.yaml`.
  package var source: String
  /// Canonical; of some kinds none.
  package var symbols: [String]
  /// Of bars: `1m`, `1d`.
  package var interval: String?
  /// How many seconds before `due_at` it asks about at least; nil leaves it to the kind.
  package var lookback: Int64?
  /// 32 hexadecimal digits, made from the schedule, the due time and what is fetched; nil for a task by hand.
  package var jobID: String?
  /// The name of the schedule.
  package var schedule: String?
  package var dueAt: Timestamp?
  /// After this time the answer is not wanted any more.
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
    try coder.required("kind", &kind)
    try coder.required("source", &source)
    try coder.field("symbols", &symbols)
    try coder.field("interval", &interval)
    try coder.field("lookback", &lookback)
    try coder.field("job_id", &jobID)
    try coder.field("schedule", &schedule)
    try coder.field("due_at", &dueAt)
    try coder.field("deadline", &deadline)
  }
}

extension FetchKind: JSONValue {}
