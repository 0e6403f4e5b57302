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
  /// The canonical symbol; `*` where all symbols were subscribed to at once.
  package var symbol: String
  /// `trades`, `quotes`, `bars`.
  package var channels: [String]
  /// The last event before the hole.
  package var fromNs: Int64
  /// The first moment at which the feed was listened to again; nil until then.
  package var toNs: Int64?
  package var why: Why
  package var state = State.open
  /// Of an unfillable gap, `snake_case` and in words.
  package var reason: String?
  package var openedNs: Int64
  package var closedNs: Int64?
  /// Events and bars that the refill added.
  package var added: Int64 = 0
  /// Those of its answer that had been published before.
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
    try coder.required("id", &id)
    try coder.required("feed", &feed)
    try coder.required("symbol", &symbol)
    try coder.list("channels", &channels, atMost: 16)
    try coder.required("from_ns", &fromNs)
    try coder.field("to_ns", &toNs)
    try coder.required("why", &why)
    try coder.required("state", &state)
    try coder.field("reason", &reason)
    try coder.required("opened_ns", &openedNs)
    try coder.field("closed_ns", &closedNs)
    try coder.field("added", &added)
    try coder.field("known", &known)
  }
}

/// A symbol that a feed is to be asked for at run time.
///
/// `subscriptions`, compacted, key `feed/symbol`; a tombstone ends the subscription. What the streamer's own settings
/// name stays subscribed whatever the topic says.
package struct FeedSubscription: FieldwiseMessage {
  package var feed: String
  /// The canonical symbol.
  package var symbol: String
  /// `trades`, `quotes`, `bars`, `seconds`; those that the feed does not have are left out.
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
    try coder.required("feed", &feed)
    try coder.required("symbol", &symbol)
    try coder.list("channels", &channels, isRequired: true, atMost: 16)
  }
}
