import NIOCore
import Runtime

/// What is said on one connection.
struct TradingViewTalk {
  private struct Series {
    var request: BarRequest
    var bars: [Int64: SourceBar] = [:]
    /// How many there were when more were last asked for; nil: never.
    var countBefore: Int?
  }

  private let settings: TradingViewSettings
  private let clock: ExchangeClock
  private let channel: any Channel
  private var inbound: NIOAsyncChannelInboundStream<[UInt8]>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<[UInt8]>
  /// Open for updates: the symbol of each session.
  private var open: [String: String] = [:]

  init(
    settings: TradingViewSettings, clock: ExchangeClock, channel: any Channel,
    inbound: NIOAsyncChannelInboundStream<[UInt8]>.AsyncIterator, outbound: NIOAsyncChannelOutboundWriter<[UInt8]>
  ) {
    self.settings = settings
    self.clock = clock
    self.channel = channel
    self.inbound = inbound
    self.outbound = outbound
  }

  func begin() async throws { try await outbound.write(ClientMessage.setAuthToken(settings.token)) }

  /// Asks for the bars of one symbol and delivers them, or why there are none.
  /// - Throws: `SourceError` when the connection cannot be used any more; the symbol was then delivered if the
  ///   trouble began with it.
  mutating func ask(_ request: BarRequest, deliver: BarSource.Delivery) async throws {
    let session = ClientMessage.newSession()
    var series = Series(request: request)
    let count = max(1, min(request.count, settings.maxBars))
    for message in [
      ClientMessage.createSession(session), ClientMessage.switchTimezone(session),
      ClientMessage.resolve("\(settings.exchange):\(request.symbol)", session),
      ClientMessage.createSeries(session, resolution: request.interval.resolution, count: count),
    ] {
      try await outbound.write(message)
    }
    let late = SourceError(
      .timedOut, "no bars of \(request.symbol) within \(DurationSetting(settings.answerTime))")
    let channel = channel
    let timer = channel.eventLoop.scheduleTask(in: TimeAmount(settings.answerTime)) {
      channel.pipeline.fireErrorCaught(late)
      channel.close(promise: nil)
    }
    let answer: Result<BarAnswer, SourceError>
    do {
      answer = .success(try await answered(&series, session, deliver))
      timer.cancel()
    } catch let error as SourceError {
      timer.cancel()
      switch error.kind {
      case .symbolRefused, .seriesRefused: answer = .failure(error)
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
      try await outbound.write(ClientMessage.deleteSession(session))
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
      case .bars(session, let bars, _):
        for bar in bars { series.bars[clock.position(bar, series.request.interval)] = bar }
        if series.bars.count > settings.maxBars * 2 {
          throw SourceError(.tooLarge, "more bars of \(series.request.symbol) than were asked for")
        }
      case .seriesCompleted(session, _, let end):
        guard let more = more(after: series, end: end) else { return answer(of: series, end: end) }
        series.countBefore = series.bars.count
        try await outbound.write(ClientMessage.moreData(session, count: more))
      case .symbolError(session, let text):
        throw SourceError(
          .symbolRefused, "\(settings.exchange):\(series.request.symbol): \(SourceError.quoted(text))")
      case .seriesError(session, let text):
        throw SourceError(
          .seriesRefused, "series of \(series.request.symbol): \(SourceError.quoted(text))")
      case .criticalError(session, let text):
        throw SourceError(.sessionFailed, "critical error: \(SourceError.quoted(text))")
      default: try await update(message, deliver)
      }
    }
  }

  /// How many more bars to ask for; nil when there are enough, or no more.
  private func more(after series: Series, end: Bool) -> Int? {
    guard let back = series.request.reachBackTo, !end, series.bars.count < settings.maxBars,
      series.countBefore.map({ series.bars.count > $0 }) ?? true, let first = series.bars.keys.min(), first > back
    else { return nil }
    return min(max(series.bars.count, 100), settings.maxBars - series.bars.count)
  }

  private func answer(of series: Series, end: Bool) -> BarAnswer {
    let bars = series.bars.sorted { $0.key < $1.key }
    var reaches = true
    if let back = series.request.reachBackTo, let first = bars.first?.key, first > back, !end {
      // Asked for more and got none: that is all the server holds.
      reaches = bars.count < settings.maxBars
    }
    return BarAnswer(bars: bars.map(\.value), reachesBack: reaches)
  }

  /// What is not about the symbol in hand.
  private mutating func update(_ message: ServerMessage, _ deliver: BarSource.Delivery) async throws {
    switch message {
    case .bars(let session, let bars, _):
      guard let symbol = open[session], !bars.isEmpty else { return }
      try await deliver(symbol, .success(BarAnswer(bars: bars)))
    case .symbolError(let session, let text), .seriesError(let session, let text):
      guard let symbol = open.removeValue(forKey: session) else { return }
      try await deliver(symbol, .failure(SourceError(.seriesRefused, "\(symbol): \(SourceError.quoted(text))")))
    case .criticalError(_, let text):
      throw SourceError(.sessionFailed, "critical error: \(SourceError.quoted(text))")
    case .protocolError(let text):
      let isToken = text.contains("token")
      throw SourceError(
        isToken ? .tokenRefused : .protocolBroken,
        "protocol error: \(SourceError.quoted(text))" + (isToken ? "; check SOURCE_TOKEN" : ""))
    case .hello, .symbolResolved, .seriesCompleted, .other: break
    }
  }

  private mutating func next() async throws -> ServerMessage {
    guard let payload = try await inbound.next() else {
      throw SourceError(.connectionLost, "the server closed the connection")
    }
    do {
      return try ServerMessage(parsing: payload, maxBytes: settings.maxMessageBytes)
    } catch {
      throw SourceError(.protocolBroken, "a message that cannot be read: \(error)")
    }
  }
}

extension TimeAmount {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self = .seconds(seconds) + .nanoseconds(attoseconds / 1_000_000_000)
  }
}
