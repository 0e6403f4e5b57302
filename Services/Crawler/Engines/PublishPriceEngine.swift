import Core
import Foundation
import HTML
import HTTP
import Logging
import PriceFiles
import Values

/// The PublishPrice portals (Carrefour): `/` shows the newest day and is empty after midnight, `/?date=YYYYMMDD` or
/// `/?p=./YYYYMMDD` shows another one; files are at `/<YYYYMMDD>/<name>`. It answers visitors from abroad with 403.
package struct PublishPriceEngine: ChainEngine {
  let context: EngineContext
  let base: HTTPURL
  let days: Int

  /// Option of the row: `days`, else `--listing-days`; the newest day of the portal that has files counts as one.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    days = max(1, try ListingDays(context).count)
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    let newest = try await page("")
    guard try await take(listing(newest)) else { return }
    // After midnight the new day has no files yet, and the last files of the day before may be unread.
    let earlier = newest.rows.isEmpty ? days : days - 1
    for back in 0..<Int64(earlier) {
      let day = CivilDate(daysSinceEpoch: newest.day.daysSinceEpoch - back - 1)
      // Without a listing, the portal does not keep earlier days.
      guard let listing = try await listing(ofEarlier: day), try await take(listing) else { return }
    }
  }

  /// An earlier day, by both known queries. A portal ignores the one it does not know and shows the newest day; the
  /// answer names its day.
  /// - Returns: nil when neither answer is of that day.
  private func listing(ofEarlier day: CivilDate) async throws -> Listing? {
    var listings: [Listing] = []
    var refusal: HTTPError?
    for query in ["?date=\(Self.path(day))", "?p=./\(Self.path(day))"] {
      do {
        let page = try await page(query)
        if page.day == day { listings.append(listing(page)) }
      } catch let error as HTTPError where error.errorClass == .data {
        refusal = refusal ?? error
      }
    }
    guard var listing = listings.first else {
      if let refusal, refusal.kind != .status(404) { throw refusal }
      return nil
    }
    if listings.count > 1 {
      let names = Set(listing.files.map(\.fileName))
      let more = listings[1].files.filter { !names.contains($0.fileName) }
      let less = names.subtracting(listings[1].files.map(\.fileName)).count
      if !more.isEmpty || less > 0 {
        context.logger.warning("?date= and ?p= list different files of one day; both are read", metadata: [
          "day": "\(day)", "date_only": "\(less)", "p_only": "\(more.count)",
        ])
      }
      listing.files += more
      listing.unknownColumns.formUnion(listings[1].unknownColumns)
    }
    return listing
  }

  /// - Parameter query: of the portal's root; empty: the newest day.
  private func page(_ query: String) async throws -> PublishPricePage {
    let response = try await context.listings.get(try base.resolving(query), headers: ["Accept": "text/html"])
    return try PublishPricePage(response.body, maxRows: context.limits.maxRows)
  }

  private func listing(_ page: PublishPricePage) -> Listing {
    var listing = Listing()
    listing.unknownColumns = page.drift
    let folder = Self.path(page.day)
    for row in page.rows {
      guard let name = row.text("name") else {
        listing.skip("no_file_name")
        continue
      }
      let size = row.text("size")
      // Names that the grammar accepts need no percent-encoding.
      listing.add(
        name, of: context, size: size.flatMap { Int64($0) }, version: [size, row.text("modified")],
        link: try? base.resolving("\(folder)/\(name)").text)
    }
    return listing
  }

  /// `YYYYMMDD`.
  private static func path(_ day: CivilDate) -> String { String(day.year * 10_000 + day.month * 100 + day.day) }
}

/// The page of one day of a PublishPrice portal. Its listing is in a script:
///
///     const path = '20260811';
///     const files = [{"name": "Price….gz", "size": 581, "modified": "12:00 11-08-2026"}, …];
struct PublishPricePage {
  let day: CivilDate
  let rows: [ListingRow]

  /// Unknown fields, and required ones that are missing in every entry (as `-modified`).
  var drift: Set<String> {
    let fields = rows.reduce(into: Set<String>()) { $0.formUnion($1.names) }
    let known: Set<String> = ["name", "size", "modified"]
    return rows.isEmpty ? [] : fields.subtracting(known).union(known.subtracting(fields).map { "-\($0)" })
  }

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
    rows = try ListingJSON.rows(try ListingJSON.value(Array(files.utf8)), limit: maxRows)
  }

  /// `20260811`.
  private static func day(_ path: String) -> CivilDate? {
    guard path.utf8.count == 8, path.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(path) else {
      return nil
    }
    return CivilDate(year: number / 10_000, month: number / 100 % 100, day: number % 100)
  }
}

/// Finds the value that a script assigns to a name: `const files = [...]`. It understands comments, strings and
/// brackets, and no more of the language.
struct ScriptSource {
  private let text: NSString
  /// The places of names, strings and single characters, in order, without blanks and comments.
  private var tokens: [NSRange] = []

  /// A comment or a string that does not end reaches to the end of the text.
  private static let token = try! NSRegularExpression(
    pattern: #"(//[^\n\r]*+|/\*.*?(?:\*/|\z))|(['"`])(?:\\.|(?!\2)[^\\])*+(?:\2|\z)|[\w$]++|\S"#,
    options: .dotMatchesLineSeparators)

  init(_ source: String) {
    text = source as NSString
    let matches = Self.token.matches(in: source, range: NSRange(location: 0, length: text.length))
    tokens = matches.filter { $0.range(at: 1).location == NSNotFound }.map(\.range)
  }

  /// The array, object or string assigned to `name` outside all brackets, as written; nil when there is none or it
  /// does not end.
  func value(of name: String) -> String? {
    var depth = 0
    for index in tokens.indices {
      depth += nesting(index)
      guard depth == 0, index + 2 < tokens.count, word(index) == name, word(index + 1) == "=",
        let value = value(at: index + 2)
      else { continue }
      return value
    }
    return nil
  }

  /// The text of a string literal, its quotes and escapes removed; nil for anything else.
  static func string(_ literal: String) -> String? {
    guard literal.count >= 2, let quote = literal.first, quote == literal.last, quote == "'" || quote == "\"" else {
      return nil
    }
    var out = ""
    var isEscaped = false
    for character in literal.dropFirst().dropLast() {
      isEscaped = character == "\\" && !isEscaped
      if !isEscaped { out.append(character) }
    }
    return out
  }

  /// The array, object or string that begins with a token; nil when it is another value or does not end.
  private func value(at first: Int) -> String? {
    let word = word(first)
    if Self.string(word) != nil { return word }
    guard word == "[" || word == "{" else { return nil }
    var depth = 0
    for index in first..<tokens.count {
      depth += nesting(index)
      guard depth == 0 else { continue }
      let start = tokens[first].location
      return text.substring(with: NSRange(location: start, length: NSMaxRange(tokens[index]) - start))
    }
    return nil
  }

  /// 1 for an opening bracket, -1 for a closing one, else 0.
  private func nesting(_ index: Int) -> Int {
    switch word(index) {
    case "{", "[", "(": 1
    case "}", "]", ")": -1
    default: 0
    }
  }

  private func word(_ index: Int) -> String { text.substring(with: tokens[index]) }
}
