import Kafka
import Postgres

/// The staged, unwritten rows of one partition, in the order of offsets.
struct StagedPartition: Sendable {
  let target: WriteTarget
  /// `next_offset` in the table, as this writer left or found it; -1 for a partition without writes.
  var expected: Int64
  /// The offset after the last message seen, with or without rows; nil before the first one.
  private(set) var next: Int64?
  /// One for each staging table of the target.
  private var tables: [BinaryCopyRows]
  /// Offsets of the messages with rows.
  private(set) var records: [Int64] = []
  /// The end of each record's rows in each table, `records.count` times as many as there are tables; they begin at the
  /// end of the record before.
  private var ends: [BinaryCopyRows.Mark] = []
  /// The `next_offset` of a COMMIT without an answer.
  var unanswered: Int64?

  init(_ target: WriteTarget, expected: Int64) {
    self.target = target
    self.expected = expected
    tables = target.staging.map { _ in BinaryCopyRows() }
  }

  var byteCount: Int { tables.reduce(0) { $0 + $1.byteCount } }
  /// Rows of elements and their parts, in all tables.
  var rowCount: Int { zip(tables, target.staging).reduce(0) { $0 + ($1.1.role == .header ? 0 : $1.0.count) } }
  var hasWork: Bool { next.map { $0 > expected } ?? false }

  /// Whether a message was staged or written before.
  func knows(_ offset: Int64) -> Bool { offset < max(expected, next ?? 0) }

  /// Lends the buffers to the reader of one message, which stages the message or leaves the buffers unchanged; in both
  /// cases the message counts as seen.
  /// - Returns: the message's counts, without its rows.
  mutating func stage<Failure: Error>(
    offset: Int64, batch: Int32, _ body: (inout MessageRows) throws(Failure) -> Void
  ) throws(Failure) -> MessageRows {
    let marks = tables.map(\.mark)
    // Moves the buffers instead of copying them.
    var rows = MessageRows(batch: batch, tables: tables)
    tables = []
    defer { swap(&tables, &rows.tables) }
    see(offset)
    do throws(Failure) {
      try body(&rows)
    } catch {
      for index in marks.indices { rows.tables[index].rewind(to: marks[index]) }
      throw error
    }
    if rows.kept == 0, !rows.headerCounts {
      for index in marks.indices { rows.tables[index].rewind(to: marks[index]) }
    } else {
      records.append(offset)
      ends += rows.tables.map(\.mark)
    }
    var counts = rows
    counts.tables = []
    return counts
  }

  /// Notes a message, with rows or without.
  mutating func see(_ offset: Int64) { next = offset + 1 }

  /// Notes that all records before `offset` were seen, with or without rows.
  mutating func advance(to offset: Int64) {
    if offset > max(expected, next ?? expected) { next = offset }
  }

  /// All staged rows.
  func part(_ source: TopicPartition) -> FlushPart { part(source, records: 0..<records.count) }

  /// Consecutive records. The offset moves to the one after the last of them; with the last record, to `next`.
  func part(_ source: TopicPartition, records range: Range<Int>) -> FlushPart {
    let isLast = range.upperBound == records.count
    var part = FlushPart(
      source: source, expected: expected,
      next: isLast ? next ?? expected : records[range.upperBound - 1] + 1, target: target)
    for index in tables.indices {
      let (start, end) = bounds(range, index)
      part.tables.append(tables[index].bytes[start.bytes..<end.bytes])
      if target.staging[index].role == .element { part.elements += end.rows - start.rows }
    }
    return part
  }

  /// The rows of one record by element, each with the rows of every table, without headers.
  func elements(ofRecord index: Int) -> [[ArraySlice<UInt8>]] {
    StagedElements.split(rows(ofRecord: index), target.staging)
  }

  /// One record's headers with some of its elements.
  func part(_ source: TopicPartition, record index: Int, elements: ArraySlice<[ArraySlice<UInt8>]>) -> FlushPart {
    var part = part(source, records: index..<(index + 1))
    for (table, shape) in target.staging.enumerated() where shape.role != .header {
      part.tables[table] = Array(elements.map { $0[table] }.joined())[...]
    }
    part.elements = elements.count
    return part
  }

