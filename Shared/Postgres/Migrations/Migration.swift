/// One step of a schema, shipped inside the binary.
///
/// Once released, its text never changes: a database remembers the checksum of what it ran.
package struct Migration: Sendable {
  /// 1, 2, 3 ... without gaps.
  package let number: Int
  /// A few words in `snake_case`, for people.
  package let name: String
  /// One or more statements. They run in a transaction, so no `CREATE INDEX CONCURRENTLY`.
  package let sql: String

  package init(_ number: Int, _ name: String, sql: String) {
    self.number = number
    self.name = name
    self.sql = sql
  }

  /// FNV-1a, 64 bits, of the text, as 16 hex digits. It tells accident, not attack.
  /// Source: G. Fowler, L. C. Noll, K.-P. Vo; draft-eastlake-fnv.
  package var checksum: String {
    let hash = sql.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
