import Core
import HTTP
import Messages
import Sentiment
import Values

/// A page of NewsAPI's `/v2/everything`.
struct NewsPage: Sendable {
  /// Of all pages of the question.
  var total = 0
  var articles: [NewsArticle] = []
  /// Times at which an article was published that is withdrawn; the page says nothing else of it.
  var removed: [Timestamp] = []
  /// Rows without an address, a title or a time.
  var lost = 0
  /// The plan ends here: it has no further pages, or no such old articles.
  var isBeyondPlan = false

  var rows: Int { articles.count + removed.count + lost }

  /// - Throws: `FetchError` for a message in the place of a page, whatever its status; `HTTPError` for a server that
  ///   gives none.
  init(_ response: HTTPResponse, source: String, language: String?, jobID: String?, knownAt: Timestamp) throws {
    var reading = Reading(source: source, language: language, jobID: jobID, knownAt: knownAt)
    let body = response.body
    do throws(DecodingFailure) {
      try reading.read(body.span.bytes)
    } catch {
      try response.head.requireSuccess()
      throw FetchError(.unreadable, "the answer cannot be read: \(error)")
    }
    if reading.status != "ok" {
      if response.status == 426 || Self.endsOfPlan.contains(reading.code) {
        isBeyondPlan = true
        return
      }
      throw Self.failure(reading.code, reading.message, response)
    }
    try response.head.requireSuccess()
    self = reading.page
  }

  private static let endsOfPlan: Set<String> = ["maximumResultsReached"]

  /// Source: newsapi.org/docs/errors.
  private static func failure(_ code: String, _ message: String, _ response: HTTPResponse) -> any Error {
    let delay = response.headers["retry-after"].flatMap { RetryAfter.delay($0) }
    let text = "\(code): \(message.prefix(200))"
    switch code {
    case "rateLimited": return FetchError(.rateLimited, text, retryAfter: delay)
    case "apiKeyExhausted": return FetchError(.dayQuotaSpent, text, retryAfter: delay)
    case "apiKeyInvalid", "apiKeyMissing", "apiKeyDisabled": return FetchError(.refused, text)
    case "parameterInvalid", "parametersMissing", "sourcesTooMany", "sourceDoesNotExist":
      return FetchError(.requestRefused, text)
    default:
      do { try response.head.requireSuccess() } catch { return error }
      return FetchError(.unrecognised, text)
    }
  }

  /// The fields of the answer, in any order and with nulls anywhere.
  private struct Reading {
    let source: String
    let language: String?
    let jobID: String?
    let knownAt: Timestamp
    var status = ""
    var code = ""
    var message = ""
    var page = NewsPage()

    mutating func read(_ bytes: RawSpan) throws(DecodingFailure) {
      var reader = try JSONReader(bytes, limits: JSONReader.Limits(maxBytes: 16 << 20))
      var fields = try reader.beginObject()
      while let name = try reader.nextName(&fields) {
        switch name {
        case "status": status = try reader.stringOrNull() ?? ""
        case "code": code = try reader.stringOrNull() ?? ""
        case "message": message = try reader.stringOrNull() ?? ""
        case "totalResults": page.total = Int(try reader.integerOrNull() ?? 0)
        case "articles":
          var rows = try reader.beginArray()
          while try reader.nextElement(&rows) { try readArticle(&reader) }
        default: try reader.skipValue()
        }
      }
      try reader.finish()
    }

    private mutating func readArticle(_ reader: inout JSONReader) throws(DecodingFailure) {
      var outlet: String?, author: String?, title: String?, description: String?, url: String?
      var time: Timestamp?
      var fields = try reader.beginObject()
      while let name = try reader.nextName(&fields) {
        switch name {
        case "author": author = try reader.stringOrNull()
        case "title": title = try reader.stringOrNull()
        case "description": description = try reader.stringOrNull()
        case "url": url = try reader.stringOrNull()
        case "publishedAt":
          let text = Array((try reader.stringOrNull() ?? "").utf8)
          time = Timestamp(parsing: text.span.bytes)
        case "source":
          guard reader.startsObject else {
            try reader.skipValue()
            continue
          }
          var parts = try reader.beginObject()
          while let part = try reader.nextName(&parts) {
            if part == "name" { outlet = try reader.stringOrNull() } else { try reader.skipValue() }
          }
        default: try reader.skipValue()
        }
      }
      guard let time else {
        page.lost += 1
        return
      }
      if title == "[Removed]" || url?.hasSuffix("://removed.com") == true {
        page.removed.append(time)
        return
      }
      guard let title, !title.isEmpty, let address = url.flatMap({ CanonicalURL.of($0) }) else {
        page.lost += 1
        return
      }
      page.articles.append(NewsArticle(
        source: source, id: String(SHA256.hash(address).hex.prefix(32)), outlet: outlet ?? "", url: address,
        title: title, description: description.flatMap { $0.isEmpty ? nil : $0 }, author: author, language: language,
        publishedAt: time, knownAt: knownAt, jobID: jobID))
    }
  }

  private init() {}
}
