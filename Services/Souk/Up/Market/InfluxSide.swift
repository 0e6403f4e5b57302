import Core
import Influx
import Values

/// Asks the time series database itself, in InfluxQL.
struct InfluxSide: Sendable {
  let configuration: InfluxConfiguration
  let interval: String

  func read() async throws -> MarketSide {
    let client = try InfluxClient(configuration)
    defer { client.close() }
    let from = "FROM stock_price WHERE \"interval\" = '\(interval)' GROUP BY \"symbol\""
    var side = MarketSide()
    for series in try await client.query("SELECT last(close) \(from)") {
      guard let symbol = series.tags?["symbol"], let row = series.values.first, row.count == 2,
        let time = row[0].number, let close = row[1].number, let price = ExactDecimal("\(close)")
      else { throw Self.unexpected }
      side.series[symbol] = .init(time: Int64(time), last: price)
    }
    for series in try await client.query("SELECT count(close) \(from)") {
      guard let symbol = series.tags?["symbol"], let row = series.values.first, row.count == 2,
        let count = row[1].number
      else { throw Self.unexpected }
      side.series[symbol]?.bars = Int(count)
    }
    return side
  }

  private static let unexpected = Failure(
    .fatal, code: "influx_answer", "InfluxDB answers the question for the last prices with other columns")
}
