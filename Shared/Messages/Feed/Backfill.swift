import Catalogue

/// What a back-fill is to fetch: the bars of some symbols that start in a range of time.
///
/// `backfill-jobs`, compacted, key `job_id`, which the same feed, interval, symbols and range always have. What it has
/// done follows from ``BackfillStatus``.
package struct BackfillJob: FieldwiseMessage {
  package var jobID: String
  package var feed: String
  package var interval: String
  package var symbols: [String]
  package var fromNs: Int64
  package var untilNs: Int64
  package var startedNs: Int64
  package var finishedNs: Int64?

  package static let topic = Topics.backfillJobs
  package static let maxSymbols = 50_000

  package init(
    jobID: String, feed: String, interval: String, symbols: [String], fromNs: Int64, untilNs: Int64, startedNs: Int64
  ) {
    self.jobID = jobID
    self.feed = feed
    self.interval = interval
    self.symbols = symbols
    self.fromNs = fromNs
    self.untilNs = untilNs
    self.startedNs = startedNs
  }

  package var key: [UInt8] { Array(jobID.utf8) }

  package static let blank = Self(
    jobID: "", feed: "", interval: "", symbols: [], fromNs: 0, untilNs: 0, startedNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("job_id", &jobID, "16 hexadecimal digits")
    try coder.required("feed", &feed, "The feed that is asked: `polygon-stocks`, `alpaca-stocks`")
    try coder.required("interval", &interval, "Length of a bar: `1m`, `1d`")
    try coder.list("symbols", &symbols, "Canonical, ascending", isRequired: true, atMost: Self.maxSymbols)
    try coder.required("from_ns", &fromNs, "Beginning of the first bar [ns since 1970]")
    try coder.required("until_ns", &untilNs, "End of the last bar, not included [ns since 1970]")
    try coder.required("started_ns", &startedNs, "When the job was first started [ns since 1970]")
    try coder.field(
      "finished_ns", &finishedNs, "When nothing of it was left to be fetched; null before [ns since 1970]")
  }
}

/// How much of a period the back-fill has of a symbol.
///
/// `backfill-status`, compacted, key `feed/interval/symbol/period`. Written when the bars are in `market-bars`: a
/// process that ends before it leaves bars without a status, which are fetched again and change nothing.
package struct BackfillStatus: FieldwiseMessage {
  package enum State: String, CaseIterable, Sendable, JSONValue {
    /// All bars that the provider has of the range are published.
    case done
    /// `reason` says why the provider does not have it.
    case refused
  }

  package var feed: String
  package var interval: String
  package var symbol: String
  package var period: String
  package var state: State
  package var fromNs: Int64
  package var untilNs: Int64
  package var bars: Int64
  package var knownNs: Int64
  package var reason: String?

  package static let topic = Topics.backfillStatus

  package init(
    feed: String, interval: String, symbol: String, period: String, state: State = .done, fromNs: Int64,
    untilNs: Int64, bars: Int64 = 0, knownNs: Int64, reason: String? = nil
  ) {
    self.feed = feed
    self.interval = interval
    self.symbol = symbol
    self.period = period
    self.state = state
    self.fromNs = fromNs
    self.untilNs = untilNs
    self.bars = bars
    self.knownNs = knownNs
    self.reason = reason
  }

  package var key: [UInt8] { Array(name.utf8) }
  package var name: String { Self.name(feed, interval, symbol, period) }

  package static func name(_ feed: String, _ interval: String, _ symbol: String, _ period: String) -> String {
    "\(feed)/\(interval)/\(symbol)/\(period)"
  }

  package static let blank = Self(
    feed: "", interval: "", symbol: "", period: "", fromNs: 0, untilNs: 0, knownNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("feed", &feed, "The feed that was asked")
    try coder.required("interval", &interval, "Length of a bar: `1m`, `1d`")
    try coder.required("symbol", &symbol, "The canonical symbol")
    try coder.required("period", &period, "`2026-03` of intraday bars, `2026` of daily ones, or `all`")
    try coder.required("state", &state, "What became of the period")
    try coder.required("from_ns", &fromNs, "Beginning of the period [ns since 1970]")
    try coder.required("until_ns", &untilNs, "End of the period, not included [ns since 1970]")
    try coder.required("bars", &bars, "Bars that were published")
    try coder.required("known_ns", &knownNs, "When the provider was asked [ns since 1970]")
    try coder.field("reason", &reason, "Why the provider refused it")
  }
}
