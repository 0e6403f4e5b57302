import Core
import Foundation
import HTML
import PriceFiles

/// The page of one day of a PublishPrice portal. Its listing is in a script:
///
///     const path = '20260811';
///     const files = [{"name": "Price….gz", "size": 581, "modified": "12:00 11-08-2026"}, …];
struct PublishPricePage {
  struct Row: Hashable {
    var name: String
    /// In bytes.
    var size: Int64?
    /// As written.
    var modified: String
  }

  let day: CivilDate
  let rows: [Row]
  /// Entries without a name.
  let nameless: Int
  /// Unknown fields, and required ones that are missing in every entry (as `-modified`).
  let drift: Set<String>

  var isEmpty: Bool { rows.isEmpty && nameless == 0 }

  /// - Throws: `PortalError`: `login_page`, `unknown_listing_page` without such a script, `unknown_listing_shape`,
  ///   `invalid_json`, `too_many_rows`; `HTMLError`.
  init(_ bytes: [UInt8], maxRows: Int) throws {
    let page = try HTMLDocument(bytes)
    try page.requireNoLogin()
    let scripts = try page.select("//script").map { ScriptSource($0.rawText) }
    guard let script = scripts.first(where: { $0.value(of: "files") != nil }), let files = script.value(of: "files")
    else { throw PortalError(.unknownPage, "a page without a script that lists files (\(page.called))") }
    let written = script.value(of: "path").flatMap(ScriptSource.string)
    guard let path = written, let day = Self.day(path) else {
      throw PortalError(.unknownShape, "the script's path '\((written ?? "").prefix(40))' is not a day")
    }
    self.day = day

    guard let entries = try? JSONSerialization.jsonObject(with: Data(files.utf8)) as? [Any] else {
      throw PortalError(.invalidJSON, "the script's list of files is not a JSON array (\(files.utf8.count) bytes)")
    }
    guard entries.count <= maxRows else {
      throw PortalError(.tooManyRows, "the page has \(entries.count) rows, more than --max-listing-rows \(maxRows)")
    }
    var rows: [Row] = []
    var fields: Set<String> = []
    for entry in entries {
      guard let object = entry as? [String: Any] else {
        throw PortalError(.unknownShape, "the script's list of files has entries that are no objects")
      }
      fields.formUnion(object.keys)
      guard let name = object["name"] as? String, !name.isEmpty else { continue }
      rows.append(Row(
        name: name, size: Self.size(object["size"]), modified: object["modified"].map { "\($0)" } ?? ""))
    }
    self.rows = rows
    nameless = entries.count - rows.count
    let known: Set<String> = ["name", "size", "modified"]
    drift = entries.isEmpty ? [] : fields.subtracting(known).union(known.subtracting(fields).map { "-\($0)" })
  }

  private static func size(_ value: Any?) -> Int64? {
    let size = (value as? NSNumber)?.int64Value ?? (value as? String).flatMap { Int64($0) }
    return size.flatMap { $0 >= 0 ? $0 : nil }
  }

  /// `20260811`.
  private static func day(_ path: String) -> CivilDate? {
    guard path.utf8.count == 8, path.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(path) else {
      return nil
    }
    return CivilDate(year: number / 10_000, month: number / 100 % 100, day: number % 100)
  }
}
