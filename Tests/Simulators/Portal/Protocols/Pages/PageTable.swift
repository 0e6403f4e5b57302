/// A listing as an HTML table, one page of it.
struct PageTable {
  struct Column {
    var title: String
    var role: Role?
    var cell: (PortalFile) -> String

    init(_ title: String, _ role: Role? = nil, _ cell: @escaping (PortalFile) -> String) {
      self.title = title
      self.role = role
      self.cell = cell
    }
  }

  /// The column of a file that faults remove or change.
  enum Role { case name, time, size, link }

  var columns: [Column]
  /// Whether titles are links to sort by, as on some portals.
  var linkedTitles = false
  /// Rows below the files, inside the table.
  var foot = ""

  func html(_ files: some Sequence<PortalFile>, _ mode: Fault.Mode?) -> String {
    var columns = columns
    switch mode {
    case .unknownColumn: columns.insert(Column("שובר קופה") { _ in "7" }, at: 0)
    case .missingColumn: columns.removeAll { $0.role == .time }
    default: break
    }
    let head = columns.map { column in
      linkedTitles && !column.title.isEmpty
        ? "<th scope=\"col\">\n<a href=\"?sort=x&amp;sortdir=ASC\">\(column.title)</a>   </th>"
        : "<th>\(column.title)</th>"
    }
    var out = "<table class=\"table\">\n<thead>\n<tr>\(head.joined(separator: "\n"))</tr>\n</thead>\n<tbody>\n"
    for file in files {
      // Rows without their closing tags: browsers do not mind.
      out += "<tr>" + columns.map { "<td>\($0.cell(file))" }.joined(separator: "\n") + "\n"
    }
    out += "</tbody>\n"
    if !foot.isEmpty { out += "<tfoot><tr><td colspan=\"\(columns.count)\">\(foot)</td></tr></tfoot>\n" }
    return out + "</table>\n"
  }

  static func escaped(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case "\"": out += "&quot;"
      default: out.append(character)
      }
    }
    return out
  }

  static func page(title: String, _ body: String) -> String {
    "<!DOCTYPE html>\n<html lang=\"he\" dir=\"rtl\"><head><meta charset=\"utf-8\"><title>\(title)</title></head>\n"
      + "<body>\n\(body)</body></html>\n"
  }
}

/// Some rows of a longer list.
struct PageCut {
  /// 1-based; a number past the end shows no rows.
  var number: Int
  var count: Int
  var files: ArraySlice<PortalFile>

  init(_ files: [PortalFile], page: Int, rows: Int) {
    number = max(1, page)
    count = max(1, (files.count + rows - 1) / rows)
    let start = min(files.count, (number - 1) * rows)
    self.files = files[start..<min(files.count, start + rows)]
  }

  /// The pages a pager names: those around this one and the last.
  var named: [Int] { (1...count).filter { abs($0 - number) <= 2 || $0 == count } }
}
