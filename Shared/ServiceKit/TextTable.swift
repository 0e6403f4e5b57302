/// A table of text with aligned columns.
package struct TextTable: Sendable {
  /// Aligned to the left when it is written as a title alone.
  package struct Column: Sendable, ExpressibleByStringLiteral {
    var title: String
    var isRight = false

    package init(stringLiteral title: String) { self.title = title }

    package static func right(_ title: String) -> Column {
      var column = Column(stringLiteral: title)
      column.isRight = true
      return column
    }
  }

  let columns: [Column]
  let hasRule: Bool
  package private(set) var rows: [[String]] = []

  /// - Parameter hasRule: whether a rule lies under the heading.
  package init(_ columns: [Column], hasRule: Bool = true) {
    self.columns = columns
    self.hasRule = hasRule
  }

  /// Fills a short row with empty cells, and drops surplus cells.
  package mutating func append(_ row: [String]) {
    rows.append(columns.indices.map { $0 < row.count ? Self.singleLine(row[$0]) : "" })
  }

  /// One string per line, without line ends and without spaces at the end.
  package var lines: [String] {
    let widths = columns.indices.map { column in
      rows.reduce(columns[column].title.count) { max($0, $1[column].count) }
    }
    let heading = line(columns.map(\.title), widths)
    let rule = hasRule ? [widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")] : []
    return [heading] + rule + rows.map { line($0, widths) }
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    var text = columns.indices.map { column in
      let padding = String(repeating: " ", count: widths[column] - cells[column].count)
      return columns[column].isRight ? padding + cells[column] : cells[column] + padding
    }.joined(separator: "  ")
    while text.last == " " { text.removeLast() }
    return text
  }

  /// Replaces control characters, which would break the columns or control the terminal.
  private static func singleLine(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map {
      $0.properties.generalCategory == .control || $0.properties.generalCategory == .format ? " " : $0
    }))
  }
}

/// `1234567` as `1,234,567`.
package func grouped(_ number: Int) -> String {
  var digits = String(number.magnitude)
  var index = digits.endIndex
  while let next = digits.index(index, offsetBy: -3, limitedBy: digits.startIndex), next > digits.startIndex {
    digits.insert(",", at: next)
    index = next
  }
  return number < 0 ? "-" + digits : digits
}
