import CZlib
import ObjectStore
import Runtime
import Schemas

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
        for line in try Self.unpacked(packed, name: object.key.text).split(separator: UInt8(ascii: "\n")) {
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

  /// The bytes of a gzip file (RFC 1952), of one member, as s3-consumer writes them by default.
  private static func unpacked(_ packed: [UInt8], name: String) throws(Failure) -> [UInt8] {
    var stream = z_stream()
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Failure(.fatal, code: "zlib_failed", "zlib cannot begin: out of memory?")
    }
    defer { inflateEnd(&stream) }
    var plain: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var code = Z_OK
    packed.withUnsafeBufferPointer { source in
      // zlib does not write through next_in; its C declaration predates const.
      stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
      stream.avail_in = UInt32(source.count)
      while code == Z_OK {
        chunk.withUnsafeMutableBufferPointer { target in
          stream.next_out = target.baseAddress
          stream.avail_out = UInt32(target.count)
          code = inflate(&stream, Z_NO_FLUSH)
          plain += target.prefix(target.count - Int(stream.avail_out))
        }
      }
    }
    guard code == Z_STREAM_END else { throw Failure(.fatal, code: "damaged_object", "\(name) is not whole gzip") }
    return plain
  }
}
