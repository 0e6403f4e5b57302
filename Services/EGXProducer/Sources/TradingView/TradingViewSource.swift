import Core
import WebSocket

/// `tradingview://`: one connection, one chart session per symbol, one request at a time.
package struct TradingViewSource: BarSource {
  let settings: TradingViewSettings
  let clock: ExchangeClock
  let pace: Pace
  let drain: Interruption

  package var label: String { "tradingview \(settings.socket.url)" }
  package var isLive: Bool { settings.live }

  package func fetch(_ requests: [BarRequest], deliver: Delivery) async throws {
    do {
      let decoder = TradingViewDecoder(maxMessageBytes: settings.socket.maxMessageBytes)
      try await settings.client.connect(decoding: decoder) { socket in
        try await withThrowingTaskGroup(of: Void.self) { [closer = socket.closer] group in
          // What waits for the server's next message ends with the connection.
          group.addTask {
            await drain.wait()
            closer.close()
          }
          defer { group.cancelAll() }
          var connection = TradingViewConnection(settings: settings, clock: clock, socket: socket)
          try await connection.begin()
          for request in requests {
            guard try await pace.turn() else { return }
            try await connection.ask(request, deliver: deliver)
          }
          if settings.live { try await connection.listen(deliver: deliver) }
        }
      }
    } catch {
      let error: any Error = if let error = error as? WebSocketError { SourceError(error) } else { error }
      if drain.isRaised, let error = error as? SourceError, error.isTransient { return }
      throw error
    }
  }
}

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
