import Core
import Foundation
import HTML

/// JSON listings of portals. Not a hot path: a listing has some thousand rows.
enum ListingJSON {
  /// - Throws: `PortalError` for an HTML page, and for bytes that are not JSON.
  static func value(_ bytes: [UInt8]) throws(PortalError) -> Any {
    var body = bytes[...]
    if body.starts(with: [0xef, 0xbb, 0xbf]) { body = body.dropFirst(3) }
    body = body.drop { $0 == 0x20 || (0x09...0x0d).contains($0) }
    guard let first = body.first else { throw PortalError(.invalidJSON, "the answer is empty") }
    guard first != UInt8(ascii: "<") else {
      let called = (try? HTMLDocument(Array(body)))?.called ?? "without a title"
      throw PortalError(
        .htmlInsteadOfJSON, "an HTML page instead of JSON (\(called)): a login, a block or an error page")
    }
    do {
      return try JSONSerialization.jsonObject(with: Data(body), options: [.fragmentsAllowed])
    } catch {
      throw PortalError(.invalidJSON, "the answer is not JSON (\(bytes.count) bytes)")
    }
  }

  /// The rows of an array of objects, or of the array under `key` of an object.
  /// - Throws: `PortalError` for any other shape, and for more than `limit` rows.
  static func rows(_ value: Any, under key: String? = nil, limit: Int) throws(PortalError) -> [ListingRow] {
    var value = value
    if let key, let object = value as? [String: Any] {
      guard let inner = object[key] else { throw unknown("an object with the keys \(keys(object))") }
      value = inner
    }
    guard let array = value as? [Any] else {
      throw unknown((value as? [String: Any]).map { "an object with the keys \(keys($0))" } ?? "no array")
    }
    guard array.count <= limit else {
      throw PortalError(.tooManyRows, "the listing has \(array.count) rows, more than --max-listing-rows \(limit)")
    }
    var rows: [ListingRow] = []
    rows.reserveCapacity(array.count)
    for entry in array {
      guard let object = entry as? [String: Any] else { throw unknown("an array with entries that are no objects") }
      rows.append(ListingRow(object))
    }
    return rows
  }

  static func unknown(_ what: String) -> PortalError {
    PortalError(.unknownShape, "a listing of unknown shape: \(what)")
  }

  static func keys(_ object: [String: Any]) -> String {
    let names = object.keys.sorted()
    return names.prefix(8).map { "'\($0.prefix(40))'" }.joined(separator: ", ") + (names.count > 8 ? ", ..." : "")
  }
}

/// One entry of a JSON listing. Field names are compared without case.
struct ListingRow {
  private var values: [String: Any] = [:]
  /// As written.
  private(set) var names: Set<String> = []

  init(_ object: [String: Any]) {
    names = Set(object.keys)
    for (name, value) in object { values[name.lowercased()] = value }
  }

  /// A text or a number, as text without blanks at its ends; nil when it is empty or another type.
  /// - Parameter name: in lower case.
  func text(_ name: String) -> String? {
    let text: String? =
      switch values[name] {
      case let text as String: text.trimmingCharacters(in: .whitespacesAndNewlines)
      case let number as NSNumber: number.stringValue
      default: nil
      }
    return text.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The fields of this row beside the known ones.
  /// - Parameter known: in lower case.
  func unknown(beside known: Set<String>) -> Set<String> { names.filter { !known.contains($0.lowercased()) } }
}

extension Listing {
  /// The entry's file name; nil, and counted as skipped, when it is missing.
  mutating func fileName(_ row: ListingRow, _ fields: String...) -> String? {
    if let text = fields.lazy.compactMap({ row.text($0) }).first { return text }
    skip("no_file_name")
    unknownColumns.formUnion(fields.prefix(1).map { "-\($0)" })
    return nil
  }
}
