import Core
import CoreMetrics
import Feeds
import Logging
import Messages
import WebSocket

/// One connection to a feed, from the handshake to its end.
struct FeedSession: Sendable {
  let settings: FeedSettings
  private var feed: Feed { settings.feed }
  private var isPacked: Bool { settings.isPacked }
  private var patience: Duration { settings.patience }

  /// What happens to the session while it lasts.
  struct Surroundings: Sendable {
    let outlet: Outlet
    let drain: Interruption
    /// Raised when the connection belongs to another process.
    let lost: Interruption
    let watchdog: Watchdog
    let backlog: @Sendable () -> Int
    let logger: Logger
  }

  /// Opens a connection and logs in, and says what the plan allows, by asking for one symbol of each channel.
  func check(_ interests: [FeedInterest]) async throws -> String {
    try await WebSocketClient(settings.socket).connect(decoding: PlainMessages()) { socket in
      var remarks: [String] = []
      let deadline = socket.deadline(in: patience, "no answer to the login in \(patience)")
      try await logIn(&socket)
      deadline.cancel()
      for channel in feed.channels.sorted() {
        let some = interests.first { $0.channels.contains(channel) }?.symbol ?? "AAPL"
        for request in FeedRequests.change(
          .subscribe, [FeedInterest(some, [channel])], of: feed, isPacked: isPacked) {
          try await socket.send(message(request))
        }
        let answer = try await answer(&socket)
        remarks.append("\(channel.rawValue) \(answer)")
      }
      return "logged in to \(feed.rawValue); " + remarks.joined(separator: ", ")
    }
  }

  /// - Returns: `allowed`, or why not.
  private func answer(_ socket: inout WebSocket<WebSocketMessage>) async throws -> String {
    let deadline = socket.deadline(in: patience, "no answer to a subscription in \(patience)")
    defer { deadline.cancel() }
    let reader = Outlet(feed, producedBy: "", memory: .seconds(1), maxSkew: .seconds(60))
    while let next = try await socket.next() {
      for control in controls(next, reader) {
        switch control {
        case .subscribed, .subscriptions: return "allowed"
        case .failed(let failure): return "refused (\(failure.message))"
        default: break
        }
      }
    }
    throw FeedFailure(.serverFailed, "the feed closed the connection")
  }

  /// Streams until the connection ends.
  /// - Parameters:
  ///   - changes: called again and again: what to subscribe to and to give up besides.
  ///   - began: called when the subscriptions are sent.
  /// - Throws: why it ended; returns when drained.
  func run(
    _ interests: [FeedInterest], in around: Surroundings,
    changes: @escaping @Sendable () -> [(FeedRequests.Action, [FeedInterest])],
    began: @escaping @Sendable () async throws -> Void
  ) async throws {
    try await WebSocketClient(settings.socket).connect(decoding: PlainMessages()) { socket in
      try await withThrowingTaskGroup(of: Void.self) { [closer = socket.closer] group in
        for signal in [around.drain, around.lost] {
          group.addTask {
            await signal.wait()
            closer.close()
          }
        }
        defer { group.cancelAll() }
        let login = socket.deadline(in: patience, "no answer to the login in \(patience)")
        try await logIn(&socket)
        login.cancel()
        StreamerMetrics.connects.increment()
        around.outlet.restart()
        var queue = SubscriptionQueue(feed.isPolygon ? [] : interests, of: feed)
        if feed.isPolygon {
          for request in FeedRequests.change(.subscribe, interests, of: feed, isPacked: isPacked) {
            try await socket.send(message(request))
          }
        } else if let request = queue.next(isPacked: isPacked) {
          try await socket.send(message(request))
        }
        group.addTask { [sender = socket.sender] in
          // What is subscribed to changes while the feed may say nothing.
          while !Task.isCancelled {
            for (action, interests) in changes() {
              for request in FeedRequests.change(action, interests, of: feed, isPacked: isPacked) {
                try await sender.send(message(request))
              }
            }
            try await Task.sleep(for: .milliseconds(100))
          }
        }
        try await began()
        try await listen(&socket, &queue, around)
      }
    }
  }

  private func listen(
    _ socket: inout WebSocket<WebSocketMessage>, _ queue: inout SubscriptionQueue, _ around: Surroundings
  ) async throws {
    while !around.drain.isRaised {
      let deadline = around.watchdog.patience(at: WallClock.seconds()).map { patience in
        socket.deadline(in: patience, "the feed said nothing for \(around.watchdog.limit) while the market was open")
      }
      let frame: WebSocketMessage?
      do {
        defer { deadline?.cancel() }
        frame = try await socket.next()
      } catch let error as WebSocketError where error.kind == .timedOut {
        throw FeedFailure(.silent, error.message)
      }
      guard let frame else { return }
      for control in controls(frame, around.outlet) {
        switch control {
        case .subscriptions:
          queue.wasAccepted()
          if let request = queue.next(isPacked: isPacked) { try await socket.send(message(request)) }
        case .failed(let failure) where failure.kind == .symbolLimit:
          StreamerMetrics.failed(failure.code)
          let before = queue.refused.count
          let isOfQueue = queue.wasRefused()
          if !isOfQueue || queue.refused.count > before {
            around.logger.error("not all symbols are subscribed to", metadata: [
              "reason": "\(failure)", "symbols": "\(queue.refused.map(\.symbol).prefix(20).joined(separator: ","))",
              "count": .stringConvertible(queue.refused.count),
            ])
          }
          if let request = queue.next(isPacked: isPacked) { try await socket.send(message(request)) }
        case .failed(let failure): throw failure
        case .remark(let text): around.logger.info("the feed says", metadata: ["text": "\(text)"])
        default: break
        }
      }
      guard around.outlet.tooLate < Self.mostTooLate else {
        throw FeedFailure(
          .clockBehind, "the feed's events are later than this machine's clock by more than --max-skew: set the clock")
      }
      guard around.backlog() <= settings.maxBacklog else {
        throw FeedFailure(
          .slowReader, "\(around.backlog()) bytes wait for Kafka: the connection is given up, and refilled later")
      }
    }
  }

  /// Events in a row that are later than the clock: one may be wrong, all of them say that the clock is.
  private static let mostTooLate = 20

  private func logIn(_ socket: inout WebSocket<WebSocketMessage>) async throws {
    let reader = Outlet(feed, producedBy: "", memory: .seconds(1), maxSkew: .seconds(60))
    while let next = try await socket.next() {
      for control in controls(next, reader) {
        switch control {
        case .connected:
          try await socket.send(message(FeedRequests.login(
            feed, key: try settings.key.resolve(), secret: try settings.secret?.resolve(), isPacked: isPacked)))
        case .authenticated: return
        case .failed(let failure): throw failure
        default: break
        }
      }
    }
    throw FeedFailure(.serverFailed, "the feed closed the connection before the login")
  }

  private func controls(_ frame: WebSocketMessage, _ outlet: Outlet) -> [FeedControl] {
    let now = WallClock.microseconds() * 1_000
    switch frame {
    case .text(let bytes): return outlet.take(bytes, isPacked: false, knownNs: now)
    case .binary(let bytes): return outlet.take(bytes, isPacked: true, knownNs: now)
    }
  }

  private func message(_ request: FeedRequests.Request) -> WebSocketMessage {
    request.isPacked ? .binary(request.bytes) : .text(request.bytes)
  }
}
