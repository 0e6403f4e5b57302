import Compression
import Core
import Messages
import ObjectStore
import ObjectStoreFlags

/// What the archive holds of the feed: lists the objects, unpacks them, and reads their records.
struct ArchiveSide: Sendable {
  struct Series: Hashable, Sendable {
    var trades = 0
    var price: Double?
    /// Of the last trade, nanoseconds since 1970.
    var time: Int64 = 0
    /// The close of the state of each bar that was known last, by its start in milliseconds.
    var closes: [Int64: Double] = [:]
  }
  private struct State {
    var known: Int64
    var revision: Int64
  }
  var series: [String: Series] = [:]
  var objects = 0
  private var states: [String: State] = [:]

  static func read(_ options: ObjectStoreOptions) async throws -> ArchiveSide {
    let store = try options.makeStore()
    defer { store.close() }
    var side = ArchiveSide()
    for prefix in ["market-ticks/", "market-bars/"] {
      var from: String?
      repeat {
        let page = try await store.list(prefix: prefix, from: from, limit: 1_000)
        for object in page.objects {
          let packed = try await store.bytes(of: object.key, limit: 256 << 20)
          guard let plain = Deflate.unpackGzip(packed) else {
            throw Failure(.fatal, code: "damaged_object", "\(object.key.text) is not whole gzip")
          }
          side.objects += 1
          for line in plain.split(separator: UInt8(ascii: "\n")) {
            if prefix == "market-ticks/" { try side.add(tick: Array(line)) } else { try side.add(bar: Array(line)) }
          }
        }
        from = page.next
      } while from != nil
    }
    return side
  }

  mutating func add(tick bytes: [UInt8]) throws {
    let tick = try FeedTick(decoding: bytes)
    guard tick[\.kind] == .trade, let symbol = tick[\.symbol], let price = tick[\.price] else { return }
    var known = series[symbol] ?? Series()
    known.trades += 1
    if tick[\.eventNs] >= known.time { (known.price, known.time) = (Double("\(price)"), tick[\.eventNs]) }
    series[symbol] = known
  }

  mutating func add(bar bytes: [UInt8]) throws {
    let bar = try FeedBar(decoding: bytes)
    let (values, name) = (bar.values, "\(bar.symbol)/\(bar.values.startNs)")
    if let state = states[name], (state.known, state.revision) > (values.knownNs, values.revision) { return }
    states[name] = State(known: values.knownNs, revision: values.revision)
    series[bar.symbol, default: Series()].closes[values.startNs / 1_000_000] = Double("\(values.close)")
  }
}
