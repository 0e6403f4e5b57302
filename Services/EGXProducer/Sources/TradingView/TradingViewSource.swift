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

/// The requests and answers of one connection.
struct TradingViewConnection {
  private struct Series {
    var request: BarRequest
    var bars: [Int64: SourceBar] = [:]
    /// How many were asked for at once, last.
    var page: Int
    /// How many there were before that.
    var countBefore = 0
    /// The server said that there are no older ones.
    var isWhole = false
  }

  private let settings: TradingViewSettings
  private let clock: ExchangeClock
  private var socket: WebSocket<Incoming>
  /// Open for updates: the symbol of each session.
  private var open: [String: String] = [:]
  /// What could not be read since the last delivery.
  private var lost = Losses()

  init(settings: TradingViewSettings, clock: ExchangeClock, socket: WebSocket<Incoming>) {
    self.settings = settings
    self.clock = clock
    self.socket = socket
  }

  func begin() async throws { try await send(ClientMessage.setAuthToken(settings.token)) }

  /// Asks for the bars of one symbol and delivers them, or why there are none.
  /// - Throws: `SourceError` when the connection cannot be used any more; the symbol was then delivered if the
  ///   failure began with it.
  mutating func ask(_ request: BarRequest, deliver: BarSource.Delivery) async throws {
    let session = ClientMessage.newSession()
    var series = Series(request: request, page: max(1, min(request.count, settings.maxBars, settings.pageBars)))
    for message in [
      ClientMessage.createSession(session), ClientMessage.switchTimezone(session),
      ClientMessage.resolve("\(settings.exchange):\(request.symbol)", session),
      ClientMessage.createSeries(session, resolution: request.interval.resolution, count: series.page),
    ] {
      try await send(message)
    }
    let deadline = socket.deadline(
      in: settings.answerTime, "no bars of \(request.symbol) within \(DurationSetting(settings.answerTime))")
    let answer: Result<BarAnswer, SourceError>
    do {
      answer = .success(try await answered(&series, session, deliver))
      deadline.cancel()
    } catch let failure as SourceError {
      deadline.cancel()
      var error = failure
      if error.kind == .timedOut, lost.count > 0 { error.message += "; of the server's frames \(takeLost())" }
      switch error.kind {
      case .symbolRefused, .seriesRefused, .unreadable: answer = .failure(error)
      case .timedOut, .sessionFailed, .protocolBroken, .tooLarge:
        // Said once for the symbol, so that the next connection goes on with the one after it.
        try await deliver(request.symbol, .failure(error))
        throw error
      default: throw error
      }
    }
    if settings.live, case .success = answer {
      open[session] = request.symbol
    } else {
      try await send(ClientMessage.deleteSession(session))
    }
    try await deliver(request.symbol, answer)
  }

  /// Hands on the bars of open series as they change, until the connection ends.
  mutating func listen(deliver: BarSource.Delivery) async throws {
    while true { try await update(try await next(), deliver) }
  }

  private mutating func answered(
    _ series: inout Series, _ session: String, _ deliver: BarSource.Delivery
  ) async throws -> BarAnswer {
    while true {
      let message = try await next()
      switch message {
      case .bars(session, let bars, _, let unread):
        lost.add(unread)
        for bar in bars { series.bars[clock.position(bar, series.request.interval)] = bar }
        if series.bars.count > settings.maxBars * 2 {
          throw SourceError(.tooLarge, "more bars of \(series.request.symbol) than were asked for")
        }
      case .seriesCompleted(session, _, let end):
        series.isWhole = end
        guard let more = more(after: series) else { return try answer(of: series) }
        (series.countBefore, series.page) = (series.bars.count, more)
        try await send(ClientMessage.moreData(session, count: more))
      case .symbolError(session, let text):
        throw SourceError(.symbolRefused, "\(settings.exchange):\(series.request.symbol): \(quoted(text))")
      case .seriesError(session, let text):
        throw SourceError(.seriesRefused, "series of \(series.request.symbol): \(quoted(text))")
      case .criticalError(session, let text):
        throw SourceError(.sessionFailed, "critical error: \(quoted(text))")
      default: try await update(message, deliver)
      }
    }
  }

