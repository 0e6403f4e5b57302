import Core

/// How the feeds behave.
package struct FeedScript: Sendable {
  package var key = "key"
  package var secret = "secret"
  /// Connections of one feed; Polygon closes the oldest beyond it, Alpaca refuses the newest.
  package var connections = 1
  /// Symbols of Alpaca's trades and quotes; nil is no limit.
  package var symbolLimit: Int?
  package var allowsStar = true
  /// Feeds that the plan does not have.
  package var refusedFeeds: Set<String> = []
  /// The number of next logins that are refused as for a wrong key.
  package var refusedLogins = 0
  /// Bytes buffered for a slow reader.
  package var slowLimit = 4 << 20
  /// The number of sent events after which all connections are closed once.
  package var cutAfter: Int?
  /// How long connections are refused after a cut.
  package var away: Duration = .zero
  /// Nanoseconds added to all times sent, as a machine with a slow clock sees them.
  package var shiftNs: Int64 = 0
  /// Elements in a frame.
  package var frame = 200
  /// Sends no events but answers pings.
  package var isSilent = false
  /// Items on a page of a historical answer.
  package var pageSize = 50
  /// Whether every third page is empty, with a token for the next one.
  package var hasEmptyPages = false
  /// How long an answer about the past takes.
  package var answerDelay: Duration = .zero
  /// The number of next historical queries that get 429.
  package var refusedQuestions = 0
  /// Whether the plan has history; without it historical queries get 403.
  package var hasHistory = true
  /// Whether historical queries get 401: the key is wrong.
  package var refusesQuestions = false
  /// Whether a page's token leads to the same page.
  package var isCyclic = false

  /// Questions about them are refused; a list of symbols with one of them is.
  package var badSymbols: Set<String> = []
  /// The days before its start of which the market has bars, by formula.
  package var pastDays = 0
  package var splits: [SimulatedSplit] = []
  /// Events between two plants of unusual activity in options; 0 for none.
  package var plantEvery = 0
  /// Contracts that are on every chain and never trade.
  package var chainContracts = 0
  /// Contracts that chains do not have any more.
  package var goneContracts: Set<String> = []
  /// Of contracts; those of others are drawn from their names.
  package var openInterest: [String: Int64] = [:]

  package init() {}
}

/// A share became `to` shares for each `from`.
package struct SimulatedSplit: Hashable, Sendable {
  package var symbol: String
  /// `2026-06-10`
  package var date: String
  package var from: Int
  package var to: Int

  package init(_ symbol: String, _ date: String, from: Int, to: Int) {
    self.symbol = symbol
    self.date = date
    self.from = from
    self.to = to
  }
}
