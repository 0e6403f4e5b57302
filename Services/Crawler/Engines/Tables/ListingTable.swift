import Foundation
import HTML
import PriceFiles

/// The rows of a listing page, whatever table they stand in.
///
/// Columns are told by their titles; a table without titles is read by the places its portal is known to use. Names
/// and links are looked for in the whole row, so that a column that moved or came new costs no file. It is reported
/// all the same.
struct ListingTable {
  struct Row: Hashable {
    /// With its extension when the link has it.
    var fileName: String?
    /// As written, relative or absolute.
    var href: String?
    /// When it was published, as written.
    var time = ""
    /// As written; portals round it.
    var size = ""
  }

  private(set) var rows: [Row] = []
  /// Titles nobody has described, and columns that are missing (as `-time`).
  private(set) var drift: Set<String> = []

  /// - Parameter places: where columns are when no title says so, 0-based.
  /// - Throws: `PortalError`: `login_page`, or `unknown_listing_page` for a page with neither a table of files nor a
  ///   link to one.
  init(_ page: HTMLDocument, places: [ListingColumn: Int]) throws {
    guard !page.isLogin else {
      throw PortalError(.loginPage, "a login instead of a listing (\(Self.called(page)))")
    }
    let grids = try page.select("//table").map { try Grid($0) }
    if let grid = grids.max(by: { $0.worth < $1.worth }), grid.worth > 0 {
      try read(grid, places)
      return
    }
    for link in try page.select("//a[@href]") {
      guard let name = Self.name(of: link) else { continue }
      rows.append(Row(fileName: name, href: link.attribute("href"), time: link.attribute("data-updated") ?? ""))
    }
    guard !rows.isEmpty else {
      throw PortalError(.unknownPage, "a page without a table of files (\(Self.called(page)))")
    }
  }

  private mutating func read(_ grid: Grid, _ documented: [ListingColumn: Int]) throws {
    var places = documented
    if let titles = grid.titles {
      let meanings = titles.map { ListingColumn(title: $0) }
      for (title, meaning) in zip(titles, meanings) where meaning == nil {
        drift.insert(String(ListingColumn.plain(title).prefix(60)))
      }
      for column in documented.keys {
        places[column] = meanings.firstIndex { $0 == column }
        if places[column] == nil { drift.insert("-\(column.rawValue)") }
      }
    }
    rows = try grid.rows.compactMap { try Self.row($0, places) }
  }

  /// - Returns: nil for a row that is no entry: a note over all columns, an empty line.
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

  /// The price file a link says it leads to.
  private static func name(of link: HTMLNode) -> String? {
    if let name = link.attribute("data-filename"), isFileName(name) { return name }
    guard let href = link.attribute("href") else { return nil }
    let path = href.prefix { $0 != "?" && $0 != "#" }
    guard let last = path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last,
      let name = String(last).removingPercentEncoding, isFileName(name)
    else { return nil }
    return name
  }

  private static func isFileName(_ text: String) -> Bool { (try? PriceFileName(text)) != nil }

  private static func called(_ page: HTMLDocument) -> String { page.title.map { "'\($0)'" } ?? "without a title" }

  /// One table's own rows, without those of tables inside it and of its foot.
  private struct Grid {
    var titles: [String]?
    var rows: [[HTMLNode]] = []
    /// How much it looks like the table of files; 0: not at all.
    var worth = 0

    init(_ table: HTMLNode) throws {
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
      // Without a file in it, a table counts when its titles are those of a listing.
      worth = files > 0 ? files + 10 : known >= 2 ? known : 0
    }
  }
}
