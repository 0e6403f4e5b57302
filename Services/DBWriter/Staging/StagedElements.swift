import Postgres

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
