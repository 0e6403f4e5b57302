import Core
import Feeds
import Messages
import Redis
import Values

/// The bars that the hot store has of a symbol.
struct StoredBars: Sendable {
  let client: RedisClient

  private static let required = ["open", "high", "low", "close", "volume"]
  private static let optional = ["vwap", "trades"]

  /// - Parameter range: of the starts, in nanoseconds since 1970.
  /// - Returns: the earliest first.
  /// - Throws: `RedisError`; a data `Failure` when there is no such series, or a bar lacks a part.
  func bars(of symbol: String, _ interval: BarInterval, in range: Range<Int64>) async throws -> [FeedBarValues] {
    let (from, to) = (range.lowerBound / 1_000_000, (range.upperBound - 1) / 1_000_000)
    let fields = Self.required + Self.optional
    let keys = fields.map { "ts:\(symbol):\(interval.rawValue):\($0)" }
    let replies = try await client.replies(to: keys.map { RedisCommand("TS.RANGE", $0, "\(from)", "\(to)") })
    var columns: [[Int64: ExactDecimal]] = []
    for (index, reply) in replies.enumerated() {
      var column: [Int64: ExactDecimal] = [:]
      switch reply {
      case .failure(let error) where error.code == "redis_no_series":
        guard index >= Self.required.count else {
          throw Failure(.data, code: "no_series", "Redis has no series \(keys[index]); hot-writer makes it")
        }
      case .failure(let error): throw error
      default:
        for element in reply.array ?? [] {
          guard let pair = element.array, pair.count == 2, let stamp = pair[0].integer,
            let value = pair[1].text.flatMap(Double.init).flatMap({ ExactDecimal(shortest: $0) })
          else { throw Failure(.data, code: "bad_sample", "\(keys[index]) has a sample that is no number") }
          column[stamp] = value
        }
      }
      columns.append(column)
    }
    return try columns[0].keys.sorted().map { stamp in
      let values = columns.map { $0[stamp] }
      guard let open = values[0], let high = values[1], let low = values[2], let close = values[3],
        let volume = values[4]
      else {
        throw Failure(
          .data, code: "partial_bar", "the bar of \(symbol) at \(stamp) ms lacks a part: hot-writer writes all of them")
      }
      var bar = FeedBarValues(
        startNs: stamp * 1_000_000, knownNs: 0, open: open, high: high, low: low, close: close, volume: volume)
      bar.vwap = values[5]
      bar.trades = values[6].flatMap { $0.normalized.scale == 0 ? $0.normalized.mantissa : nil }
      return bar
    }
  }
}
