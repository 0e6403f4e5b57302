import Glibc
import ServiceKit

/// Where text goes: how wide it may be, and whether it may have colours.
package struct Terminal: Hashable, Sendable {
  /// Columns; nil for a file or a pipe, where every line may be as long as it is.
  package var width: Int?
  package var hasColour: Bool

  package init(width: Int?, hasColour: Bool) { (self.width, self.hasColour) = (width, hasColour) }

  /// `COLUMNS` says the width where it is set; `NO_COLOR` (no-color.org) and a dumb terminal switch colours off.
  package static var standardOutput: Terminal {
    var size = winsize()
    let isTerminal = isatty(STDOUT_FILENO) == 1
    var width: Int?
    if isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { width = Int(size.ws_col) }
    func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
    if let columns = Int(variable("COLUMNS")), columns > 0 { width = columns }
    return Terminal(
      width: width, hasColour: isTerminal && variable("NO_COLOR").isEmpty && variable("TERM") != "dumb")
  }

  package func isWide(_ wide: Bool) -> Terminal { wide ? Terminal(width: nil, hasColour: hasColour) : self }
}

/// What a row says at a glance.
package enum Tone: Sendable {
  case plain, good, warning, bad, faint

  package func painted(_ text: String) -> String {
    let code = switch self {
    case .plain: ""
    case .good: "32"
    case .warning: "33"
    case .bad: "31"
    case .faint: "2"
    }
    return code.isEmpty ? text : "\u{1b}[\(code)m\(text)\u{1b}[0m"
  }
}

