import Core
import WebSocket

/// `tradingview://`: one connection, one chart session per symbol, one request at a time.
package struct TradingViewSource: BarSource {
  private let settings: TradingViewSettings
  private let clock: ExchangeClock
  private let pace: Pace
  private let drain: Interruption

  package init(settings: TradingViewSettings, clock: ExchangeClock, pace: Pace, drain: Interruption) {
    self.settings = settings
    self.clock = clock
    self.pace = pace
    self.drain = drain
  }

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
          var talk = TradingViewTalk(settings: settings, clock: clock, socket: socket)
          try await talk.begin()
          for request in requests {
            guard try await pace.turn() else { return }
            try await talk.ask(request, deliver: deliver)
          }
          if settings.live { try await talk.listen(deliver: deliver) }
        }
      }
    } catch {
      let error: any Error = if let error = error as? WebSocketError { SourceError(error) } else { error }
      if drain.isRaised, let error = error as? SourceError, error.isTransient { return }
      throw error
    }
  }
}
