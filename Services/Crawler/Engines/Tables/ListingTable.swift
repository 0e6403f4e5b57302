import Core
import Foundation
import HTML
import PriceFiles

/// The rows of a listing page, in whichever table they are.
///
/// Titles identify the columns. Where titles are unknown, empty or absent, columns are at the places known for the
/// portal, so times and sizes are read under any title. Names and links are searched in the whole row, so a moved or
/// new column loses no file; it is reported.
struct ListingTable {
  struct Row: Hashable {
    /// With its extension when the link has one.
    var fileName: String?
    /// As written, relative or absolute.
    var href: String?
    /// When it was published, as written.
    var time = ""
    /// As written; portals round it.
    var size = ""
  }

  private(set) var rows: [Row] = []
  /// Unknown titles, and missing columns (as `-time`).
  private(set) var drift: Set<String> = []

  /// - Parameter places: the columns' places when no title names them, 0-based.
  /// - Throws: `PortalError`: `login_page`, or `unknown_listing_page` for a page with neither a table of files nor a
  ///   link to one.
  init(_ page: HTMLDocument, places: [ListingColumn: Int]) throws {
    try page.requireNoLogin()
    let width = (places.values.max() ?? 0) + 1
    let grids = try page.select("//table").map { try Grid($0, width: width) }
    if let grid = grids.max(by: { $0.worth < $1.worth }), grid.worth > 0 {
      try read(grid, places)
      return
    }
    for link in try page.select("//a[@href]") {
      guard let name = Self.name(of: link) else { continue }
      rows.append(Row(fileName: name, href: link.attribute("href"), time: link.attribute("data-updated") ?? ""))
    }
    guard !rows.isEmpty else { throw PortalError(.unknownPage, "a page without a table of files (\(page.called))") }
  }

  private mutating func read(_ grid: Grid, _ documented: [ListingColumn: Int]) throws {
    var places = documented
    if let titles = grid.titles {
      let meanings = titles.map { ListingColumn(title: $0) }
      for (title, meaning) in zip(titles, meanings) where meaning == nil {
        drift.insert(String(ListingColumn.plain(title).prefix(60)))
      }
      // A column that no title names may be any of those with an unknown or empty title.
      let open = titles.indices.filter { meanings[$0] == nil || ListingColumn.plain(titles[$0]).isEmpty }
      for (column, place) in documented {
        places[column] = try meanings.firstIndex { $0 == column }
          ?? Self.place(of: column, among: open, documented: place, grid.rows.prefix(10))
      }
    }
    rows = try grid.rows.compactMap { try Self.row($0, places) }
    var missing = Set(documented.keys.filter { places[$0] == nil })
    // Links are found in any cell: the column is missing when the rows have none.
    if rows.isEmpty || rows.contains(where: { $0.href != nil }) { missing.remove(.link) }
    drift.formUnion(missing.map { "-\($0.rawValue)" })
  }

  /// The documented place when it is open and its cells look like the column's, else the first open one whose cells do.
  private static func place(
    of column: ListingColumn, among open: [Int], documented place: Int, _ rows: ArraySlice<[HTMLNode]>
  ) throws -> Int? {
    let candidates = open.filter { $0 == place } + open.filter { $0 != place }
    guard !rows.isEmpty else { return candidates.first { $0 == place } }
    return try candidates.first { index in
      try rows.contains { try $0.indices.contains(index) && column.fits($0[index]) }
    }
  }

  /// - Returns: nil for a row that is not an entry: a note over all columns, an empty line.
  private static func row(_ cells: [HTMLNode], _ places: [ListingColumn: Int]) throws -> Row? {
    func text(_ column: ListingColumn) -> String? {
      places[column].flatMap { cells.indices.contains($0) ? cells[$0].text : nil }
    }
    let links = try cells.flatMap { try $0.select(".//a[@href]") }
    let link = links.first { name(of: $0) != nil } ?? links.first
    var row = Row(
      href: link?.attribute("href"), time: link?.attribute("data-updated") ?? text(.time) ?? "",
      size: text(.size) ?? "")
    row.fileName = link.flatMap(name(of:)) ?? text(.name)
    if row.fileName.map(isFileName) != true, let other = cells.lazy.map(\.text).first(where: isFileName) {
      row.fileName = other
    }
    return row.fileName == nil && link == nil ? nil : row
  }

