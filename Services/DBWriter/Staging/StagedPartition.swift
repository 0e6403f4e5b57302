import Postgres

/// What is staged of one partition and not yet written, in the order of its offsets.
struct StagedPartition: Sendable {
  /// A message that left rows behind.
  struct Record: Hashable, Sendable {
    let offset: Int64
    /// Where its rows end; they begin where those of the record before it end.
    var batchesEnd: BinaryCopyRows.Mark
    var rowsEnd: BinaryCopyRows.Mark
  }

  /// `next_offset` in the table, as this writer left or found it; -1 for a partition nothing was written of.
  var expected: Int64
  /// The offset behind the last message seen, which need not have left rows; nil before the first one.
  private(set) var next: Int64?
  private(set) var batches = BinaryCopyRows()
  private(set) var rows = BinaryCopyRows()
  private(set) var records: [Record] = []
  /// Messages seen since the last flush, with rows or without.
  private(set) var messages = 0
  private(set) var oldest: ContinuousClock.Instant?
  /// The `next_offset` of a COMMIT whose answer never came.
  var unanswered: Int64?

  init(expected: Int64) { self.expected = expected }

  var byteCount: Int { batches.byteCount + rows.byteCount }
  var hasWork: Bool { next.map { $0 > expected } ?? false }

  /// Whether a message was staged or written before.
  func knows(_ offset: Int64) -> Bool { offset < max(expected, next ?? 0) }

  /// Lends the buffers to the visitor of one message. Afterwards it has either staged the message or left no trace;
  /// in both cases the message counts as seen.
  mutating func stage<Failure: Error>(
    offset: Int64, batch: Int32, at now: ContinuousClock.Instant,
    _ body: (inout StagingVisitor) throws(Failure) -> Void
  ) throws(Failure) -> StagingVisitor.Count {
    let marks = (batches.mark, rows.mark)
    // Moved, not copied: the partition keeps nothing meanwhile.
    var visitor = StagingVisitor(batch: batch, batches: batches, rows: rows)
    batches = BinaryCopyRows()
    rows = BinaryCopyRows()
    defer {
      batches = visitor.batches
      rows = visitor.rows
    }
    see(offset, at: now)
    do throws(Failure) {
      try body(&visitor)
    } catch {
      visitor.batches.rewind(to: marks.0)
      visitor.rows.rewind(to: marks.1)
      throw error
    }
    if visitor.count.kept == 0 {
      visitor.batches.rewind(to: marks.0)
    } else {
      records.append(Record(offset: offset, batchesEnd: visitor.batches.mark, rowsEnd: visitor.rows.mark))
    }
    return visitor.count
  }

  /// Counts a message that has nothing to write.
  mutating func see(_ offset: Int64, at now: ContinuousClock.Instant) {
    next = offset + 1
    messages += 1
    if oldest == nil { oldest = now }
  }

  /// Takes note that everything below `offset` was seen, here or elsewhere.
  mutating func advance(to offset: Int64) {
    if offset > max(expected, next ?? 0) { next = offset }
  }

  /// All that is staged.
  func part(_ source: SourcePartition) -> FlushPart { part(source, records: 0..<records.count) }

  /// Some consecutive records. The offset moves to behind the last of them, and to the very end with the last one.
  func part(_ source: SourcePartition, records range: Range<Int>) -> FlushPart {
    let isLast = range.upperBound == records.count
    return FlushPart(
      source: source, expected: expected,
      next: isLast ? next ?? expected : records[range.upperBound - 1].offset + 1,
      batches: batches.bytes[bounds(range, \.batchesEnd)], rows: rows.bytes[bounds(range, \.rowsEnd)],
      rowCount: range.isEmpty ? 0
        : records[range.upperBound - 1].rowsEnd.rows
          - (range.lowerBound == 0 ? 0 : records[range.lowerBound - 1].rowsEnd.rows))
  }

  /// The rows of one record, singly.
  func singleRows(ofRecord index: Int) -> [ArraySlice<UInt8>] {
    BinaryCopyRows.split(rows.bytes[bounds(index..<(index + 1), \.rowsEnd)])
  }

  private func bounds(_ range: Range<Int>, _ end: KeyPath<Record, BinaryCopyRows.Mark>) -> Range<Int> {
    let start = range.lowerBound == 0 ? 0 : records[range.lowerBound - 1][keyPath: end].bytes
    return start..<(range.isEmpty ? start : records[range.upperBound - 1][keyPath: end].bytes)
  }

  /// Forgets what is durable: everything below `offset`.
  mutating func settle(through offset: Int64) {
    expected = offset
    unanswered = nil
    guard let next, next > offset else {
      batches.removeAll()
      rows.removeAll()
      records.removeAll(keepingCapacity: true)
      messages = 0
      oldest = nil
      return
    }
    rebuild { record, _ in record.offset >= offset }
  }

  /// Takes single rows (by their number within the record) out of the record at `offset`; the others stay.
  mutating func remove(rows refused: Set<Int>, ofRecordAt offset: Int64) {
    rebuild { record, row in record.offset != offset || !refused.contains(row) }
  }

  private mutating func rebuild(keeping: (Record, Int) -> Bool) {
    var (newBatches, newRows, newRecords) = (BinaryCopyRows(), BinaryCopyRows(), [Record]())
    for (index, record) in records.enumerated() {
      let kept = singleRows(ofRecord: index).enumerated().filter { keeping(record, $0.offset) }
      guard !kept.isEmpty else { continue }
      newBatches.append(rows: batches.bytes[bounds(index..<(index + 1), \.batchesEnd)], count: 1)
      for row in kept { newRows.append(rows: row.element, count: 1) }
      newRecords.append(Record(offset: record.offset, batchesEnd: newBatches.mark, rowsEnd: newRows.mark))
    }
    (batches, rows, records) = (newBatches, newRows, newRecords)
  }
}
