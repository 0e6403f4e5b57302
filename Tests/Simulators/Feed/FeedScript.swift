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
  /// The next logins are answered as if the key were wrong.
  package var refusedLogins = 0
  /// Bytes that may wait for a slow reader.
  package var slowLimit = 4 << 20
  /// After so many events that were sent, all connections end once.
  package var cutAfter: Int?
  /// For how long no connection is let in after a cut.
  package var away: Duration = .zero
  /// Added to the times of all that is sent, in nanoseconds: a machine whose clock is behind sees it so.
  package var shiftNs: Int64 = 0
  /// Elements in a frame.
  package var frame = 200
  /// Nothing is sent, and pings are answered.
  package var isSilent = false
  /// Of an answer about the past.
  package var pageSize = 50
  /// Every third page is empty and has a next one.
  package var hasEmptyPages = false
  /// The next questions about the past are answered with 429.
  package var refusedQuestions = 0
  /// Questions about the past are answered with 403: the plan has none.
  package var hasHistory = true
  /// Questions about the past are answered with 401: the key is wrong there.
  package var refusesQuestions = false
  /// A page's token leads to the page itself.
  package var isCyclic = false

  /// Questions about them are refused; a list of symbols with one of them is.
  package var badSymbols: Set<String> = []
  /// The days before its start of which the market has bars, by formula.
  package var pastDays = 0
  package var splits: [SimulatedSplit] = []

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
