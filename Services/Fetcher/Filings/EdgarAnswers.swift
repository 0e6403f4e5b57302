import Core
import Feeds
import HTTP
import Messages
import Values

/// A row of EDGAR's list of a company's submissions.
struct EdgarFiling: Hashable, Sendable {
  /// `0000320193-25-000079`
  var accession: String
  var form: String
  /// `2025-10-31`
  var filedOn: String
  /// The last day that it reports of; empty where the form has none.
  var period: String
  /// When it was accepted, which is when anyone could read it; nil when that cannot be read.
  var acceptedAt: Timestamp?
  var file: String
  var size: Int64

  var base: String { form.hasSuffix("/A") ? String(form.dropLast(2)) : form }
}

/// EDGAR's list of a company's submissions: columns, the newest first.
struct EdgarSubmissions: Sendable {
  var name = ""
  var tickers: [String] = []
  var filings: [EdgarFiling] = []
  /// Files with older ones, and the day of filing of their newest.
  var older: [(name: String, until: String)] = []

  /// - Throws: `FetchError(.unreadable)`.
  init(_ body: [UInt8]) throws(FetchError) {
    do throws(DecodingFailure) {
      try read(body.span.bytes)
    } catch {
      throw FetchError(.unreadable, "a list of submissions cannot be read: \(error)")
    }
  }

  private static let limits = JSONReader.Limits(maxBytes: EdgarAnswers.largest, maxDepth: 16)

  private mutating func read(_ bytes: RawSpan) throws(DecodingFailure) {
    var reader = try JSONReader(bytes, limits: Self.limits)
    var columns = Columns()
    var object = try reader.beginObject()
    while let field = try reader.nextName(&object) {
      switch field {
      case "name": name = try reader.stringOrNull() ?? ""
      case "tickers": tickers = try Self.strings(&reader).compactMap { SymbolNames.canonical($0, from: .dashed) }
      case "filings":
        var parts = try reader.beginObject()
        while let part = try reader.nextName(&parts) {
          switch part {
          case "recent":
            var recent = try reader.beginObject()
            while let column = try reader.nextName(&recent) { try columns.read(column, &reader) }
          case "files": try readFiles(&reader)
          default: try reader.skipValue()
          }
        }
      // A file of older ones is the columns alone.
      default: try columns.read(field, &reader)
      }
    }
    try reader.finish()
    filings = try columns.rows()
  }

  private mutating func readFiles(_ reader: inout JSONReader) throws(DecodingFailure) {
    var files = try reader.beginArray()
    while try reader.nextElement(&files) {
      var (name, until) = ("", "")
      var file = try reader.beginObject()
      while let field = try reader.nextName(&file) {
        switch field {
        case "name": name = try reader.stringOrNull() ?? ""
        case "filingTo": until = try reader.stringOrNull() ?? ""
        default: try reader.skipValue()
        }
      }
      // A name becomes a part of an address.
      if !name.isEmpty, name.utf8.allSatisfy({ MarkSet.file.contains($0) }) { older.append((name, until)) }
    }
  }

  fileprivate static func strings(_ reader: inout JSONReader) throws(DecodingFailure) -> [String] {
    var strings: [String] = []
    var array = try reader.beginArray()
    while try reader.nextElement(&array) { strings.append(try reader.stringOrNull() ?? "") }
    return strings
  }

  private struct Columns {
    var texts: [String: [String]] = [:]
    var sizes: [Int64] = []

    private static let names: Set<String> = [
      "accessionNumber", "filingDate", "reportDate", "acceptanceDateTime", "form", "primaryDocument",
    ]

    mutating func read(_ name: String, _ reader: inout JSONReader) throws(DecodingFailure) {
      if Self.names.contains(name) {
        texts[name] = try strings(&reader)
      } else if name == "size" {
        var array = try reader.beginArray()
        while try reader.nextElement(&array) { sizes.append(try reader.integerOrNull() ?? 0) }
      } else {
        try reader.skipValue()
      }
    }

    /// - Throws: when a column has fewer rows than another one: they cannot be told apart.
    func rows() throws(DecodingFailure) -> [EdgarFiling] {
      let count = texts["accessionNumber"]?.count ?? 0
      for name in Self.names where texts[name]?.count != count && count > 0 {
        throw DecodingFailure(.badValue, at: 0, "the columns have different lengths", field: name)
      }
      guard count > 0 else { return [] }
      return (0..<count).map { row in
        func text(_ name: String) -> String { texts[name]![row] }
        let accepted = Array(text("acceptanceDateTime").utf8)
        return EdgarFiling(
          accession: text("accessionNumber"), form: text("form"), filedOn: text("filingDate"),
          period: text("reportDate"), acceptedAt: Timestamp(parsing: accepted.span.bytes),
          file: text("primaryDocument"), size: row < sizes.count ? sizes[row] : 0)
      }
    }
  }
}