/// Rows of one kind, with what is said of all of them: printed as a table that fits the terminal, as JSON or as YAML.
package struct Report: Sendable {
  package struct Column: Sendable {
    /// The name in JSON and YAML.
    package let name: String
    package let title: String
    package var isRight = false
    /// How short its cells may be cut; nil when they stay whole.
    package var least: Int?
    /// Columns of the highest rank are left out first where a terminal is too narrow; those of rank 0 stay.
    package var rank = 0
    /// What does not fit goes on in further lines instead of being cut.
    package var wraps = false

    package static func text(_ name: String, _ title: String, least: Int? = nil, rank: Int = 0) -> Column {
      Column(name: name, title: title, least: least, rank: rank)
    }
    /// Sentences.
    package static func words(_ name: String, _ title: String, least: Int) -> Column {
      Column(name: name, title: title, least: least, wraps: true)
    }
    package static func number(_ name: String, _ title: String, rank: Int = 0) -> Column {
      Column(name: name, title: title, isRight: true, rank: rank)
    }
    /// Only in JSON and YAML.
    package static func hidden(_ name: String) -> Column { Column(name: name, title: "", rank: .max) }
  }

  package struct Cell: Sendable {
    package var value: DataValue
    package var text: String

    package init(_ value: DataValue, _ text: String) { (self.value, self.text) = (value, text) }
    package static func text(_ text: String?) -> Cell { Cell(DataValue(text), text ?? "-") }
    package static func count(_ count: Int?) -> Cell { Cell(DataValue(count), count.map { grouped($0) } ?? "-") }
    package static func count(_ count: Int64?) -> Cell { .count(count.map { Int($0) }) }
    package static func time(_ duration: Duration?) -> Cell {
      Cell(DataValue(seconds: duration), duration.map { short($0) } ?? "-")
    }
  }

  package struct Row: Sendable {
    package var cells: [Cell]
    package var tone = Tone.plain
  }

  /// Of the rows, in JSON and YAML.
  package let name: String
  package let columns: [Column]
  package private(set) var rows: [Row] = []
  /// Said of all rows, in JSON and YAML beside them.
  package var fields: [DataValue.Field] = []
  /// Said of all rows below the table.
  package var notes: [String] = []
  /// What a table without rows says.
  package var nothing = "none"

  package init(_ name: String, _ columns: [Column]) { (self.name, self.columns) = (name, columns) }

  package mutating func append(_ cells: [Cell], _ tone: Tone = .plain) {
    precondition(cells.count == columns.count, "a row of \(name) has one cell for each column")
    rows.append(Row(cells: cells, tone: tone))
  }

  package var data: DataValue {
    let list = rows.map { row in
      DataValue.object(zip(columns, row.cells).map { .init($0.name, $1.value) })
    }
    return .object([.init(name, .list(list))] + fields)
  }

  package func lines(_ terminal: Terminal) -> [String] {
    if rows.isEmpty { return [nothing] + notes.flatMap { wrapped($0, terminal.width) } }
    let (shown, widths, left) = fitted(terminal.width)
    var table = TextTable(shown.map { column in
      let title = columns[column].title
      return columns[column].isRight ? .right(title) : TextTable.Column(stringLiteral: title)
    })
    var tones: [Tone] = []
    for row in rows {
      let cells: [[String]] = shown.map { column in
        let text = row.cells[column].text
        guard let width = widths[column], text.count > width else { return [text] }
        if columns[column].wraps { return wrapped(text, width).flatMap { Self.pieces($0, width) } }
        var cut = text.prefix(max(0, width - 1))
        while cut.last == " " { cut.removeLast() }
        return [String(cut) + "…"]
      }
      for line in 0..<(cells.map(\.count).max() ?? 0) {
        table.append(cells.map { line < $0.count ? $0[line] : "" })
        tones.append(row.tone)
      }
    }
    var lines = table.lines
    if terminal.hasColour {
      for (index, tone) in tones.enumerated() { lines[index + 2] = tone.painted(lines[index + 2]) }
    }
    var notes = notes
    if !left.isEmpty { notes.append("left out: \(left.joined(separator: ", ")); --wide prints every column") }
    if !notes.isEmpty { lines.append("") }
    return lines + notes.flatMap { wrapped($0, terminal.width) }
  }

  /// A word that is wider than its column is broken.
  private static func pieces(_ text: String, _ width: Int) -> [String] {
    guard text.count > width, width > 0 else { return [text] }
    return [String(text.prefix(width))] + pieces(String(text.dropFirst(width)), width)
  }

  private func isCuttable(_ column: Int, _ widths: [Int]) -> Bool {
    columns[column].least.map { widths[column] > max($0, columns[column].title.count) } ?? false
  }

  /// The columns that are shown, the widths of those that are cut, and the titles of those that are left out.
  private func fitted(_ limit: Int?) -> (shown: [Int], widths: [Int: Int], left: [String]) {
    var shown = columns.indices.filter { columns[$0].rank != .max }
    let natural = columns.indices.map { column in
      rows.reduce(columns[column].title.count) { max($0, $1.cells[column].text.count) }
    }
    guard let limit else { return (shown, [:], []) }
    var left: [String] = []
    while true {
      var widths = natural
      func total() -> Int { shown.reduce(0) { $0 + widths[$1] } + 2 * max(0, shown.count - 1) }
      while total() > limit {
        // The widest of those that may be cut gives way first.
        let candidates = shown.filter { isCuttable($0, widths) }
        guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
        let next = candidates.filter { $0 != widest }.map { widths[$0] }.max() ?? 0
        let floor = max(columns[widest].least ?? 0, columns[widest].title.count, min(next, widths[widest] - 1))
        widths[widest] = max(floor, widths[widest] - (total() - limit))
      }
      if total() <= limit {
        return (shown, Dictionary(uniqueKeysWithValues: shown.map { ($0, widths[$0]) }), left)
      }
      guard let last = shown.filter({ columns[$0].rank > 0 }).max(by: { columns[$0].rank < columns[$1].rank }) else {
        return (shown, Dictionary(uniqueKeysWithValues: shown.map { ($0, widths[$0]) }), left)
      }
      left.append(columns[last].title)
      shown.removeAll { $0 == last }
    }
  }
}

/// Breaks a line at blanks.
package func wrapped(_ text: String, _ width: Int?) -> [String] {
  guard let width, text.count > width else { return [text] }
  var lines = [""]
  for word in text.split(separator: " ", omittingEmptySubsequences: false) {
    let last = lines[lines.count - 1]
    if !last.isEmpty, last.count + 1 + word.count > width {
      lines.append(String(word))
    } else {
      lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)"
    }
  }
  return lines
}
