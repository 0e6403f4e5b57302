import Core
import Foundation
import LocalServers
import Redis
import ServiceKit
import Values

/// The days before a run: a back-fill of their bars, as an operator starts it, and what Redis has of them then.
struct PastDays: Sendable {
  /// Trading days and others that the simulated feeds know of.
  static let count: Int64 = 7

  /// Of the back-fill: where the brokers are.
  let environment: [String: String?]
  /// The provider, by `data_sources.yaml`.
  let sources: String
  /// The port of the simulated feeds.
  let feeds: UInt16
  let screen: Screen

  /// - Returns: what to say in the end.
  /// - Throws: `Failure` when the back-fill fails, or Redis does not have its bars a minute later.
  func fill(_ client: RedisClient, _ symbols: [String]) async throws -> [String] {
    // The simulated market began a day ago; a day more, since days are New York's.
    let first = CivilDate(daysSinceEpoch: WallClock.seconds() / 86_400 - Self.count - 2)
    let words = [
      "backfill", "--provider", "alpaca", "--data-sources", sources, "--tickers", symbols.joined(separator: ","),
      "--from", "\(first)", "--to", "now", "--allow-private-addresses",
    ]
    screen.say()
    screen.say("souk backfill --provider alpaca --from \(first) --to now")
    var launch = Launch(try Startup.executable("souk"), words)
    launch.environment = environment
    // Its progress, and why it fails.
    launch.output = .lines { [screen] line in screen.say("  \(line)") }
    let child = try await ChildProcess.start(launch)
    guard let status = await child.wait(atMost: .seconds(300)), status.isSuccess else {
      await child.stop()
      throw Failure(.fatal, code: "backfill_failed", "souk backfill did not end well")
    }
    let truth = try await truth(symbols)
    let bars = truth.series.values.reduce(0) { $0 + $1.closes.count }
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      let held = try await HotStoreSide.read(client, symbols)
      let missing = truth.series.filter { symbol, series in
        !series.closes.allSatisfy { held.series[symbol]?.closes[$0.key] == $0.value }
      }
      if missing.isEmpty { break }
      guard ContinuousClock.now < deadline else {
        throw Failure(
          .fatal, code: "answers_differ",
          "Redis does not have the bars of the back-fill: \(missing.keys.sorted().joined(separator: ", "))")
      }
      try await Task.sleep(for: .milliseconds(200))
    }
    return ["", "Redis has all \(grouped(bars)) bars of \(symbols.count) symbols since \(first), as the provider says."]
  }

  /// The bars of the market and of the days before it.
  private func truth(_ symbols: [String]) async throws -> FeedTruth {
    var lines = ""
    for symbol in symbols {
      let path = "/_feed/bars?symbol=\(symbol)&interval=1m"
      guard let answer = await LoopbackHTTP.shared.get(port: feeds, path: path, timeout: .seconds(60)),
        answer.status == 200
      else { throw Failure(.fatal, code: "truth_silent", "feed-simulator does not say what the bars of \(symbol) are") }
      lines += answer.body
    }
    return try FeedTruth(lines: lines, from: .min)
  }
}
