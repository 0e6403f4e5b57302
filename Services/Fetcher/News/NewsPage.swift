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
    let tree = try response.tree()
    if tree["status"]?.text != "ok" {
      let code = tree["code"]?.text ?? ""
      if response.status == 426 || Self.endsOfPlan.contains(code) {
        isBeyondPlan = true
        return
      }
      throw Self.failure(code, tree["message"]?.text ?? "", response)
    }
    try response.head.requireSuccess()
    total = Int(tree["totalResults"]?.integer ?? 0)
    for row in tree["articles"]?.items ?? [] {
      let (title, url) = (row["title"]?.text ?? "", row["url"]?.text ?? "")
      guard let time = row["publishedAt"]?.text.flatMap({ Timestamp($0) }) else {
        lost += 1
        continue
      }
      if title == "[Removed]" || url.hasSuffix("://removed.com") {
        removed.append(time)
        continue
      }
      guard !title.isEmpty, let address = CanonicalURL.of(url) else {
        lost += 1
        continue
      }
      articles.append(NewsArticle(
        source: source, id: String(SHA256.hash(address).hex.prefix(32)), outlet: row["source"]?["name"]?.text ?? "",
        url: address, title: title, description: row["description"]?.text.flatMap { $0.isEmpty ? nil : $0 },
        author: row["author"]?.text, language: language, publishedAt: time, knownAt: knownAt, jobID: jobID))
    }
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
}
