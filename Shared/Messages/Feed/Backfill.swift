import Catalogue

/// What a back-fill is to fetch: the bars of some symbols that start in a range of time.
///
/// `backfill-jobs`, compacted, key `job_id`, which the same feed, interval, symbols and range always have. What it has
/// done follows from ``BackfillStatus``.
package struct BackfillJob: FieldwiseMessage {
  /// 16 hexadecimal digits.
  package var jobID: String
  package var feed: String
  package var interval: String
  /// Canonical, ascending.
  package var symbols: [String]
  /// Nanoseconds since 1970, UTC.
  package var fromNs: Int64
  /// Behind the last one.
  package var untilNs: Int64
  package var startedNs: Int64
  /// When nothing of it was left to be fetched; nil before.
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
    try coder.required("job_id", &jobID)
    try coder.required("feed", &feed)
    try coder.required("interval", &interval)
    try coder.list("symbols", &symbols, isRequired: true, atMost: Self.maxSymbols)
    try coder.required("from_ns", &fromNs)
    try coder.required("until_ns", &untilNs)
    try coder.required("started_ns", &startedNs)
    try coder.field("finished_ns", &finishedNs)
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
  /// Canonical.
  package var symbol: String
  /// `2026-03`, `2026`, `all`.
  package var period: String
  package var state: State
  /// Of the period, what was asked for, in nanoseconds since 1970, UTC.
  package var fromNs: Int64
  /// Behind the last one.
  package var untilNs: Int64
  /// Bars that were published.
  package var bars: Int64
  /// When it was asked for.
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
    try coder.required("feed", &feed)
    try coder.required("interval", &interval)
    try coder.required("symbol", &symbol)
    try coder.required("period", &period)
    try coder.required("state", &state)
    try coder.required("from_ns", &fromNs)
    try coder.required("until_ns", &untilNs)
    try coder.required("bars", &bars)
    try coder.required("known_ns", &knownNs)
    try coder.field("reason", &reason)
  }
}
