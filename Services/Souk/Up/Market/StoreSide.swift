import Compression
import Core
import Messages
import ObjectStore
import ObjectStoreFlags
import Values

/// Reads the objects themselves: lists them, unpacks them, and reads their lines.
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
    let store = try options.makeStore()
    defer { store.close() }
    var reading = Reading()
    var seen: [String: Set<Int64>] = [:]
    var from: String?
    repeat {
      let page = try await store.list(prefix: prefix, from: from, limit: 1_000)
      for object in page.objects {
        reading.objects += 1
        let packed = try await store.bytes(of: object.key, limit: 256 << 20)
        guard let plain = Deflate.unpackGzip(packed) else {
          throw Failure(.fatal, code: "damaged_object", "\(object.key.text) is not whole gzip")
        }
        for line in plain.split(separator: UInt8(ascii: "\n")) {
          let bar = try MarketBar(decoding: Array(line))
          reading.lines += 1
          guard bar.interval == interval else { continue }
          Self.add(bar, to: &reading.side, &seen)
        }
      }
      from = page.next
    } while from != nil
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