  private func rows(ofRecord index: Int) -> [ArraySlice<UInt8>] {
    tables.indices.map { table in
      let (start, end) = bounds(index..<(index + 1), table)
      return tables[table].bytes[start.bytes..<end.bytes]
    }
  }

  private func bounds(_ range: Range<Int>, _ table: Int) -> (start: BinaryCopyRows.Mark, end: BinaryCopyRows.Mark) {
    func end(_ record: Int) -> BinaryCopyRows.Mark {
      record < 0 ? BinaryCopyRows().mark : ends[record * tables.count + table]
    }
    let start = end(range.lowerBound - 1)
    return (start, range.isEmpty ? start : end(range.upperBound - 1))
  }

  /// Drops the durable records: all before `offset`.
  mutating func settle(through offset: Int64) {
    expected = offset
    unanswered = nil
    guard let next, next > offset else {
      for index in tables.indices { tables[index].removeAll() }
      records.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
      return
    }
    rebuild { $0 >= offset ? .all : .nothing }
  }

  /// Removes the refused elements of a record.
  mutating func remove(_ refused: RefusedRecord) {
    rebuild { record in
      guard record == refused.offset else { return .all }
      return refused.isWhole ? .nothing : .except(refused.elements)
    }
  }

  private enum Keeping {
    case all, nothing
    case except(Set<Int>)
  }

  private mutating func rebuild(_ keeping: (Int64) -> Keeping) {
    var newTables = tables.map { _ in BinaryCopyRows() }
    var newRecords: [Int64] = []
    var newEnds: [BinaryCopyRows.Mark] = []
    for (index, record) in records.enumerated() {
      let kept: [ArraySlice<UInt8>]
      let whole = part(TopicPartition("", 0), records: index..<(index + 1))
      switch keeping(record) {
      case .nothing: continue
      case .all: kept = whole.tables
      case .except(let refused):
        let elements = elements(ofRecord: index).enumerated().filter { !refused.contains($0.offset) }.map(\.element)
        kept = part(TopicPartition("", 0), record: index, elements: elements[...]).tables
      }
      for (table, rows) in kept.enumerated() {
        newTables[table].append(rows: rows, count: BinaryCopyRows.split(rows).count)
      }
      newRecords.append(record)
      newEnds += newTables.map(\.mark)
    }
    (tables, records, ends) = (newTables, newRecords, newEnds)
  }
}

/// Splits the staged rows of one message into its elements; needed only after a refusal.
enum StagedElements {
  /// - Parameter tables: the rows of one message, one entry for each of `shapes`.
  /// - Returns: for each element, in order, its rows in each table; without headers.
  static func split(_ tables: [ArraySlice<UInt8>], _ shapes: [StagingTable]) -> [[ArraySlice<UInt8>]] {
    guard let main = shapes.firstIndex(where: { $0.role == .element }) else { return [] }
    let hasParts = shapes.contains { $0.role == .part }
    let elements = BinaryCopyRows.split(tables[main])
    var parts = [[Int32: ArraySlice<UInt8>]](repeating: [:], count: shapes.count)
    for (table, shape) in shapes.enumerated() where shape.role == .part {
      for row in BinaryCopyRows.split(tables[table]) {
        let number = number(of: row)
        if let before = parts[table][number] {
          // Rows of one element are adjacent.
          parts[table][number] = tables[table][before.startIndex..<row.endIndex]
        } else {
          parts[table][number] = row
        }
      }
    }
    return elements.map { element in
      shapes.indices.map { table in
        if table == main { return element }
        return hasParts ? parts[table][number(of: element)] ?? [] : []
      }
    }
  }

  /// The second column: after the field count (2 bytes) and the first field's length and value (4 + 4 bytes).
  private static func number(of row: ArraySlice<UInt8>) -> Int32 {
    let start = row.startIndex + 2 + 4 + 4 + 4
    return Int32(bitPattern: row[start..<(start + 4)].reduce(0) { $0 << 8 | UInt32($1) })
  }
}
