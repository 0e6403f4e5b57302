import Runtime

/// Settings and limits of a TradingView connection.
package struct TradingViewSettings: Sendable {
  package var address: WebSocketAddress
  /// Of the chart page: the server refuses connections from elsewhere.
  package var origin = "https://data.tradingview.com"
  package var token = "unauthorized_user_token"
  package var exchange = "EGX"
  /// PEM file of the authorities to trust instead of the system's.
  package var caFile: String?
  package var connectTime: Duration = .seconds(10)
  /// For one symbol, from the request to its last bar.
  package var answerTime: Duration = .seconds(30)
  package var pingInterval: Duration = .seconds(20)
  package var idleLimit: Duration = .seconds(60)
  package var maxMessageBytes = 16 << 20
  /// The most bars to request per symbol.
  package var maxBars = 5_000
  /// The most bars of one answer without an account. More bars need several requests.
  package var pageBars = 5_000
  /// Keeps the series open, for bars as they change.
  package var live = false

  package init(address: WebSocketAddress) { self.address = address }
}
