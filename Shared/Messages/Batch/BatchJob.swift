import Catalogue
import Core

/// What the batch layer is to compute.
///
/// `batch-jobs`, compacted, key `job_id`. The last record of a key holds: one with a later `submitted_ns` is the same
/// job once more (a retry, or tomorrow's run), one with `cancelled` ends it. A tombstone ends it, too. A run is named
/// by job and `submitted_ns`, so that a record that is read twice resumes its run and begins no second one.
package struct BatchJob: FieldwiseMessage {
  package enum Kind: String, CaseIterable, Sendable, JSONValue {
    /// Archived bars, chains, flow and sentiment into Parquet: one row for each identity, in the order of time.
    case compact
    /// Indicators of compacted bars, or anomalies of flow and sentiment, by the engine of signal-worker.
    case features
    /// The declared features of archived records, by the engine of `souk features compute`.
    case featureRows = "feature_rows"
    /// Options flow by underlying and day.
    case optionsFlow = "options_flow"
    /// Sentiment by symbol and window of time.
    case sentimentTrends = "sentiment_trends"
    /// A model from compacted bars into the registry of models.
    case train
    /// The batch views against what the live topics said of the same time.
    case compare

    /// The dataset that it publishes; nil of one that publishes a model or a report.
    package var dataset: String? {
      switch self {
      case .compact: "bars"
      case .features: "features"
      case .featureRows: "feature-rows"
      case .optionsFlow: "options-flow-daily"
      case .sentimentTrends: "sentiment-trends"
      case .train, .compare: nil
      }
    }
  }

  package var jobID: String
  package var kind: Kind
  package var symbols: [String]
  package var fromNs: Int64?
  package var untilNs: Int64?
  package var parameters: TextValues
  package var submittedNs: Int64
  package var by: String
  package var cancelled: Bool

  package static let topic = Topics.batchJobs
  package static let maxSymbols = 50_000

  package init(
    jobID: String, kind: Kind, symbols: [String] = [], fromNs: Int64? = nil, untilNs: Int64? = nil,
    parameters: TextValues = TextValues(), submittedNs: Int64, by: String = "", cancelled: Bool = false
  ) {
    self.jobID = jobID
    self.kind = kind
    self.symbols = symbols
    self.fromNs = fromNs
    self.untilNs = untilNs
    self.parameters = parameters
    self.submittedNs = submittedNs
    self.by = by
    self.cancelled = cancelled
  }

  package var key: [UInt8] { Array(jobID.utf8) }

  /// The name of its run: `nightly-1764599400000000000`.
  package var run: String { "\(jobID)-\(submittedNs)" }

  package static func isID(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: ".") && text.utf8.allSatisfy {
      switch $0 {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
      default: false
      }
    }
  }

  package static let blank = Self(jobID: "", kind: .compact, submittedNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required(
      "job_id", &jobID, "1 to 64 letters, digits, `.`, `_` and `-`; it becomes part of the names of objects")
    try coder.required("kind", &kind, "What is to be computed")
    try coder.list("symbols", &symbols, "Canonical, ascending; empty for all that there are", atMost: Self.maxSymbols)
    try coder.field(
      "from_ns", &fromNs, "Beginning of the time that is asked for; null from the first record on [ns since 1970]")
    try coder.field(
      "until_ns", &untilNs, "End of that time, not included; null up to the last complete instant [ns since 1970]")
    try coder.field(
      "parameters", &parameters,
      "What only some kinds take, by name: `feed`, `interval`, `model`, `history`, `horizon`")
    try coder.required("submitted_ns", &submittedNs, "When it was submitted [ns since 1970]")
    try coder.field("by", &by, "Who asked for it: `gateway`, `souk`, `schedule`")
    try coder.field("cancelled", &cancelled, "The job is to be ended")
  }

  package func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    guard Self.isID(jobID) else {
      throw DecodingFailure(
        .badValue, at: reader.offset, "1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', the first no '.'", field: "job_id")
    }
    if let fromNs, let untilNs, untilNs <= fromNs {
      throw DecodingFailure(.badValue, at: reader.offset, "is not behind from_ns", field: "until_ns")
    }
  }
}

/// Texts by their names, in order: `{"feed": "polygon-stocks", "interval": "1m"}`.
package struct TextValues: Hashable, Sendable, WrappingJSONValue {
  package static var wrapping: JSONWrapping { .map(String.self) }

  package private(set) var names: [String] = []
  package private(set) var texts: [String] = []

  package init(_ values: [(String, String)] = []) {
    (names, texts) = (values.map(\.0), values.map(\.1))
  }

  package subscript(_ name: String) -> String? { names.firstIndex(of: name).map { texts[$0] } }

  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    for (name, text) in zip(names, texts) {
      writer.key(named: name)
      writer.string(text)
    }
    writer.endObject()
  }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    var values = Self()
    var cursor = try coder.reader.beginObject()
    while let name = try coder.reader.nextName(&cursor) {
      values.names.append(name)
      values.texts.append(try coder.reader.string())
    }
    return values
  }
}
