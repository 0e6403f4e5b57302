import Catalogue
import Kafka
import Operations
import Values

/// What `souk trace` looks for: a key, the name of a file, the id of a file, a batch or a trace, or a `traceparent`.
struct TraceTarget: Hashable, Sendable {
  let text: String
  /// The trace that the text names; nil for a text that cannot be a trace id.
  let traceID: String?
  private let bytes: [UInt8]
  /// The text stands in JSON as it is, so a value that lacks its bytes need not be read.
  private let isPlain: Bool

  init(_ text: String) {
    self.text = text
    bytes = Array(text.utf8)
    let isID = bytes.count == 32 && bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    traceID = isID ? text : TraceParent(text).map { Self.traceID($0) }
    isPlain = bytes.allSatisfy { (0x20...0x7e).contains($0) && ![UInt8(ascii: "\""), UInt8(ascii: "\\")].contains($0) }
  }

  /// The 32 hexadecimal digits of a trace.
  static func traceID(_ parent: TraceParent) -> String { String(parent.description.dropFirst(3).prefix(32)) }

  /// The name of a file in a field of this name: the text itself, or the last segment of a path or URL.
  private static let names: Set = ["file_name", "url", "s3_path", "local_path"]
  /// Ids that one record hands on to the next.
  private static let ids: Set = [
    "file_id", "batch_id", "job_id", "document_id", "article_id", "post_id", "task_id", "event_id", "request_id",
  ]

  /// Why a record is one of those that are looked for; nil when it is none of them.
  func match(_ record: ReadRecord) -> String? {
    if record.key == bytes { return "key" }
    if let traceID, TraceHit.traceID(record) == traceID { return "trace" }
    guard let value = record.value, !isPlain || value.firstRange(of: bytes) != nil else { return nil }
    guard case .object(let fields)? = DataValue(parsing: value) else { return nil }
    for field in fields {
      guard case .text(let text) = field.value else { continue }
      if Self.ids.contains(field.name), text == self.text { return field.name }
      if Self.names.contains(field.name), text == self.text || Self.lastSegment(text) == self.text { return field.name }
    }
    return nil
  }

  /// Of a path or a URL, without its query.
  private static func lastSegment(_ text: String) -> String {
    let path = text.prefix { $0 != "?" && $0 != "#" }
    return path.split(separator: "/").last.map(String.init) ?? ""
  }
}

/// A record that belongs to what is traced, without its value.
struct TraceHit: Hashable, Sendable {
  var place: TopicPartition
  var offset: Int64
  /// Milliseconds since 1970; nil where the record has none.
  var time: Int64?
  var key: String?
  var trace: String?
  /// `parser/1.0.0`, as the record says.
  var producedBy: String?
  /// Why it belongs to what is traced.
  var why: String
  /// What the dead letter says; nil for a record of another topic.
  var deadLetter: DeadLetter?
  /// What the value names.
  var fileID: String?
  var fileName: String?
  var chain: String?
  var storeID: String?
  /// Where the object store has the file or document.
  var object: String?
  /// Of a bar of the exchange.
  var bar: Bar?

  struct DeadLetter: Hashable, Sendable {
    var code: String
    var reason: String
    var service: String
    var origin: String
  }

  init(_ record: ReadRecord, why: String) {
    (place, offset, time, self.why) = (record.place, record.offset, record.timestamp, why)
    key = record.key.map { String(decoding: $0, as: UTF8.self) }
    trace = Self.traceID(record)
    producedBy = record.header(HeaderName.producedBy)
    if place.topic.hasSuffix(Topic.deadLetterName(of: "")) {
      let letter = Letter(record)
      deadLetter = DeadLetter(
        code: letter.code, reason: letter.reason, service: letter.service, origin: letter.origin)
    }
    guard let value = record.value.flatMap({ DataValue(parsing: $0) }) else { return }
    func text(_ name: String) -> String? {
      guard case .text(let text)? = value[name] else { return nil }
      return text
    }
    (fileID, fileName, chain, storeID) = (text("file_id"), text("file_name"), text("chain"), text("store_id"))
    object = text("s3_path") ?? text("object") ?? text("local_path")
    if place.topic == Topics.marketData.name { bar = record.value.flatMap { Bar($0) } }
  }

  static func traceID(_ record: ReadRecord) -> String? {
    record.header(HeaderName.traceparent).flatMap { TraceParent($0) }.map { TraceTarget.traceID($0) }
  }

  /// The order of time; of one time, that of topics in the catalogue.
  static func isBefore(_ left: TraceHit, _ right: TraceHit) -> Bool {
    func order(_ hit: TraceHit) -> (Int64, Int, String, Int32, Int64) {
      let topic = Topics.allWithDeadLetters.firstIndex { $0.name == hit.place.topic } ?? .max
      return (hit.time ?? .min, topic, hit.place.topic, hit.place.partition, hit.offset)
    }
    return order(left) < order(right)
  }
}

/// The first records of a trace in the order of time, and how many more there are.
struct TraceHits: Sendable {
  let limit: Int
  private var kept: [TraceHit] = []
  private(set) var left = 0

  init(limit: Int) { self.limit = limit }

  mutating func add(_ hit: TraceHit) {
    kept.append(hit)
    if kept.count >= 2 * limit + 1_000 { cut() }
  }

  private mutating func cut() {
    kept.sort(by: TraceHit.isBefore)
    if kept.count > limit {
      left += kept.count - limit
      kept.removeLast(kept.count - limit)
    }
  }

  /// Sorted.
  mutating func finish() -> [TraceHit] {
    cut()
    return kept
  }
}
