/// What one transaction takes from one partition.
struct FlushPart: Sendable {
  let source: SourcePartition
  /// `next_offset` as this writer left it; anything else in the table means that somebody else took over.
  let expected: Int64
  /// `next_offset` after the transaction.
  let next: Int64
  /// Rows for `staged_batches` and `staged_rows` in COPY's wire form.
  let batches: ArraySlice<UInt8>
  let rows: ArraySlice<UInt8>
  var rowCount = 0
}
