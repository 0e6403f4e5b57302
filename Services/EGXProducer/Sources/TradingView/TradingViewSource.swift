import NIOCore
import Runtime
import Schemas

/// `tradingview://`: one connection, one chart session per symbol, one question at a time.
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

  package var label: String { "tradingview \(settings.address)" }
  package var isLive: Bool { settings.live }

  package func fetch(_ requests: [BarRequest], deliver: Delivery) async throws {
    let channel = try await TradingViewConnection.open(settings)
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        // What waits for the server's next word ends with the connection.
        group.addTask {
          await drain.wait()
          channel.channel.close(promise: nil)
        }
        defer { group.cancelAll() }
        try await channel.executeThenClose { inbound, outbound in
          var talk = TradingViewTalk(
            settings: settings, clock: clock, channel: channel.channel, inbound: inbound.makeAsyncIterator(),
            outbound: outbound)
          try await talk.begin()
          for request in requests {
            guard try await pace.turn() else { return }
            try await talk.ask(request, deliver: deliver)
          }
          if settings.live { try await talk.listen(deliver: deliver) }
        }
      }
    } catch let error as SourceError {
      if drain.isRaised, error.isTransient { return }
      throw error
    } catch let error as any ClassifiedError {
      throw error
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      if drain.isRaised { return }
      throw TradingViewConnection.meaning(of: error)
    }
  }
}