/// What EDGAR answers, besides documents.
enum EdgarAnswers {
  /// Bytes of a list.
  static let largest = 64 << 20

  /// - Returns: the body; nil for what is not there.
  /// - Throws: `FetchError`: of the client, which EDGAR does not accept, or of too many requests; `HTTPError` for an
  ///   outage.
  static func body(of response: HTTPResponse) throws -> [UInt8]? {
    switch response.status {
    case 404: return nil
    case 403, 429:
      let text = String(decoding: response.body.prefix(16_384), as: UTF8.self)
      if text.contains("Undeclared Automated Tool") {
        throw FetchError(
          .refused, "EDGAR does not accept the user-agent of the source: it has to name a company and a real address")
      }
      if response.status == 429 || text.contains("Request Rate Threshold Exceeded") {
        let delay = response.headers["retry-after"].flatMap { RetryAfter.delay($0) }
        // The address is let in again when it stayed below the limit for ten minutes.
        throw FetchError(.rateLimited, "more than ten requests a second", retryAfter: delay ?? .seconds(600))
      }
      // So its file store answers for a file that is not there (yet).
      if text.contains("AccessDenied") || text.contains("NoSuchKey") { return nil }
      throw FetchError(.refused, "EDGAR answered 403")
    default:
      try response.head.requireSuccess()
      return response.body
    }
  }

  /// `company_tickers.json`: the CIK in ten digits of each symbol.
  /// - Throws: `FetchError(.unreadable)`.
  static func companies(_ body: [UInt8]) throws(FetchError) -> [String: String] {
    do throws(DecodingFailure) {
      var companies: [String: String] = [:]
      var reader = try JSONReader(body.span.bytes, limits: JSONReader.Limits(maxBytes: largest, maxDepth: 8))
      var rows = try reader.beginObject()
      while try reader.nextName(&rows) != nil {
        var (cik, ticker) = (Int64(0), "")
        var row = try reader.beginObject()
        while let field = try reader.nextName(&row) {
          switch field {
          case "cik_str": cik = try reader.integerOrNull() ?? 0
          case "ticker": ticker = try reader.stringOrNull() ?? ""
          default: try reader.skipValue()
          }
        }
        guard cik > 0, let symbol = SymbolNames.canonical(ticker, from: .dashed) else { continue }
        companies[symbol] = zeroPadded(cik, 10)
      }
      try reader.finish()
      guard !companies.isEmpty else { throw DecodingFailure(.badValue, at: 0, "it has no rows", field: "ticker") }
      return companies
    } catch {
      throw FetchError(.unreadable, "the table of tickers cannot be read: \(error)")
    }
  }

  /// A row of a day's index: `320193|Apple Inc.|10-K|20251031|edgar/data/320193/0000320193-25-000079.txt`.
  struct IndexRow: Hashable, Sendable {
    var cik: String
    var form: String
    var accession: String
  }

  static func index(_ body: [UInt8]) -> [IndexRow] {
    body.split(separator: 0x0a).compactMap { line in
      let words = line.split(separator: 0x7c, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      guard words.count == 5, let cik = Int64(words[0]), let name = words[4].split(separator: "/").last else {
        return nil
      }
      let end = name.firstIndex(of: ".") ?? name.endIndex
      return IndexRow(cik: zeroPadded(cik, 10), form: words[2], accession: String(name[..<end]))
    }
  }

  /// The days whose index is in a folder, by the names of its files: `master.20251031.idx`.
  static func days(_ body: [UInt8]) throws(FetchError) -> [String] {
    let text = String(decoding: body, as: UTF8.self)
    return text.split(separator: "\"").compactMap { word in
      guard word.hasPrefix("master."), word.hasSuffix(".idx") else { return nil }
      let day = word.dropFirst(7).dropLast(4)
      return day.utf8.count == 8 && Int(day) != nil ? String(day) : nil
    }
  }
}

/// Bytes that may stand in a name of a file which becomes a part of an address.
enum MarkSet {
  static let file = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-".utf8)
}
