import Catalogue

/// A hole in a feed: from when to when a symbol was not listened to, why, and what became of it.
///
/// `market-gaps`, key and order `symbol`. A gap is named by its `id`; each change of its state is a record of its own,
/// the last one holds. A gap is opened by what happened to the connection, never by a minute without a bar. Times are
/// nanoseconds since 1970, UTC.
package struct FeedGap: FieldwiseMessage {
  package enum State: String, CaseIterable, Sendable, JSONValue {
    /// Being refilled, or waiting for it.
    case open
    /// All that the provider has of it is in `market-ticks` and `market-bars`.
    case filled
    /// `reason` says why not.
    case unfillable
  }

  package enum Why: String, CaseIterable, Sendable, JSONValue {
    /// The connection broke off, or the provider closed it.
    case disconnected
    /// The connection was open and silent while the market was open.
    case silent
    /// The provider closed it because it was not read fast enough.
    case slowReader = "slow_reader"
    /// No streamer was running.
    case restarted
  }

  package var id: String
  package var feed: String
  package var symbol: String
  package var channels: [String]
  package var fromNs: Int64
  package var toNs: Int64?
  package var why: Why
  package var state = State.open
  package var reason: String?
  package var openedNs: Int64
  package var closedNs: Int64?
  package var added: Int64 = 0
  package var known: Int64 = 0

  package static let topic = Topics.marketGaps

  /// An open gap.
  package init(
    feed: String, symbol: String, channels: [String], fromNs: Int64, toNs: Int64? = nil, why: Why, openedNs: Int64
  ) {
    id = "\(feed)/\(symbol)/\(fromNs)"
    self.feed = feed
    self.symbol = symbol
    self.channels = channels
    self.fromNs = fromNs
    self.toNs = toNs
    self.why = why
    self.openedNs = openedNs
  }

  package var key: [UInt8] { Array(symbol.utf8) }

  package static let blank = Self(feed: "", symbol: "", channels: [], fromNs: 0, why: .disconnected, openedNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("id", &id, "Names the gap")
    try coder.required("feed", &feed, "The feed that was not listened to")
    try coder.required("symbol", &symbol, "The canonical symbol; `*` where all symbols were subscribed to at once")
    try coder.list("channels", &channels, "What is missing: `trades`, `quotes`, `bars`", atMost: 16)
    try coder.required("from_ns", &fromNs, "The last event before the gap [ns since 1970]")
    try coder.field(
      "to_ns", &toNs, "The first moment at which the feed was listened to again; null until then [ns since 1970]")
    try coder.required("why", &why, "What opened the gap")
    try coder.required("state", &state, "Whether it was refilled")
    try coder.field("reason", &reason, "Why it cannot be refilled: a code and words")
    try coder.required("opened_ns", &openedNs, "When the gap was noticed [ns since 1970]")
    try coder.field("closed_ns", &closedNs, "When it was refilled or given up [ns since 1970]")
    try coder.field("added", &added, "Events and bars that the refill added")
    try coder.field("known", &known, "Events and bars of the refill that had been published before")
  }
}

/// A symbol that a feed is to be asked for at run time.
///
/// `subscriptions`, compacted, key `feed/symbol`; a tombstone ends the subscription. What the streamer's own settings
/// name stays subscribed whatever the topic says.
package struct FeedSubscription: FieldwiseMessage {
  package var feed: String
  package var symbol: String
  package var channels: [String]

  package static let topic = Topics.subscriptions

  package init(feed: String, symbol: String, channels: [String]) {
    self.feed = feed
    self.symbol = symbol
    self.channels = channels
  }

  package var key: [UInt8] { Self.key(feed: feed, symbol: symbol) }

  /// `feed/symbol`.
  package static func key(feed: String, symbol: String) -> [UInt8] { RecordKey.bytes(chain: feed, symbol) }

  package static let blank = Self(feed: "", symbol: "", channels: [])
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("feed", &feed, "The feed that is to be asked: `polygon-stocks`, `alpaca-stocks`")
    try coder.required("symbol", &symbol, "The canonical symbol")
    try coder.list("channels", &channels, "What to listen to: `trades`, `quotes`, `bars`", isRequired: true, atMost: 16)
  }
}
