import Compression
import Core
import Influx
import Messages
import ObjectStore
import ObjectStoreFlags
import Values

/// What one end of the flow holds of the bars.
struct MarketSide: Hashable, Sendable {
  struct Series: Hashable, Sendable {
    /// Distinct bars.
    var bars = 0
    /// The opening of the last one, microseconds since 1970.
    var time = Int64.min
    var last = ExactDecimal.zero
  }

  var series: [String: Series] = [:]
  var bars: Int { series.values.reduce(0) { $0 + $1.bars } }
}

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

extension ObjectStoreOptions {
  /// Lists the objects below a prefix, unpacks them, and reads their lines.
  /// - Returns: the number of objects.
  func readLines(below prefix: String, _ read: ([UInt8]) throws -> Void) async throws -> Int {
    let store = try makeStore()
    defer { store.close() }
    var count = 0
    var from: String?
    repeat {
      let page = try await store.list(prefix: prefix, from: from, limit: 1_000)
      for object in page.objects {
        let packed = try await store.bytes(of: object.key, limit: 256 << 20)
        guard let plain = Deflate.unpackGzip(packed) else {
          throw Failure(.fatal, code: "damaged_object", "\(object.key.text) is not whole gzip")
        }
        for line in plain.split(separator: UInt8(ascii: "\n")) { try read(Array(line)) }
      }
      count += page.objects.count
      from = page.next
    } while from != nil
    return count
  }
}

/// What the objects themselves say.
struct StoreSide: Sendable {
  let options: ObjectStoreOptions
  /// Of a run: all below it is read.
  let prefix: String
  let interval: String

  struct Reading: Sendable {
    var side = MarketSide()
    var objects = 0
    /// Lines, repeats included.
    var lines = 0
  }

  func read() async throws -> Reading {
    var reading = Reading()
    var seen: [String: Set<Int64>] = [:]
    reading.objects = try await options.readLines(below: prefix) { line in
      let bar = try MarketBar(decoding: line)
      reading.lines += 1
      if bar.interval == interval { Self.add(bar, to: &reading.side, &seen) }
    }
    for (symbol, times) in seen { reading.side.series[symbol]?.bars = times.count }
    return reading
  }

  private static func add(_ bar: MarketBar, to side: inout MarketSide, _ seen: inout [String: Set<Int64>]) {
    let time = bar.observedAt?.microseconds ?? bar.datetime.microseconds
    seen[bar.symbol, default: []].insert(time)
    let price = switch bar.values {
    case .candle(let candle): candle.close
    case .value(let value, _): value
    }
    // Objects of one partition are listed in the order of their offsets: the later of two records of a bar counts.
    if time >= side.series[bar.symbol]?.time ?? .min { side.series[bar.symbol] = .init(time: time, last: price) }
  }
}
