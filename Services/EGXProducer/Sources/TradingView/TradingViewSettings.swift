import Runtime

/// How a TradingView connection is made and how far it may go.
package struct TradingViewSettings: Sendable {
  package var address: WebSocketAddress
  /// Of the chart page: the server refuses connections from elsewhere.
  package var origin = "https://data.tradingview.com"
  package var token = "unauthorized_user_token"
  package var exchange = "EGX"
  /// PEM file of the authorities to trust instead of the system's.
  package var caFile: String?
  package var connectTime: Duration = .seconds(10)
  /// For one symbol, from the question to the last of its bars.
  package var answerTime: Duration = .seconds(30)
  package var pingInterval: Duration = .seconds(20)
  package var idleLimit: Duration = .seconds(60)
  package var maxMessageBytes = 16 << 20
  /// Most bars of one symbol that are asked for.
  package var maxBars = 5_000
  /// Most bars of one answer: what the server gives at once without an account, whatever is asked for. More are
  /// asked for one such answer after the other.
  package var pageBars = 5_000
  /// Keeps the series open, for bars as they change.
  package var live = false

  package init(address: WebSocketAddress) { self.address = address }
}
