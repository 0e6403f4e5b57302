import Core
import WebSocket

/// How a TradingView connection is made and how far it may go.
package struct TradingViewSettings: Sendable {
  package var socket: WebSocketConfiguration
  /// Of the chart page: the server refuses connections from elsewhere.
  package var origin = "https://data.tradingview.com"
  package var token = "unauthorized_user_token"
  package var exchange = "EGX"
  /// For one symbol, from the question to the last of its bars.
  package var answerTime: Duration = .seconds(30)
  /// Most bars of one symbol that are asked for.
  package var maxBars = 5_000
  /// Most bars of one answer: what the server gives at once without an account, whatever is asked for. More are
  /// asked for one such answer after the other.
  package var pageBars = 5_000
  /// Keeps the series open, for bars as they change.
  package var live = false

  package init(url: WebSocketURL) { socket = WebSocketConfiguration(url: url) }

  var client: WebSocketClient {
    var socket = socket
    socket.headers = [("Origin", origin), ("User-Agent", "Mozilla/5.0 (compatible; souk/\(Souk.version))")]
    return WebSocketClient(socket)
  }
}
