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
