import Core
import Foundation

/// One row of a Bina listing, as written.
struct BinaRow: Hashable, Sendable {
  var fileName: String
  /// Bytes, or text such as "12.3 KB"; portals differ, most omit it.
  var size: String?
  /// `HH:mm dd/MM/yyyy`
  var date: String?
  /// Absolute, or relative to the portal.
  var link: String?
}

/// Reads the listings and link answers of Bina portals, in every known shape:
///
///     [{"FileNm": "...", "DateFile": "03:05 20/01/2025", ...}]      the documented one
///     {"d": [{"FileNm": "...", "FileSize": 42, "SPath": "/..."}]}   also with the array inside a string
///     {"1": {"FileNm": "..."}, "2": {...}}                          rows under their own keys
///
/// Field names are compared without case. Not a hot path: a listing has at most 1,000 rows.
enum BinaListing {
  /// - Returns: the rows, and how many entries had no file name.
  static func rows(_ bytes: [UInt8], limit: Int) throws(PortalError) -> (rows: [BinaRow], nameless: Int) {
    let objects = try objects(in: try ListingJSON.value(bytes))
    guard objects.count <= limit else {
      throw PortalError(.tooManyRows, "the listing has \(objects.count) rows, more than --max-listing-rows \(limit)")
    }
    let rows = objects.compactMap { object -> BinaRow? in
      let row = ListingRow(object)
      guard let name = row.text("filenm") else { return nil }
      return BinaRow(fileName: name, size: row.text("filesize"), date: row.text("datefile"), link: row.text("spath"))
    }
    return (rows, objects.count - rows.count)
  }

  /// The link in an answer of Download.aspx; nil when it has none.
  static func link(_ bytes: [UInt8]) throws(PortalError) -> String? {
    let objects = try objects(in: try ListingJSON.value(bytes), marker: "spath")
    return objects.lazy.compactMap { ListingRow($0).text("spath") }.first
  }

  /// Finds the array of rows, or the rows that are values of one object.
  private static func objects(in value: Any, marker: String = "filenm") throws(PortalError) -> [[String: Any]] {
    if let array = value as? [Any] {
      let objects = array.compactMap { $0 as? [String: Any] }
      guard objects.count == array.count else { throw ListingJSON.unknown("an array with entries that are no objects") }
      return objects
    }
    if let text = value as? String {
      return try objects(in: try ListingJSON.value(Array(text.utf8)), marker: marker)
    }
    guard let object = value as? [String: Any] else { throw ListingJSON.unknown("neither an array nor an object") }
    if object.isEmpty { return [] }
    if object.keys.contains(where: { $0.lowercased() == marker }) { return [object] }
    if let inner = object["d"] {
      if inner is NSNull { return [] }
      return try objects(in: inner, marker: marker)
    }
    var rows: [[String: Any]] = []
    for key in object.keys.sorted() {
      if let row = object[key] as? [String: Any] {
        rows.append(row)
      } else if let many = object[key] as? [[String: Any]] {
        rows += many
      } else {
        throw ListingJSON.unknown("an object with the keys \(ListingJSON.keys(object))")
      }
    }
    // Nested objects may be anything; at least one of them must look like a row.
    guard rows.isEmpty || rows.contains(where: { $0.keys.contains { $0.lowercased() == marker } }) else {
      throw ListingJSON.unknown(
        "an object with the keys \(ListingJSON.keys(object)), whose entries have \(ListingJSON.keys(rows[0]))")
    }
    return rows
  }
}
