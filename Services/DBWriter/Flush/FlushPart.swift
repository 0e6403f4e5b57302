/// What one transaction takes from one partition.
struct FlushPart: Sendable {
  let source: SourcePartition
  /// `next_offset` as this writer left it; anything else in the table means that somebody else took over.
  let expected: Int64
  /// `next_offset` after the transaction.
  let next: Int64
  let target: any WriteTarget
  /// Rows for each staging table of the target, in COPY's wire form; empty when only the offset moves.
  var tables: [ArraySlice<UInt8>] = []
  var elements = 0

  var hasRows: Bool { tables.contains { !$0.isEmpty } }
}
