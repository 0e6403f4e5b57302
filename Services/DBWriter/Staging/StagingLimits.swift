/// What a message may hold to be storable. Beyond them an item (or, for the header, the message) is refused.
package enum StagingLimits {
  /// Chain, store and item code: parts of keys, of which three and the rest of an index entry must fit the
  /// 2,704 bytes a PostgreSQL index row may have.
  package static let keyBytes = 64
  package static let masterIDBytes = 256
  /// Names, manufacturers, units. The longest name in the published files has about 200 bytes.
  package static let textBytes = 2_000
  /// Rows are counted in PostgreSQL's 4-byte integers.
  package static let rows = 0...Int64(Int32.max)
}
