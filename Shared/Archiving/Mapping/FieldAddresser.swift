import Core
import Feeds
import Messages
import Values

/// Reads symbol and time of JSON records by the names of their fields. The rest of a record has to be well-formed and
/// no more, because its bytes are kept as they are.
package final class FieldAddresser: RecordAddresser {
  private enum Field { case symbol, time }
  private let mapping: ArchiveMapping
  private let names: FieldNames
  private let fields: [Field]
  private let limits: JSONReader.Limits
  private var clock: DayClock

  package init(_ mapping: ArchiveMapping, zone: ZoneTable, limits: JSONReader.Limits) {
    self.mapping = mapping
    self.limits = limits
    clock = DayClock(zone: zone)
    let wanted = [(mapping.symbol, Field.symbol), (mapping.time, .time)].compactMap { source, field in
      source.field.map { ($0, field) }
    }
    names = FieldNames(wanted.map(\.0))
    fields = wanted.map(\.1)
  }

  package func address(
    of message: RawSpan, key: RawSpan?, stamp: Int64, symbol: inout [UInt8]
  ) throws(DecodingFailure) -> RecordAddress {
    symbol.removeAll(keepingCapacity: true)
    var address: RecordAddress?
    var reader = try JSONReader(message, limits: limits)
    var cursor = try reader.beginObject()
    while let index = try reader.nextField(&cursor, among: names) {
      switch fields[index] {
      case .symbol:
        let slice = try reader.slice()
        JSONReader.withResolved(slice, of: message) { $0.withUnsafeBytes { symbol.append(contentsOf: $0) } }
      case .time: address = try time(&reader, message)
      }
    }
    if mapping.symbol.field == nil, let key {
      guard key.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) != nil else {
        throw DecodingFailure(.invalidUTF8, at: 0, "the record's key is not UTF-8", field: "key")
      }
      key.withUnsafeBytes { symbol.append(contentsOf: $0) }
    }
    if mapping.time.field == nil, stamp >= 0 { address = clock.address(nanoseconds: stamp &* 1_000_000) }
    try reader.finish()
    guard !symbol.isEmpty else { throw reader.missingField(mapping.symbol.field ?? "key") }
    guard let address else { throw reader.missingField(mapping.time.field ?? "timestamp") }
    return address
  }

  /// A number by its magnitude, RFC 3339, or a date and time on the clocks of the mapping's zone.
  private func time(_ reader: inout JSONReader, _ message: RawSpan) throws(DecodingFailure) -> RecordAddress? {
    if reader.isNull() { return nil }
    let name = mapping.time.field ?? ""
    let start = reader.offset
    guard reader.kind == .string else {
      let stamp = try reader.integer()
      guard stamp >= 0, let nanoseconds = FeedStamp.nanoseconds(stamp) else {
        throw DecodingFailure(.badTimestamp, at: start, "not a time from 1970 to 2262", field: name)
      }
      return clock.address(nanoseconds: nanoseconds)
    }
    let slice = try reader.slice()
    var address: RecordAddress?
    JSONReader.withResolved(slice, of: message) { text in
      if let nanoseconds = FeedStamp.nanoseconds(rfc3339: text) {
        address = clock.address(nanoseconds: nanoseconds)
      } else if let local = LocalDateTime(parsing: text) {
        address = clock.address(local: local)
      }
    }
    guard let address else { throw DecodingFailure(.badTimestamp, at: start, "not a time", field: name) }
    return address
  }
}

/// The date and time of day of instants, in one zone. Keeps the offset of the last quarter of an hour: clocks change
/// at its ends.
struct DayClock {
  private let zone: ZoneTable
  private var quarter = Int64.min
  private var offset: Int64 = 0

  init(zone: ZoneTable) { self.zone = zone }

  mutating func address(nanoseconds: Int64) -> RecordAddress {
    let (seconds, fraction) = nanoseconds.flooredDivision(by: 1_000_000_000)
    let quarter = seconds.flooredDivision(by: 900).quotient
    if quarter != self.quarter {
      self.quarter = quarter
      offset = Int64(zone.offsetSeconds(at: seconds))
    }
    let (day, second) = (seconds + offset).flooredDivision(by: 86_400)
    return RecordAddress(
      day: Int32(day), microsecondsOfDay: second * 1_000_000 + fraction / 1_000, nanoseconds: nanoseconds)
  }

  /// - Returns: nil where no Int64 holds the nanoseconds.
  func address(local: LocalDateTime) -> RecordAddress? {
    let (day, microseconds) = local.microseconds.flooredDivision(by: 86_400_000_000)
    let date = CivilDate(daysSinceEpoch: day)
    let seconds = zone.instant(
      year: date.year, month: date.month, day: date.day, second: Int(microseconds / 1_000_000)).epochSeconds
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow, whole < .max - 1_000_000_000 else { return nil }
    return RecordAddress(
      day: Int32(day), microsecondsOfDay: microseconds, nanoseconds: whole + microseconds % 1_000_000 * 1_000)
  }
}

/// Where a record belongs, besides its symbol.
package struct RecordAddress: Hashable, Sendable {
  /// Days since 1970-01-01, on the clocks of the records' zone.
  package var day: Int32
  /// Microseconds since midnight on those clocks.
  package var microsecondsOfDay: Int64
  /// Since 1970, UTC; where a record has no zone, as if its clocks were those of UTC.
  package var nanoseconds: Int64

  package init(day: Int32, microsecondsOfDay: Int64, nanoseconds: Int64) {
    self.day = day
    self.microsecondsOfDay = microsecondsOfDay
    self.nanoseconds = nanoseconds
  }
}

/// Reads where the records of one topic belong. What it says follows from the record alone, never from a clock: a
/// range of offsets that is written again has to give the same objects. One task at a time calls it.
package protocol RecordAddresser: AnyObject {
  /// - Parameters:
  ///   - stamp: of the record, milliseconds since 1970; -1 when it has none.
  ///   - symbol: is replaced with the symbol's bytes.
  func address(
    of message: RawSpan, key: RawSpan?, stamp: Int64, symbol: inout [UInt8]
  ) throws(DecodingFailure) -> RecordAddress
}

/// How the records of one topic become objects.
package struct ObjectPlan: Sendable {
  package var names: ObjectNames
  /// Where its objects are told of; nil for none.
  package var catalogue: CatalogueNames?
  /// Of what names depend on besides the records; empty where that never changes.
  package var digest: String
  /// Its records are documents, whose bytes are objects, too.
  package var namesObjects: Bool
  package var makeAddresser: @Sendable () -> any RecordAddresser

  package init(
    names: ObjectNames, catalogue: CatalogueNames? = nil, digest: String = "", namesObjects: Bool = false,
    makeAddresser: @escaping @Sendable () -> any RecordAddresser
  ) {
    self.names = names
    self.catalogue = catalogue
    self.digest = digest
    self.namesObjects = namesObjects
    self.makeAddresser = makeAddresser
  }
}