  /// How many more bars to ask for; nil when there are enough, or no more.
  private func more(after series: Series) -> Int? {
    let (request, count) = (series.request, series.bars.count)
    guard !series.isWhole, count > series.countBefore, count < settings.maxBars else { return nil }
    let room = min(settings.maxBars - count, settings.pageBars)
    if let back = request.reachBackTo, let first = series.bars.keys.min(), first > back {
      return min(max(count, 100), room)
    }
    // An answer that is not full was the last.
    guard !request.isCountLimit, count < request.count, count - series.countBefore >= series.page else { return nil }
    return min(request.count - count, room)
  }

  /// - Throws: `SourceError(.unreadable)` when there is no bar, and frames that may have held some could not be read.
  private mutating func answer(of series: Series) throws(SourceError) -> BarAnswer {
    let (request, bars) = (series.request, series.bars.sorted { $0.key < $1.key })
    let lost = takeLost()
    if bars.isEmpty, lost.count > 0 {
      throw SourceError(.unreadable, "no bars of \(request.symbol): of the server's frames and bars \(lost)")
    }
    var reaches = true
    if let back = request.reachBackTo, let first = bars.first?.key, first > back, !series.isWhole {
      // Asked for more and got none: that is all the server holds.
      reaches = bars.count < settings.maxBars
    }
    let isShort = !request.isCountLimit && !series.isWhole && !bars.isEmpty
    return BarAnswer(
      bars: bars.map(\.value), reachesBack: reaches, missing: isShort ? max(0, request.count - bars.count) : 0,
      lost: lost)
  }

  private mutating func takeLost() -> Losses {
    defer { lost = Losses() }
    return lost
  }

  /// Handles a message about another symbol than the current one.
  private mutating func update(_ message: ServerMessage, _ deliver: BarSource.Delivery) async throws {
    switch message {
    case .bars(let session, let bars, _, let unread):
      guard let symbol = open[session], !bars.isEmpty || unread.count > 0 else { return }
      lost.add(unread)
      try await deliver(symbol, .success(BarAnswer(bars: bars, lost: takeLost())))
    case .symbolError(let session, let text), .seriesError(let session, let text):
      guard let symbol = open.removeValue(forKey: session) else { return }
      try await deliver(symbol, .failure(SourceError(.seriesRefused, "\(symbol): \(quoted(text))")))
    case .criticalError(let session, let text):
      // Of a session that is not ours, such as one of quotes, it says nothing about ours.
      guard session.isEmpty || open[session] != nil else { return }
      throw SourceError(.sessionFailed, "critical error: \(quoted(text))")
    case .protocolError(let text):
      let isToken = text.contains("token")
      throw SourceError(
        isToken ? .tokenRefused : .protocolBroken,
        "protocol error: \(quoted(text))" + (isToken ? "; check SOURCE_TOKEN" : ""))
    case .hello, .symbolResolved, .seriesCompleted, .other: break
    }
  }

  private func send(_ message: [UInt8]) async throws {
    do { try await socket.send(.text(message)) } catch let error as WebSocketError { throw SourceError(error) }
  }

  private mutating func next() async throws -> ServerMessage {
    while true {
      let incoming: Incoming?
      do { incoming = try await socket.next() } catch let error as WebSocketError { throw SourceError(error) }
      switch incoming {
      case nil: throw SourceError(.connectionLost, "the connection was closed")
      case .unreadable(let reason): lost.add(reason)
      case .message(let payload):
        do {
          return try ServerMessage(parsing: payload, maxBytes: settings.socket.maxMessageBytes)
        } catch {
          lost.add("a message that cannot be read: \(error)")
        }
      }
    }
  }
}
