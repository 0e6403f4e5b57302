import Core
import Foundation
import LocalServers

/// What has happened on the simulated market since it was first listened to: the measure of a run.
struct FeedTruth: Hashable, Sendable {
  struct Series: Hashable, Sendable {
    var trades = 0
    /// Of the last trade: its price, and its time in milliseconds since 1970.
    var price = 0.0
    var time: Int64 = 0
    /// The close of the last state of each bar, by its start in milliseconds.
    var closes: [Int64: Double] = [:]
  }
  var series: [String: Series] = [:]

  private struct Event: Decodable {
    var number: Int
    var kind: String
    var symbol: String
    var event_ns: Int64
    var price: Double
    var close: Double
  }
  private struct Stats: Decodable { var first: Int }

  /// Asks a feed-simulator.
  static func read(port: UInt16) async throws -> FeedTruth {
    guard let stats = await LoopbackHTTP.shared.get(port: port, path: "/_feed/stats", timeout: .seconds(30)),
      let truth = await LoopbackHTTP.shared.get(port: port, path: "/_feed/truth", timeout: .seconds(60))
    else { throw Failure(.fatal, code: "truth_silent", "feed-simulator does not say what has happened") }
    let first = try JSONDecoder().decode(Stats.self, from: Data(stats.body.utf8)).first
    return try FeedTruth(lines: truth.body, from: first)
  }

  /// - Parameter first: the number of the first event that was listened to.
  init(lines: String, from first: Int) throws {
    for line in lines.split(separator: "\n") {
      let event = try JSONDecoder().decode(Event.self, from: Data(line.utf8))
      guard event.number >= first else { continue }
      let time = event.event_ns / 1_000_000
      switch event.kind {
      case "trade":
        var known = series[event.symbol] ?? Series()
        known.trades += 1
        if time >= known.time { (known.price, known.time) = (event.price, time) }
        series[event.symbol] = known
      case "bar", "revised": series[event.symbol, default: Series()].closes[time] = event.close
      default: break
      }
    }
  }
}
