/// Whether two words are the same in spite of their letters.
enum Spelling {
  typealias Letters = UnsafeBufferPointer<UInt16>

  static func isPrefix(_ short: Letters, of long: Letters) -> Bool {
    guard short.count < long.count else { return false }
    for index in short.indices where short[index] != long[index] { return false }
    return true
  }

  /// One is the other cut short.
  static func isCut(_ a: Letters, _ b: Letters) -> Bool { a.count < b.count ? isPrefix(a, of: b) : isPrefix(b, of: a) }

  static func isJoined(_ whole: Letters, _ first: Letters, _ second: Letters) -> Bool {
    guard whole.count == first.count + second.count else { return false }
    for index in first.indices where whole[index] != first[index] { return false }
    for index in second.indices where whole[first.count + index] != second[index] { return false }
    return true
  }

  /// Whether so many insertions, deletions, substitutions and swaps of neighbours lead from one to the other
  /// (the optimal string alignment distance).
  static func isWithin(_ limit: Int, _ a: Letters, _ b: Letters) -> Bool {
    guard abs(a.count - b.count) <= limit else { return false }
    // Equal ends cost nothing and need no table.
    var (start, aEnd, bEnd) = (0, a.count, b.count)
    while start < aEnd, start < bEnd, a[start] == b[start] { start += 1 }
    while aEnd > start, bEnd > start, a[aEnd - 1] == b[bEnd - 1] {
      aEnd -= 1
      bEnd -= 1
    }
    let (rows, columns) = (aEnd - start, bEnd - start)
    if rows == 0 || columns == 0 { return max(rows, columns) <= limit }
    if limit == 1 {
      if rows == 1, columns == 1 { return true }
      return rows == 2 && columns == 2 && a[start] == b[start + 1] && a[start + 1] == b[start]
    }
    return distance(a, b, start, rows, columns) <= limit
  }

  private static func distance(_ a: Letters, _ b: Letters, _ start: Int, _ rows: Int, _ columns: Int) -> Int {
    let width = columns + 1
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: (rows + 1) * width) { table in
      for column in 0...columns { table[column] = column }
      for row in 1...rows {
        table[row * width] = row
        for column in 1...columns {
          let (x, y) = (a[start + row - 1], b[start + column - 1])
          var best = table[(row - 1) * width + column - 1] + (x == y ? 0 : 1)
          best = min(best, table[(row - 1) * width + column] + 1, table[row * width + column - 1] + 1)
          if row > 1, column > 1, x == b[start + column - 2], a[start + row - 2] == y {
            best = min(best, table[(row - 2) * width + column - 2] + 1)
          }
          table[row * width + column] = best
        }
      }
      return table[rows * width + columns]
    }
  }
}
