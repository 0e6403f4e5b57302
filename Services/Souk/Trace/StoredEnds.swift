import Archiving
import ArgumentParser
import Catalogue
import Compression
import Core
import Influx
import InfluxFlags
import Kafka
import Messages
import ObjectStore
import ObjectStoreFlags
import Operations
import ServiceKit
import Values

/// What an object store or a time series database has of a record.
struct StoredEnd: Hashable, Sendable {
  /// `object` or `point`.
  var kind: String
  /// Of the record: `egx_market_data[3]@4711`.
  var record: String
  /// Where it is, or would be.
  var place: String
  var isThere: Bool
  /// What is there, for people: `12,345 bytes`.
  var found: String
}

/// Looks for the objects and points of records.
struct EndOptions: ParsableArguments {
  @Flag(help: "Ask the object store for the objects that records name, and for those that hold bars of the exchange.")
  var objects = false
  @Flag(help: "Ask InfluxDB 1.x for the points of bars of the exchange.") var points = false

  init() {}
}

extension TraceHit {
  /// A bar of the exchange, as far as its object and its point are named by it.
  struct Bar: Hashable, Sendable {
    var symbol: String
    var interval: String
    /// Days since 1970, on the clocks of the exchange.
    var day: Int32
    /// Microseconds since 1970; nil where the record only has a time of the exchange's clocks.
    var time: Int64?
    /// The record's value.
    var message: [UInt8]

    init?(_ message: [UInt8]) {
      guard let bar = try? MarketBar(decoding: message) else { return nil }
      (symbol, interval, day) = (bar.symbol, bar.interval, bar.datetime.day.number)
      (time, self.message) = (bar.observedAt?.microseconds, message)
    }
  }

  var id: String { "\(place.topic)[\(place.partition)]@\(offset)" }
}

struct StoredObjects {
  let store: any ObjectStore

  /// - Throws: `ObjectStoreError` of an outage or a refusal.
  func ends(of hits: [TraceHit]) async throws -> [StoredEnd] {
    var ends: [StoredEnd] = []
    for hit in hits where hit.deadLetter == nil {
      if let url = hit.object { ends.append(try await named(url, hit)) }
      if let bar = hit.bar { ends.append(try await holding(bar, hit)) }
    }
    return ends
  }

  private func named(_ url: String, _ hit: TraceHit) async throws -> StoredEnd {
    var end = StoredEnd(kind: "object", record: hit.id, place: url, isThere: false, found: "no such object")
    do {
      guard let info = try await store.head(store.location.key(of: url)) else { return end }
      (end.isThere, end.found) = (true, "\(grouped(info.size)) bytes")
    } catch let error as ObjectStoreError where error.kind == .outsideStore {
      end.found = "outside of \(store.location)"
    }
    return end
  }

  /// Objects of s3-consumer are named by their partition and their first offset: the last one that begins at the
  /// record's offset or before it has the record as a line.
  private func holding(_ bar: TraceHit.Bar, _ hit: TraceHit) async throws -> StoredEnd {
    let folder = ObjectNames(folder: "streaming").directory(date: bar.day, symbol: bar.symbol)
    let last = "\(folder)/\(ObjectNames.range(hit.place.partition, first: hit.offset))"
    let partition = String(last.prefix(last.count - 20))
    var (from, nearest): (String?, ObjectInfo?) = (nil, nil)
    repeat {
      let page = try await store.list(prefix: partition, from: from, limit: 1_000)
      nearest = page.objects.last { $0.key.text.prefix(last.count) <= last } ?? nearest
      from = page.next
    } while from != nil
    var end = StoredEnd(
      kind: "object", record: hit.id, place: partition + "…", isThere: false,
      found: "no object begins at the record or before")
    guard let nearest else { return end }
    end.place = store.location.url(of: nearest.key)
    let packed = try await store.bytes(of: nearest.key, limit: 256 << 20)
    guard let plain = nearest.key.text.hasSuffix(".gz") ? Deflate.unpackGzip(packed) : packed else {
      end.found = "the object is not whole gzip"
      return end
    }
    let lines = plain.split(separator: UInt8(ascii: "\n"))
    end.isThere = lines.contains { $0.elementsEqual(bar.message) }
    end.found = end.isThere ? "one of \(counted(lines.count, "line"))" : "none of its \(counted(lines.count, "line"))"
    return end
  }
}

struct StoredPoints {
  let client: InfluxClient

  /// - Throws: `ClassifiedError`.
  func ends(of hits: [TraceHit]) async throws -> [StoredEnd] {
    var ends: [StoredEnd] = []
    for hit in hits where hit.deadLetter == nil {
      guard let bar = hit.bar, let time = bar.time else { continue }
      func quoted(_ text: String) -> String {
        "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
      }
      let series = "symbol = \(quoted(bar.symbol)) AND \"interval\" = \(quoted(bar.interval))"
      let answer = try await client.query("SELECT * FROM stock_price WHERE \(series) AND time = \(time)u")
      var end = StoredEnd(
        kind: "point", record: hit.id,
        place: "stock_price \(bar.symbol) \(bar.interval) \(clockText(time / 1_000) ?? "")", isThere: false,
        found: "no such point")
      if let series = answer.first, let row = series.values.first {
        end.isThere = true
        let numbers = zip(series.columns, row).filter { $0.0 != "time" }
          .compactMap { name, value in value.number.map { "\(name) \($0)" } }
        end.found = numbers.joined(separator: ", ")
      }
      ends.append(end)
    }
    return ends
  }
}
