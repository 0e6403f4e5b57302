import Messages

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
