import Foundation
import Runtime

/// One row of a Bina listing, as written.
struct BinaRow: Hashable, Sendable {
  var fileName: String
  /// Bytes or a text such as "12.3 KB"; portals differ, most say nothing.
  var size: String?
  /// `HH:mm dd/MM/yyyy`
  var date: String?
  /// Absolute, or relative to the portal.
  var link: String?

  /// The size when it is exact.
  var bytes: Int64? { size.flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil } }
}

/// Reads the listings and link answers of Bina portals, in every shape seen:
///
///     [{"FileNm": "...", "DateFile": "03:05 20/01/2025", ...}]      the documented one
///     {"d": [{"FileNm": "...", "FileSize": 42, "SPath": "/..."}]}   also with the array inside a string
///     {"1": {"FileNm": "..."}, "2": {...}}                          rows under keys of their own
///
/// Names of fields compare without case. Not a hot path: a listing has 1,000 rows at most.
enum BinaListing {
  /// - Returns: the rows, and how many entries had no file name.
  static func rows(_ bytes: [UInt8], limit: Int) throws(PortalError) -> (rows: [BinaRow], nameless: Int) {
    let objects = try objects(in: try json(bytes))
    guard objects.count <= limit else {
      throw PortalError(.tooManyRows, "the listing has \(objects.count) rows, more than --max-listing-rows \(limit)")
    }
    var rows: [BinaRow] = []
    rows.reserveCapacity(objects.count)
    for object in objects {
      let fields = Fields(object)
      guard let name = fields.text("filenm"), !name.isEmpty else { continue }
      rows.append(BinaRow(
        fileName: name.trimmingCharacters(in: .whitespaces), size: fields.text("filesize"),
        date: fields.text("datefile"), link: fields.text("spath")))
    }
    return (rows, objects.count - rows.count)
  }

  /// The link in an answer of Download.aspx; nil when it has none.
  static func link(_ bytes: [UInt8]) throws(PortalError) -> String? {
    let objects = try objects(in: try json(bytes), marker: "spath")
    return objects.lazy.compactMap { Fields($0).text("spath") }.first { !$0.isEmpty }
  }

  private static func json(_ bytes: [UInt8]) throws(PortalError) -> Any {
    var body = bytes[...]
    if body.starts(with: [0xef, 0xbb, 0xbf]) { body = body.dropFirst(3) }
    body = body.drop { $0 == 0x20 || (0x09...0x0d).contains($0) }
    guard let first = body.first else { throw PortalError(.invalidJSON, "the answer is empty") }
    guard first != UInt8(ascii: "<") else {
      throw PortalError(
        .htmlInsteadOfJSON, "an HTML page instead of JSON (\(title(body))): a login, a block or an error page")
    }
    do {
      return try JSONSerialization.jsonObject(with: Data(body), options: [.fragmentsAllowed])
    } catch {
      throw PortalError(.invalidJSON, "the answer is not JSON (\(bytes.count) bytes)")
    }
  }

  /// Finds the array of rows, or the rows that are values of one object.
  private static func objects(in value: Any, marker: String = "filenm") throws(PortalError) -> [[String: Any]] {
    if let array = value as? [Any] {
      let objects = array.compactMap { $0 as? [String: Any] }
      guard objects.count == array.count else { throw unknown("an array with entries that are no objects") }
      return objects
    }
    if let text = value as? String { return try objects(in: try json(Array(text.utf8)), marker: marker) }
    guard let object = value as? [String: Any] else { throw unknown("neither an array nor an object") }
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
        throw unknown("an object with the keys \(keys(object))")
      }
    }
    // Objects inside an object may be anything; at least one of them has to look like a row.
    guard rows.isEmpty || rows.contains(where: { $0.keys.contains { $0.lowercased() == marker } }) else {
      throw unknown("an object with the keys \(keys(object)), whose entries have \(keys(rows[0]))")
    }
    return rows
  }

  private static func keys(_ object: [String: Any]) -> String {
    let names = object.keys.sorted()
    return names.prefix(8).map { "'\($0.prefix(40))'" }.joined(separator: ", ") + (names.count > 8 ? ", ..." : "")
  }

  private static func unknown(_ what: String) -> PortalError {
    PortalError(.unknownShape, "a listing of a shape nobody knows: \(what)")
  }

  /// What an HTML page calls itself, for the log.
  private static func title(_ body: ArraySlice<UInt8>) -> String {
    let text = String(decoding: body.prefix(4_096), as: UTF8.self)
    guard let open = text.range(of: "<title>", options: .caseInsensitive),
      let close = text.range(of: "</title>", options: .caseInsensitive, range: open.upperBound..<text.endIndex)
    else { return "without a title" }
    return "'\(text[open.upperBound..<close.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines).prefix(60))'"
  }

  /// The fields of a row by their lower-case names, as text.
  private struct Fields {
    private var values: [String: Any] = [:]

    init(_ object: [String: Any]) {
      for (name, value) in object { values[name.lowercased()] = value }
    }

    func text(_ name: String) -> String? {
      switch values[name] {
      case let text as String: text
      case let number as NSNumber: number.stringValue
      default: nil
      }
    }
  }
}