  /// The name of the price file a link leads to.
  private static func name(of link: HTMLNode) -> String? {
    if let name = link.attribute("data-filename"), isFileName(name) { return name }
    guard let href = link.attribute("href") else { return nil }
    let path = href.prefix { $0 != "?" && $0 != "#" }
    guard let last = path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last,
      let name = PercentEncoding.decode(last), isFileName(name)
    else { return nil }
    return name
  }

  fileprivate static func isFileName(_ text: String) -> Bool { (try? PriceFileName(text)) != nil }

  /// One table's own rows, without its foot and without nested tables.
  private struct Grid {
    var titles: [String]?
    var rows: [[HTMLNode]] = []
    /// How likely it is the table of files; 0: it is not.
    var worth = 0

    /// - Parameter width: the least number of columns of the portal's listing.
    init(_ table: HTMLNode, width: Int) throws {
      for row in try table.select("tr | thead/tr | tbody/tr") {
        let cells = try row.select("td | th")
        if rows.isEmpty, cells.contains(where: { $0.name == "th" }) {
          titles = titles ?? cells.map(\.text)
        } else if !cells.isEmpty {
          rows.append(cells)
        }
      }
      let files = try rows.count { cells in
        try cells.contains { cell in
          try ListingTable.isFileName(cell.text)
            || cell.select(".//a[@href]").contains { ListingTable.name(of: $0) != nil }
        }
      }
      let known = Set((titles ?? []).compactMap { ListingColumn(title: $0) }).subtracting([.other]).count
      // A table without files counts when its titles are those of a listing, or unknown and enough of them.
      worth = files > 0 ? files + 10 : known >= 2 ? known + 1 : (titles?.count ?? 0) >= width && width > 2 ? 1 : 0
    }
  }
}

extension ListingColumn {
  /// Whether a cell's text has the form of this column.
  fileprivate func fits(_ cell: HTMLNode) throws -> Bool {
    let text = cell.text
    switch self {
    case .name: return ListingTable.isFileName(text)
    case .link: return try cell.first(".//a[@href]") != nil
    case .time:
      return text.count { $0.isNumber } >= 6 && text.count { "/-.:".contains($0) } >= 2 && text.count < 40
        && !ListingTable.isFileName(text)
    case .size:
      let unit = text.lowercased().drop { $0.isNumber || ".,\u{200e}\u{200f} ".contains($0) }
      return text.first?.isNumber == true && ["", "b", "kb", "mb", "gb", "kib", "mib", "bytes"].contains(unit)
    case .other: return true
    }
  }
}

/// What a column of a listing table holds, by its title.
enum ListingColumn: String, Hashable, Sendable, CaseIterable {
  case name, time, size, link
  /// Known and not needed: the file name is more exact.
  case other

  /// - Parameter title: as written; runs of blanks and case are ignored.
  /// - Returns: nil for an unknown title.
  init?(title: String) {
    guard let column = Self.titles[Self.plain(title)] else { return nil }
    self = column
  }

  static func plain(_ title: String) -> String {
    title.split(whereSeparator: \.isWhitespace).joined(separator: " ").lowercased()
  }

  private static let titles: [String: ListingColumn] = [
    "": .other, "#": .other,
    "שם": .name, "שם קובץ": .name, "שם הקובץ": .name, "קובץ": .name, "name": .name, "file": .name,
    "file name": .name, "filename": .name,
    "זמן עידכון": .time, "זמן עדכון": .time, "תאריך": .time, "תאריך עדכון": .time, "תאריך ושעה": .time,
    "תאריך העלאה": .time, "date": .time, "time": .time, "updated": .time,
    "גודל": .size, "גודל קובץ": .size, "גודל (kb)": .size, "size": .size, "kb": .size,
    "הורדה": .link, "להורדה": .link, "קישור": .link, "קישור להורדה": .link, "הורדת קובץ": .link, "לינק": .link,
    "download": .link, "link": .link,
    "סניף": .other, "שם סניף": .other, "חנות": .other, "מספר סניף": .other, "רשת": .other, "שם רשת": .other,
    "תת רשת": .other, "סוג": .other, "סוג קובץ": .other, "סיומת": .other, "קטגוריה": .other, "מלא": .other,
    "מלא/חלקי": .other, "מס'": .other, "מספר": .other, "store": .other, "branch": .other, "chain": .other,
    "type": .other, "category": .other,
  ]
}
